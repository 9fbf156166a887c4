import Disk
import ParallaxCore

/// The file that says how many partitions a source has. It is replaced as a whole and only ever grows, so every open log sees a new
/// count by looking at the file's identity: one system call an append.
struct PartitionCountFile {
    let paths: LogPaths
    private var seen: FileStatus?
    /// Nil where there is no log yet.
    private(set) var count: Int?

    init(_ paths: LogPaths) { self.paths = paths }

    /// Reads the file again if it is another than the one seen last.
    mutating func refresh() throws(ParallaxError) {
        guard let status = try FileStatus.ifThere(paths.partitions) else { return count = nil }
        if seen == status { return }
        guard let file = try File.read(paths.partitions) else { return count = nil }
        let text = String(decoding: try file.contents(atMost: 200), as: UTF8.self)
        guard text.hasPrefix(Self.prefix), text.hasSuffix("\n"), let number = Int(text.dropFirst(Self.prefix.count).dropLast()), number > 0
        else {
            throw ParallaxError(
                .corrupt, "\(paths.partitions) does not hold the number of partitions of source \"\(paths.source)\"",
                detail: "It should read \"\(Self.prefix)\", a number and a line end.",
                hint: "Count the numbered folders beside it and write the file again.")
        }
        count = number
        seen = status
    }

    mutating func write(_ count: Int) throws(ParallaxError) {
        try Disk.write(Self.contents(count), to: paths.partitions)
        seen = nil
        try refresh()
    }

    static func contents(_ count: Int) -> [UInt8] { Array("\(prefix)\(count)\n".utf8) }

    private static let prefix = "parallax log 1, partitions: "
}
