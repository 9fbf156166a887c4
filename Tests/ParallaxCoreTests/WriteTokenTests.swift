import Foundation
import TestSupport
import Testing

@testable import ParallaxCore

@Suite struct WriteTokenTests {
    private static func random(_ random: inout SeededGenerator) -> WriteToken {
        let names = ["page_view", "ev", "Größe 🛰", String(repeating: "x", count: 63)]
        var ends: [Partition: Offset] = [:]
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            let largest: Int64 = [1, 200, 1 << 40, .max].randomElement(using: &random) ?? 1
            ends[Partition(Int.random(in: 0...5_000, using: &random))] = Offset(Int64.random(in: 1...largest, using: &random))
        }
        return WriteToken(
            source: names.randomElement(using: &random) ?? "",
            log: LogIdentity(
                kind: [.embedded, .kafka, .memory].randomElement(using: &random) ?? .embedded,
                topic: names.randomElement(using: &random) ?? "",
                number: Bool.random(using: &random) ? "018f-\(UInt64.random(in: 0 ... .max, using: &random))" : nil), ends: ends)
    }

    @Test(arguments: [UInt64(20_261_127)]) func aTextIsOneTokenAndNoOther(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let token = Self.random(&random)
            let text = token.text
            #expect(WriteToken(text) == token, "seed \(seed)")
            #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") })
            // Cut short, or one letter mistyped.
            #expect(WriteToken(String(text.dropLast(Int.random(in: 1..<text.count, using: &random)))) == nil, "seed \(seed)")
            var letters = Array(text)
            let place = Int.random(in: 0..<letters.count, using: &random)
            letters[place] = letters[place] == "A" ? "B" : "A"
            #expect(WriteToken(String(letters)) == nil, "seed \(seed)")
        }
    }

    /// Whoever makes one up with a right sum gets no further than a wait: nothing of it overflows, and nothing grows.
    @Test(arguments: [UInt64(7)]) func bytesOfStrangersAreATokenOrNone(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            var hash = FNV1a()
            for byte in bytes { hash.add(byte) }
            let sum = UInt32(truncatingIfNeeded: hash.value ^ hash.value >> 32)
            let text = WriteToken.prefix + Base64URL.text(bytes + (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(8 * $0)) })
            if let token = WriteToken(text) { #expect(token.ends.values.allSatisfy { $0 > .zero } && !token.ends.isEmpty) }
        }
        #expect(WriteToken("w1_") == nil && WriteToken("") == nil)
        #expect(WriteToken("w1_" + String(repeating: "A", count: WriteToken.maxTextBytes)) == nil)
    }

    @Test func aTokenOfAThousandPartitionsFitsIntoARequestsHead() {
        let ends = (0..<1_024).map { (Partition($0), Offset(1 << 40 + Int64($0))) }
        let token = WriteToken(
            source: "page_view", log: LogIdentity(kind: .kafka, topic: "page_view", number: "cluster"),
            ends: Dictionary(uniqueKeysWithValues: ends))
        #expect(token.text.utf8.count < 16_384)
        #expect(WriteToken(token.text) == token)
    }

    @Test(arguments: [UInt64(3)]) func base64IsFoundations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            let bytes = (0..<Int.random(in: 0...50, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let theirs = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
            #expect(Base64URL.text(bytes) == theirs && Base64URL.bytes(theirs) == bytes, "seed \(seed)")
        }
        for text in ["A", "AB=", "A B", "AA+/", "AB"] { #expect(Base64URL.bytes(text) == nil, "\(text)") }
    }
}
