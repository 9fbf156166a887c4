import Disk
import ParallaxCore

/// A part of a file in memory, moved by one system call a megabyte. Belongs to one thread at a time.
///
/// Not a mapping: a bad sector would then kill the process instead of throwing.
final class FileWindow {
    let file: File
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var count = 0

    /// What a sequential reader loads at once.
    static let stride = 1 << 20

    init(_ file: File) {
        self.file = file
        buffer = .allocate(byteCount: 0, alignment: 16)
    }

    deinit { buffer.deallocate() }

    /// The `wanted` bytes at `position`, fewer where `limit` or the end of the file comes first. Valid until the next call.
    /// `ahead`: how much to load where something must be loaded.
    func bytes(at position: Int, _ wanted: Int, limit: Int, ahead: Int = stride) throws(ParallaxError) -> UnsafeRawBufferPointer {
        let wanted = max(0, min(wanted, limit - position))
        if position < start || position + wanted > start + count {
            try load(at: position, min(max(wanted, ahead), limit - position))
        }
        let from = position - start
        return UnsafeRawBufferPointer(rebasing: buffer[from..<min(from + wanted, count)])
    }

    private func load(at position: Int, _ wanted: Int) throws(ParallaxError) {
        count = 0
        start = position
        // Grown for one huge record, it is given back afterwards.
        if buffer.count < wanted || buffer.count > 8 * max(wanted, Self.stride) {
            buffer.deallocate()
            buffer = .allocate(byteCount: wanted, alignment: 16)
        }
        count = try file.read(at: position, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
    }
}
