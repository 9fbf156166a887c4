import Checksums
import ParallaxCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// That a segment's bytes are those that were written. Other readers take a Parquet file with a flipped byte for sound.
enum SegmentVerification {
    /// Files that were found sound, as they were then. An unchanged file is read once a process.
    private static let sound = Mutex<[String: Sound]>([:])

    private struct Sound: Hashable {
        var sha256: String
        var stamp: FileStamp
    }

    private static let blockBytes = 1 << 20

    static func verify(_ segment: ArchiveSegment, path: String, source: String) throws(ParallaxError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw errno == ENOENT ? missing(segment, path, source) : Files.error("open", path) }
        defer { close(descriptor) }
        let stamp = try FileStamp(descriptor, path: path)
        let found = Sound(sha256: segment.sha256, stamp: stamp)
        if sound.withLock({ $0[path] }) == found { return }
        guard stamp.byteCount == segment.bytes else {
            throw damaged(segment, path, source, "It has \(stamp.byteCount) bytes; \(segment.bytes) were written.")
        }
        var digest = SHA256()
        var block = [UInt8](repeating: 0, count: blockBytes)
        while true {
            let count = read(descriptor, &block, block.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw Files.error("read", path)
            }
            if count == 0 { break }
            block.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        let actual = digest.finish()
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
