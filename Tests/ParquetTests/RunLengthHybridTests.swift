import TestSupport
import Testing

@testable import Parquet

@Suite struct RunLengthHybridTests {
    /// The example of the format's own text: eight values of three bits.
    @Test func bitPackingIsThatOfTheSpecification() {
        let encoded = encode([0, 1, 2, 3, 4, 5, 6, 7], width: 3)
        #expect(encoded == [0b0000_0011, 0b1000_1000, 0b1100_0110, 0b1111_1010])
    }

    @Test func aLongRunTakesFewBytes() {
        #expect(encode([UInt32](repeating: 1, count: 1_000), width: 1) == [0xD0, 0x0F, 0x01])
    }

    @Test(arguments: 1...32, [1, 2, 3]) func whatWasEncodedIsDecoded(width: Int, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for count in [0, 1, 7, 8, 9, 16, 63, 64, 65, 500] {
            let mask: UInt32 = width == 32 ? .max : (1 << UInt32(width)) - 1
            var values: [UInt32] = []
            while values.count < count {
                let value = UInt32.random(in: 0...UInt32.max, using: &random) & mask
                // Runs and singles by turns.
                let length = Bool.random(using: &random) ? 1 : Int.random(in: 1...40, using: &random)
                values.append(contentsOf: repeatElement(value, count: min(length, count - values.count)))
            }
            let encoded = encode(values, width: width)
            #expect(decode(encoded, width: width, count: count) == values, "width \(width), \(count) values, seed \(seed)")
            // One byte less than needed is noticed, wherever the last run is not just padding.
            if count > 0 { #expect(decode([], width: width, count: count) == nil) }
        }
    }

    @Test(arguments: [11, 12, 13]) func noBytesMakeItFail(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let width = Int.random(in: 0...32, using: &random)
            if let values = decode(bytes, width: width, count: 50), width < 32 {
                #expect(values.allSatisfy { $0 < 1 << UInt32(width) })
            }
        }
    }

    private func encode(_ values: [UInt32], width: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        values.withUnsafeBufferPointer { RunLengthHybrid.encode($0, width: width, to: &bytes) }
        return bytes
    }

    private func decode(_ bytes: [UInt8], width: Int, count: Int) -> [UInt32]? {
        var values = [UInt32](repeating: 0, count: count)
        let used = bytes.withUnsafeBytes { raw in
            values.withUnsafeMutableBufferPointer { RunLengthHybrid.decode(raw, width: width, into: $0) }
        }
        return used == nil ? nil : values
    }
}
