import CZlib
import CZstd

/// What one call of a codec did.
struct CodecStep {
    var consumed: Int
    var produced: Int
    /// A gzip member or zstd frame ended here; what follows, if anything, is the next one.
    var isAtEndOfFrame: Bool
}

/// One gzip stream or zstd stream being decompressed, frame after frame.
protocol StreamCodec: AnyObject {
    /// Nil: the bytes are damaged; `trouble` says how.
    func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> CodecStep?
    /// Gets ready for the next frame.
    func restart()
    var trouble: String { get }
}

/// RFC 1952. zlib checks each member's CRC and length.
final class GzipCodec: StreamCodec {
    // On the heap: zlib's state points back at its stream and refuses one that has moved.
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15: the largest window; + 16: a gzip header and trailer.
        let begun = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(begun == Z_OK, "zlib did not start: \(begun)")
    }

    deinit {
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> CodecStep? {
        // zlib counts in 32 bits: a larger buffer is filled in several steps.
        let room = min(output.count, Int(UInt32.max))
        precondition(input.count <= Int(UInt32.max), "\(input.count) bytes of input")
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(room)
        let status = inflate(stream, Z_NO_FLUSH)
        // Z_BUF_ERROR: no progress was possible, which is no damage; the caller brings more input or room.
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { return nil }
        return CodecStep(
            consumed: input.count - Int(stream.pointee.avail_in), produced: room - Int(stream.pointee.avail_out),
            isAtEndOfFrame: status == Z_STREAM_END)
    }

    func restart() { inflateReset(stream) }

    var trouble: String { stream.pointee.msg.map { String(cString: $0) } ?? "damaged data" }
}

/// RFC 8878. zstd checks a frame's checksum where it has one. Windows beyond 128 MiB (zstd's own default limit) are refused.
final class ZstdCodec: StreamCodec {
    private let stream: OpaquePointer
    private(set) var trouble = "damaged data"

    init() {
        guard let stream = ZSTD_createDStream() else { preconditionFailure("no memory for a zstd stream") }
        self.stream = stream
        ZSTD_initDStream(stream)
    }

    deinit { ZSTD_freeDStream(stream) }

    func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> CodecStep? {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let status = ZSTD_decompressStream(stream, &target, &source)
        if ZSTD_isError(status) != 0 {
            trouble = String(cString: ZSTD_getErrorName(status))
            return nil
        }
        return CodecStep(consumed: source.pos, produced: target.pos, isAtEndOfFrame: status == 0)
    }

    // A zstd stream begins its next frame by itself.
    func restart() {}
}
