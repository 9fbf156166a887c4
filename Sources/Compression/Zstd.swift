import CZstd
import ParallaxCore

/// Compresses pages: one context, reused. One owner.
public struct ZstdCompressor: ~Copyable {
    private let context: OpaquePointer

    /// - Parameter level: 1 (fastest) to 19, as zstd counts.
    public init(level: Int) {
        precondition((1...19).contains(level), "zstd has no level \(level)")
        guard let context = ZSTD_createCCtx() else { preconditionFailure("no memory for a zstd context") }
        self.context = context
        let set = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
        precondition(ZSTD_isError(set) == 0, "zstd refused level \(level)")
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Appends one frame, which says its content's size, and returns the frame's length.
    @discardableResult
    public mutating func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) -> Int {
        let start = output.count
        let bound = ZSTD_compressBound(bytes.count)
        output.append(contentsOf: repeatElement(0, count: bound))
        let length = output.withUnsafeMutableBytes {
            ZSTD_compress2(context, $0.baseAddress.map { $0 + start }, bound, bytes.baseAddress, bytes.count)
        }
        // With room for the bound, compression fails only for want of memory.
        precondition(ZSTD_isError(length) == 0, "zstd: \(String(cString: ZSTD_getErrorName(length)))")
        output.removeLast(bound - length)
        return length
    }
}

/// Decompresses pages whose size is known: one context, reused. One owner.
public struct ZstdDecompressor: ~Copyable {
    private let context: OpaquePointer

    public init() {
        guard let context = ZSTD_createDCtx() else { preconditionFailure("no memory for a zstd context") }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Replaces `output` by the content, which must be exactly `expectedSize` bytes: no more is ever allocated, whatever the frame says.
    /// Throws `.corrupt`, without a place: the caller knows which file and page.
    public mutating func decompress(
        _ bytes: UnsafeRawBufferPointer, expectedSize: Int, into output: inout [UInt8]
    ) throws(ParallaxError) {
        precondition(expectedSize >= 0, "a page of \(expectedSize) bytes")
        // A frame that states another size is refused before anything is allocated for it.
        let stated = ZSTD_getFrameContentSize(bytes.baseAddress, bytes.count)
        if stated == contentSizeError { throw ParallaxError(.corrupt, "not a zstd frame") }
        if stated != contentSizeUnknown && stated > UInt64(expectedSize) {
            throw ParallaxError(.corrupt, "a zstd frame of \(stated) bytes where \(expectedSize) were expected")
        }
        if output.count > expectedSize {
            output.removeLast(output.count - expectedSize)
        } else {
            output.append(contentsOf: repeatElement(0, count: expectedSize - output.count))
        }
        let length = output.withUnsafeMutableBytes {
            ZSTD_decompressDCtx(context, $0.baseAddress, expectedSize, bytes.baseAddress, bytes.count)
        }
        if ZSTD_isError(length) != 0 {
            throw ParallaxError(.corrupt, "zstd: \(String(cString: ZSTD_getErrorName(length)))")
        }
        if length != expectedSize {
            throw ParallaxError(.corrupt, "zstd data of \(length) bytes where \(expectedSize) were expected")
        }
    }
}

// zstd.h defines these two as casts, which Swift does not import.
private let contentSizeUnknown = UInt64.max
private let contentSizeError = UInt64.max - 1

/// One frame of `bytes`. For many pages, keep a `ZstdCompressor`.
public func zstdCompress(_ bytes: [UInt8], level: Int) -> [UInt8] {
    var compressor = ZstdCompressor(level: level)
    var output: [UInt8] = []
    bytes.withUnsafeBytes { _ = compressor.append($0, to: &output) }
    return output
}

/// The content of one frame or several, which must be exactly `expectedSize` bytes. Throws `.corrupt`.
public func zstdDecompress(_ bytes: [UInt8], expectedSize: Int) throws(ParallaxError) -> [UInt8] {
    var decompressor = ZstdDecompressor()
    var output: [UInt8] = []
    let failure: ParallaxError? = bytes.withUnsafeBytes { raw in
        do throws(ParallaxError) {
            try decompressor.decompress(raw, expectedSize: expectedSize, into: &output)
            return nil
        } catch { return error }
    }
    if let failure { throw failure }
    return output
}
