import Disk
import Glibc
import ParallaxCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The list of a partition's segments: what is in the archive is what is listed here.
///
/// Equation: segments[i].next = segments[i + 1].first, and segments[0].first = 0. So nothing is archived twice and nothing is
/// left out. Checked whenever lines are read. A line may take the place of an earlier one of the same offsets, whose file was damaged.
/// A last line without a line feed is one whose writing was cut off; its segment does not count.
struct Manifest: Sendable {
    let path: String
    let partition: Partition
    private(set) var segments: [ArchiveSegment] = []
    /// Bytes of whole lines.
    private(set) var wholeBytes = 0
    /// Bytes after them: a torn line.
    private(set) var tornBytes = 0
    private var stamp: FileStatus?

    /// The first offset that is not archived.
    var position: Offset { segments.last?.next ?? .zero }

    /// The newest record that the log is known by.
    var witness: LogWitness? { segments.last { $0.lastRecord != nil }?.lastRecord }

    init(_ folder: ArchiveFolder, _ partition: Partition) {
        path = folder.manifest(partition)
        self.partition = partition
    }

    /// Reads what is new since the last call; all of it, where the file is not the same.
    mutating func refresh() throws(ParallaxError) {
        guard var (bytes, stamp) = try read(from: wholeBytes) else {
            self = Manifest(path: path, partition: partition)
            return
        }
        if let known = self.stamp, !known.isSameFile(as: stamp) || stamp.bytes < wholeBytes {
            self = Manifest(path: path, partition: partition)
            guard let whole = try read(from: 0) else { return }
            (bytes, stamp) = whole
        }
        let decoder = JSONDecoder()
        var start = 0
        while let feed = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            try append(bytes[start..<feed], decoder)
            wholeBytes += feed + 1 - start
            start = feed + 1
        }
        tornBytes = bytes.count - start
        self.stamp = stamp
    }

    /// The bytes from `start` to the end, and which file they are of; nil where there is none.
    private func read(from start: Int) throws(ParallaxError) -> (bytes: [UInt8], stamp: FileStatus)? {
        guard let file = try File.read(path) else { return nil }
        let stamp = try file.status()
        return (try file.contents(from: start), stamp)
    }

    private init(path: String, partition: Partition) {
        self.path = path
        self.partition = partition
    }

    private mutating func append(_ line: ArraySlice<UInt8>, _ decoder: JSONDecoder) throws(ParallaxError) {
        let segment: ArchiveSegment
        do { segment = try decoder.decode(ArchiveSegment.self, from: Data(line)) } catch {
            throw corrupt("it is not a segment's description")
        }
        guard segment.formatVersion <= ArchiveSegment.replacingFormatVersion else {
            throw ParallaxError(
                .configuration, "\"\(path)\" was written by a newer version of Parallax",
                detail: "It has format \(segment.formatVersion); this version reads up to \(ArchiveSegment.replacingFormatVersion).",
                hint: "Use the newer version.")
        }
        guard segment.partition == partition else { throw corrupt("it describes partition \(segment.partition)") }
        guard segment.first < segment.next, segment.file == ArchiveSegment.fileName(first: segment.first, next: segment.next),
            segment.records >= 0, Int64(segment.records) <= segment.next - segment.first, segment.bytes > 0
        else { throw corrupt("its offsets, file name and counts do not agree") }
        if take(segment) { return }
        guard segment.first == position else {
            throw corrupt("it begins at offset \(segment.first) where the line before it ends at \(position)")
        }
        segments.append(segment)
    }

    /// True where it took the place of one before it, which was damaged: a line further down counts for the same offsets.
    private mutating func take(_ segment: ArchiveSegment) -> Bool {
        guard segment.replacedSHA256 != nil, let index = segments.lastIndex(where: { $0.first == segment.first && $0.next == segment.next })
        else { return false }
        segments[index] = segment
        return true
    }

    private func corrupt(_ trouble: String) -> ParallaxError {
        ParallaxError(
            .corrupt, "the archive's manifest \"\(path)\" is damaged",
            detail: "Line \(segments.count + 1), at byte \(wholeBytes): \(trouble).",
            hint: "Restore the manifest from a backup; the segments themselves are untouched.")
    }

    /// Cuts off a torn last line. Only for the holder of the lock.
    mutating func cutTornLine() throws(ParallaxError) {
        guard tornBytes > 0 else { return }
        guard let file = try File.update(path) else { throw Disk.error("open", path, ENOENT) }
        try file.truncate(to: wholeBytes)
        try file.sync()
        tornBytes = 0
    }

    /// Appends a line and makes it durable: from here on the segment is in the archive. Only for the holder of the lock.
    /// Where that fails, what was written of the line is taken back.
    mutating func append(_ segment: ArchiveSegment) throws(ParallaxError) {
        precondition(segment.first == position || segment.replacedSHA256 != nil, "segment at \(segment.first) after \(position)")
        precondition(tornBytes == 0, "a torn line was not cut")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var line = try? [UInt8](encoder.encode(segment)) else {
            throw ParallaxError(.internalInconsistency, "a segment's description has no JSON")
        }
        line.append(UInt8(ascii: "\n"))
        let isNew = wholeBytes == 0
        let file = try File.appendOrCreate(path, mode: Openness.mode(ofFile: path))
        do throws(ParallaxError) {
            try file.append(line)
            try file.sync()
            if isNew { try Disk.syncFolder(Disk.parent(of: path)) }
        } catch {
            // If this fails too, the next archiver finds a torn line, or a whole one whose segment is there.
            try? file.truncate(to: wholeBytes)
            throw error
        }
        wholeBytes += line.count
        if !take(segment) { segments.append(segment) }
        stamp = try file.status()
    }
}
