import Glibc
import ParallaxCore

extension FileWindow {
    /// Reads and verifies the frame at `position` of a file that ends at `limit`; its bytes are in the window afterwards.
    func frame(at position: Int, expectedBase: Int64?, limit: Int) throws(ParallaxError) -> Result<Frame, Frame.Flaw> {
        let header = try bytes(at: position, Frame.headerBytes, limit: limit)
        let frame: Frame
        do throws(Frame.Flaw) {
            frame = try Frame(header: header, expectedBase: expectedBase, available: limit - position)
        } catch {
            return .failure(error)
        }
        let whole = try bytes(at: position, frame.length, limit: limit)
        return Result { () throws(Frame.Flaw) in
            try frame.verify(whole)
            return frame
        }
    }

    /// Where a frame may begin, from `start` on.
    func nextMagic(from start: Int, limit: Int) throws(ParallaxError) -> Int? {
        var position = start
        while limit - position >= Frame.headerBytes {
            let bytes = try bytes(at: position, Self.stride, limit: limit)
            guard let base = bytes.baseAddress, bytes.count >= 4 else { return nil }
            let first = Int32(Frame.magic & 0xFF)
            var offset = 0
            while offset + 4 <= bytes.count, let found = memchr(base + offset, first, bytes.count - 3 - offset) {
                offset = UnsafeRawPointer(found) - base
                let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                if word == Frame.magic || word == Frame.magicWithHeaders { return position + offset }
                offset += 1
            }
            // The last three bytes may begin one.
            position += bytes.count - 3
        }
        return nil
    }

    /// The first good frame from `start` on that begins behind the offset `base` and before `end`.
    func nextFrame(
        from start: Int, limit: Int, above base: Int64, below end: Int64 = .max
    ) throws(ParallaxError) -> (base: Int64, position: Int)? {
        var position = start
        while let candidate = try nextMagic(from: position, limit: limit) {
            if case .success(let found) = try frame(at: candidate, expectedBase: nil, limit: limit), found.base > base, found.base < end {
                return (found.base, candidate)
            }
            position = candidate + 1
        }
        return nil
    }
}
