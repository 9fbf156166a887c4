import Compression
import ParallaxCore
import Testing

@Suite struct ZstdTests {
    private let text = (0..<5_000).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }

    @Test(arguments: [0, 1, 100, 5_000]) func pagesComeBack(count: Int) throws {
        let page = Array(text[..<count])
        for level in [1, 3, 19] { #expect(try zstdDecompress(zstdCompress(page, level: level), expectedSize: count) == page) }
    }

    @Test func oneContextServesManyPages() throws {
        var compressor = ZstdCompressor(level: 1)
        var decompressor = ZstdDecompressor()
        var frames: [UInt8] = []
        var ends: [Int] = []
        for count in stride(from: 0, to: 5_000, by: 250) {
            text[..<count].withUnsafeBytes { _ = compressor.append($0, to: &frames) }
            ends.append(frames.count)
        }
        var start = 0
        var page: [UInt8] = []
        for (index, end) in ends.enumerated() {
            let frame = Array(frames[start..<end])
            try decompress(&decompressor, frame, index * 250, &page)
            #expect(page == Array(text[..<(index * 250)]))
            start = end
        }
    }

    private func decompress(_ decompressor: inout ZstdDecompressor, _ frame: [UInt8], _ size: Int, _ page: inout [UInt8]) throws {
        var failure: ParallaxError?
        frame.withUnsafeBytes {
            do throws(ParallaxError) { try decompressor.decompress($0, expectedSize: size, into: &page) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// A frame that says another size is refused; one that says a terabyte is refused before anything is allocated for it.
    @Test func anotherSizeIsCorrupt() {
        let frame = zstdCompress(text, level: 1)
        for size in [0, 1, text.count - 1, text.count + 1, 1 << 20] {
            let error = #expect(throws: ParallaxError.self) { try zstdDecompress(frame, expectedSize: size) }
            #expect(error?.code == .corrupt)
        }
        // Magic, descriptor "8 bytes of content size, single segment", 2^40, no block.
        let bomb: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 0, 1, 0, 0]
        #expect(throws: ParallaxError.self) { try zstdDecompress(bomb, expectedSize: 10) }
    }

    @Test func damageIsCorruptAndNeverACrash() {
        let frame = zstdCompress(text, level: 1)
        for length in 0..<min(frame.count, 400) {
            #expect(throws: ParallaxError.self) { try zstdDecompress(Array(frame[..<length]), expectedSize: text.count) }
        }
        for index in frame.indices {
            var damaged = frame
            damaged[index] ^= 0x55
            // Without a checksum some damage goes unseen here: that is what the pages' CRCs are for.
            _ = try? zstdDecompress(damaged, expectedSize: text.count)
        }
    }

    /// The check value of the CRC catalogue, and the property that pages need.
    @Test func crc32KnowsItsPublishedVector() {
        #expect(Array("123456789".utf8).withUnsafeBytes { crc32($0) } == 0xCBF4_3926)
        #expect([UInt8]().withUnsafeBytes { crc32($0) } == 0)
        let first = Array("1234".utf8).withUnsafeBytes { crc32($0) }
        #expect(Array("56789".utf8).withUnsafeBytes { crc32($0, continuing: first) } == 0xCBF4_3926)
    }
}
