import Disk
import ParallaxCore

/// A copy of one source's log as it was at one moment, made while producers append and runs trim.
///
///     copy(p) = the records of [earliest(p), end(p)), both as one reading of the partition's durable end had them
///
/// Records that were acknowledged before the copy began are in it, unless they had been trimmed: then the archive has them. Partitions are copied
/// one after the other; nothing is promised about the order of records in different ones.
public struct LogCopy: Sendable {
    /// What each partition's copy holds.
    public var bounds: [Partition: Range<Offset>] = [:]
    /// Below the copy's folder.
    public var files: [CopiedFile] = []

    /// A segment that is removed under our hands was trimmed; so often the partition is begun again.
    private static let tries = 20

    /// Files of the log's folder that say who works there now.
    private static let left: Set<String> = ["lock", "lock.next"]

    /// - Parameters:
    ///   - directory: the folder of logs; `source`: the log's name in it.
    ///   - target: becomes the log's folder; it must not be there yet.
    ///   - previous: an earlier copy: its folder and its files. Segments that are the same share its contents where the file system lets them.
    ///   - progress: told of the bytes of every block; what it throws ends the copy.
    /// Throws `.missing` where there is no log, `.corrupt`, `.disk`.
    public init(
        of directory: String, source: String, to target: String, previous: (folder: String, files: [CopiedFile])?,
        progress: (Int) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        let known = Dictionary((previous?.files ?? []).map { ($0.path, $0) }) { $1 }
        let paths = try LogPaths(directory: directory, source: source)
        var count = PartitionCountFile(paths)
        try count.refresh()
        guard let partitions = count.count else { throw ParallaxError(.missing, "source \"\(source)\" has no log in \(directory)") }
        try Disk.makeFolder(target)
        for number in 0..<partitions {
            let partition = Partition(number)
            try copy(partition, paths, to: "\(target)/\(partition)", previous: previous?.folder, known, progress)
        }
        // After the partitions: the number of them is the last thing that a log is made of.
        for name in try Disk.names(in: paths.root) where !Self.left.contains(name) && !name.hasSuffix(".new") {
            guard Disk.size(ofFile: "\(paths.root)/\(name)") != nil else { continue }
            let copied = try Disk.copy("\(paths.root)/\(name)", to: "\(target)/\(name)", progress: progress)
            files.append(CopiedFile(path: name, bytes: copied.bytes, sha256: copied.sha256))
        }
        // A partition that came while we copied is not in the copy.
        try Disk.write(PartitionCountFile.contents(partitions), to: "\(target)/\(Disk.name(of: paths.partitions))")
        files.removeAll { $0.path == Disk.name(of: paths.partitions) }
        try note(target, Disk.name(of: paths.partitions))
    }

    private mutating func note(_ target: String, _ path: String) throws(ParallaxError) {
        let file = "\(target)/\(path)"
        files.append(CopiedFile(path: path, bytes: Disk.size(ofFile: file) ?? 0, sha256: try Disk.sha256(ofFile: file)))
    }

    private mutating func copy(
        _ partition: Partition, _ paths: LogPaths, to target: String, previous: String?, _ known: [String: CopiedFile],
        _ progress: (Int) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        try Disk.makeFolder(target)
        let folder = paths.folder(of: partition)
        for attempt in 1...Self.tries {
            guard let endFile = try File.read(paths.end(of: partition)), let end = try DurableEndFile.read(endFile).0 else {
                throw ParallaxError(
                    .corrupt,
                    "\(paths.end(of: partition)) does not say how far partition \(partition) of source \"\(paths.source)\" is durable",
                    hint: "Open the log for writing (parallax up, parallax ingest): it is found again from the segments.")
            }
            var copied: [CopiedFile] = []
            do throws(ParallaxError) {
                for base in try paths.segments(of: partition) where base >= end.earliest && base <= end.segment {
                    let path = paths.segment(base, of: partition)
                    if base == end.segment {
                        // Its end may be gone, and given up.
                        let isGivenUp = try GivenUp(paths, partition).ranges.contains { $0.upperBound == end.end }
                        let segment = try Disk.copy(
                            path, to: "\(target)/\(Disk.name(of: path))",
                            firstBytes: isGivenUp ? min(end.bytes, Disk.size(ofFile: path) ?? end.bytes) : end.bytes, progress: progress)
                        copied.append(CopiedFile(path: Disk.name(of: path), bytes: segment.bytes, sha256: segment.sha256))
                    } else {
                        let name = "\(partition)/\(Disk.name(of: path))"
                        let twin = known[name].flatMap { file in previous.map { ("\($0)/\(name)", file) } }
                        copied.append(try copyWhole(path, to: target, twin: twin, progress))
                    }
                }
            } catch {
                // Trimmed since the end was read: the records are in the archive by now.
                guard error.code == .missing, attempt < Self.tries else { throw error }
                try Disk.removeFolder(target)
                try Disk.makeFolder(target)
                continue
            }
            for name in try Disk.names(in: folder) where !name.hasSuffix(".log") && name != Disk.name(of: paths.end(of: partition)) {
                guard Disk.size(ofFile: "\(folder)/\(name)") != nil else { continue }
                let other = try Disk.copy("\(folder)/\(name)", to: "\(target)/\(name)", progress: progress)
                copied.append(CopiedFile(path: name, bytes: other.bytes, sha256: other.sha256))
            }
            let name = Disk.name(of: paths.end(of: partition))
            let file = try File.openOrCreate("\(target)/\(name)")
            try file.write([UInt8](repeating: 0, count: 2 * DurableEnd.slotBytes).span.bytes, at: 0)
            var copy = DurableEndFile(file)
            try copy.publish(end, durably: true)
            try Disk.syncFolder(target)
            files += copied.map { CopiedFile(path: "\(partition)/\($0.path)", bytes: $0.bytes, sha256: $0.sha256) }
            try note(Disk.parent(of: target), "\(partition)/\(name)")
            bounds[partition] = Offset(end.earliest)..<Offset(end.end)
            return
        }
    }

    /// A segment that is appended to no more.
    private func copyWhole(
        _ path: String, to target: String, twin: (path: String, file: CopiedFile)?, _ progress: (Int) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> CopiedFile {
        let name = Disk.name(of: path)
        if let twin, Disk.size(ofFile: path) == twin.file.bytes, Disk.size(ofFile: twin.path) == twin.file.bytes,
            try Disk.sha256(ofFile: path, progress: progress) == twin.file.sha256, try Disk.link(twin.path, to: "\(target)/\(name)")
        {
            return CopiedFile(path: name, bytes: twin.file.bytes, sha256: twin.file.sha256)
        }
        let copied = try Disk.copy(path, to: "\(target)/\(name)", progress: progress)
        return CopiedFile(path: name, bytes: copied.bytes, sha256: copied.sha256)
    }
}
