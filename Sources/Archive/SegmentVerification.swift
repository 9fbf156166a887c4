import Disk
import ParallaxCore
import Synchronization

/// That a segment's bytes are those that were written. Other readers take a Parquet file with a flipped byte for sound.
enum SegmentVerification {
    /// Files that were found sound, as they were then. An unchanged file is read once a process.
    private static let sound = Mutex<[String: Sound]>([:])

    private struct Sound: Hashable {
        var sha256: String
        var stamp: FileStatus
    }

    static func verify(_ segment: ArchiveSegment, path: String, source: String) throws(ParallaxError) {
        guard let file = try File.read(path) else { throw missing(segment, path, source) }
        let stamp = try file.status()
        let found = Sound(sha256: segment.sha256, stamp: stamp)
        if sound.withLock({ $0[path] }) == found { return }
        guard stamp.bytes == segment.bytes else {
            throw damaged(segment, path, source, "It has \(stamp.bytes) bytes; \(segment.bytes) were written.")
        }
        let actual = try file.sha256()
        guard actual == segment.sha256 else {
            throw damaged(segment, path, source, "Its SHA-256 is \(actual); \(segment.sha256) was written.")
        }
        sound.withLock { $0[path] = found }
    }

    static func missing(_ segment: ArchiveSegment, _ path: String, _ source: String) -> ParallaxError {
        ParallaxError(.missing, "archive segment \"\(path)\" is missing", detail: place(segment, source), hint: remedy(segment))
    }

    static func damaged(_ segment: ArchiveSegment, _ path: String, _ source: String, _ trouble: String) -> ParallaxError {
        ParallaxError(
            .corrupt, "archive segment \"\(path)\" is damaged", detail: trouble + " " + place(segment, source), hint: remedy(segment))
    }

    private static func place(_ segment: ArchiveSegment, _ source: String) -> String {
        "It holds offsets \(segment.first) up to, not including, \(segment.next) of partition \(segment.partition) of source \"\(source)\"."
    }

    private static func remedy(_ segment: ArchiveSegment) -> String {
        "Restore the file from a backup: the manifest's SHA-256 tells whether it is the right one (\(segment.sha256))."
    }
}
