import Disk
import ParallaxCore

/// Where the parts of one source's log are:
///
///     <directory>/<source>/partitions              how many there are; written once all of them exist
///     <directory>/<source>/identity                which log this is (see `LogNumberFile`)
///     <directory>/<source>/lock, lock.next         who appends, who is the next
///     <directory>/<source>/<partition>/end         how far it is durable (see `DurableEnd`)
///     <directory>/<source>/<partition>/<20 digits>.log    a segment, named by its first offset
///     <directory>/<source>/<partition>/given-up    damage that a person gave up (see `GivenUp`); damaged-<first>-<next>: its bytes
struct LogPaths: Sendable {
    let source: String
    /// `<directory>/<source>`.
    let root: String

    init(directory: String, source: String) throws(ParallaxError) {
        let bytes = source.utf8
        guard !bytes.isEmpty, bytes.count <= 200, source != ".", source != "..", !bytes.contains(UInt8(ascii: "/")), !bytes.contains(0)
        else {
            throw ParallaxError(
                .configuration, "\"\(source)\" cannot name a source's log",
                detail: "The name becomes a folder: 1 to 200 bytes, no \"/\", not \".\" or \"..\".")
        }
        self.source = source
        root = "\(directory)/\(source)"
    }

    var partitions: String { "\(root)/partitions" }
    var identity: String { "\(root)/identity" }
    var lock: String { "\(root)/lock" }
    var nextLock: String { "\(root)/lock.next" }

    func folder(of partition: Partition) -> String { "\(root)/\(partition)" }
    func end(of partition: Partition) -> String { "\(folder(of: partition))/end" }

    func segment(_ base: Int64, of partition: Partition) -> String {
        let digits = String(base)
        return "\(folder(of: partition))/\(String(repeating: "0", count: 20 - digits.utf8.count))\(digits).log"
    }

    /// First offsets of the partition's segments, ascending. Other files are none of our business.
    func segments(of partition: Partition) throws(ParallaxError) -> [Int64] {
        var bases: [Int64] = []
        for name in try Disk.names(inExisting: folder(of: partition)) where name.utf8.count == 24 && name.hasSuffix(".log") {
            if let base = Int64(name.dropLast(4)), base >= 0, base <= Frame.largestOffset { bases.append(base) }
        }
        return bases.sorted()
    }
}
