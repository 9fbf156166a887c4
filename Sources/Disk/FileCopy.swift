import Checksums
import Glibc
import ParallaxCore

/// What was copied, and what it was.
public struct CopiedFile: Hashable, Sendable, Codable {
    /// Below the folder of the copy.
    public var path: String
    public var bytes: Int
    /// 64 lower-case hexadecimal digits.
    public var sha256: String

    public init(path: String, bytes: Int, sha256: String) {
        self.path = path
        self.bytes = bytes
        self.sha256 = sha256
    }
}

extension Disk {
    /// A disk's appetite; also how often `progress` is called.
    private static let blockBytes = 1 << 20

    /// Copies a file, or its first bytes. The copy is under its name whole and durable, or not there. Throws `.missing` where there is no such file,
    /// `.corrupt` where it is shorter than wanted or its contents are not the expected ones.
    ///
    /// - Parameters:
    ///   - wanted: how many bytes; nil: all that there are when they are read.
    ///   - expected: SHA-256 of them.
    ///   - progress: told of every block's bytes; what it throws ends the copy.
    /// - Returns: bytes and SHA-256.
    @discardableResult
    public static func copy(
        _ path: String, to target: String, firstBytes wanted: Int? = nil, sha256 expected: String? = nil, mode: mode_t = 0o600,
        progress: (Int) throws(ParallaxError) -> Void = { (_) throws(ParallaxError) in }
    ) throws(ParallaxError) -> (bytes: Int, sha256: String) {
        let source = try File.opened(path)
        return try writeWhole(target, mode: mode) { (copy) throws(ParallaxError) in
            let (bytes, digest) = try pour(source, firstBytes: wanted, expected, progress) { (block) throws(ParallaxError) in
                try copy.append(block)
            }
            return (bytes, digest)
        }
    }

    /// SHA-256 of a whole file. Throws `.missing`, `.disk`, and what `progress` throws.
    public static func sha256(
        ofFile path: String, progress: (Int) throws(ParallaxError) -> Void = { (_) throws(ParallaxError) in }
    ) throws(ParallaxError) -> String {
        let source = try File.opened(path)
        return try pour(source, firstBytes: nil, nil, progress) { (_) throws(ParallaxError) in }.sha256
    }

    fileprivate static func pour(
        _ source: File, firstBytes wanted: Int?, _ expected: String?, _ progress: (Int) throws(ParallaxError) -> Void,
        _ take: (UnsafeRawBufferPointer) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> (bytes: Int, sha256: String) {
        var digest = SHA256()
        var done = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: blockBytes, alignment: 16)
        defer { buffer.deallocate() }
        while wanted.map({ done < $0 }) ?? true {
            let room = min(blockBytes, wanted.map { $0 - done } ?? blockBytes)
            let count = try source.read(at: done, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<room]))
            if count == 0 { break }
            let block = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            try take(block)
            digest.update(block)
            done += count
            try progress(count)
        }
        let found = digest.finish()
        if let wanted, done < wanted {
            throw ParallaxError(.corrupt, "\(source.path) has \(done) bytes where at least \(wanted) should be")
        }
        if let expected, found != expected {
            throw ParallaxError(
                .corrupt, "\(source.path) does not hold what was written", detail: "Its SHA-256 is \(found); \(expected) was written.")
        }
        return (done, found)
    }
}

extension File {
    /// SHA-256 of all of it.
    public func sha256() throws(ParallaxError) -> String {
        try Disk.pour(self, firstBytes: nil, nil, { (_) throws(ParallaxError) in }, { (_) throws(ParallaxError) in }).sha256
    }
}
