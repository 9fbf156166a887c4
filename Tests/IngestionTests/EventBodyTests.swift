import Compression
import Foundation
import ParallaxCore
import TestSupport
import Testing

@testable import Ingestion

@Suite struct EventBodyTests {
    private static func texts(_ body: EventBody, _ limits: EventBody.Limits = .init()) throws(ParallaxError) -> [String] {
        let payloads = try body.payloads(limits) { (_) throws(ParallaxError) in }
        #expect(payloads.numbers == Array(1..<(payloads.column.count + 1)))
        return (0..<payloads.column.count).map { payloads.column.string($0) }
    }

    private static func json(_ text: String) throws(ParallaxError) -> [String] { try texts(EventBody(Array(text.utf8), .json)) }
    private static func lines(_ text: String) throws(ParallaxError) -> [String] { try texts(EventBody(Array(text.utf8), .lines)) }

    /// As `parallax ingest` cuts them: an empty line is a record, too, and the last line needs no end.
    @Test func linesAreThoseOfAFile() throws {
        #expect(try Self.lines("") == [])
        #expect(try Self.lines("a") == ["a"])
        #expect(try Self.lines("a\nb\n") == ["a", "b"])
        #expect(try Self.lines("\na\r\n\nb") == ["", "a\r", "", "b"])
    }

    @Test func elementsAreTheirOwnBytes() throws {
        #expect(
            try Self.json(#" [ {"a": "]},\"[{\\"} ,[1,[2]], "x\"y" ,12.5e3,null,{} ] "#) == [
                #"{"a": "]},\"[{\\"}"#, "[1,[2]]", #""x\"y""#, "12.5e3", "null", "{}",
            ])
        #expect(try Self.json("\n{\"a\":\n[1]}\n") == ["{\"a\":\n[1]}"])
        #expect(try Self.json("[]") == [] && Self.json(" [ \n ] ") == [])
        // What is no JSON inside of an element is the decoder's: it stands between brackets of its own.
        #expect(try Self.json("[{\"a\":},nul]") == ["{\"a\":}", "nul"])
    }

    @Test(arguments: [
        "", "  ", "1", "\"a\"", "[", "[1", "[1,", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[{\"a\":1}{\"b\":2}]", "[{\"a\":1]", "[\"a]",
        "[\"a\\\"]", "{", "{\"a\":1}}",
        "{\"a\":1}\n{\"b\":2}", "[1]]", "[1] x", "[{\"a\":1}}, 2]", "[\"\\", "x[1]",
    ])
    func whatCannotBeCutIsRefusedAsAWhole(text: String) {
        #expect { try Self.json(text) } throws: { ($0 as? ParallaxError)?.code == .input }
    }

    /// Foundation's parser as the slow twin: random arrays have the elements that it finds.
    @Test(arguments: [UInt64(20_261_127)]) func randomArraysHaveTheElementsThatAParserFinds(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func value(_ depth: Int) -> Any {
            switch Int.random(in: 0...(depth > 3 ? 3 : 5), using: &random) {
            case 0: return Int.random(in: -1_000...1_000, using: &random)
            case 1:
                return String(
                    (0..<Int.random(in: 0...6, using: &random)).compactMap { _ in "a\"\\[]{},:\n é".randomElement(using: &random) })
            case 2: return NSNull()
            case 3: return Bool.random(using: &random)
            case 4: return (0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth + 1) }
            default:
                return Dictionary(
                    (0..<Int.random(in: 0...3, using: &random)).map { ("k\($0)}", value(depth + 1)) },
                    uniquingKeysWith: { first, _ in first })
            }
        }
        for _ in 0..<300 {
            let array = (0..<Int.random(in: 0...6, using: &random)).map { _ in value(0) }
            let options: JSONSerialization.WritingOptions = Bool.random(using: &random) ? [.prettyPrinted] : []
            let text = String(decoding: try JSONSerialization.data(withJSONObject: array, options: options), as: UTF8.self)
            let elements = try Self.json(text)
            let again = try JSONSerialization.jsonObject(with: Data(("[" + elements.joined(separator: ",") + "]").utf8)) as? NSArray
            #expect(again == array as NSArray, "seed \(seed): \(text)")
            #expect(elements.count == array.count, "seed \(seed): \(text)")
            // Cut anywhere, it is no array.
            if text.utf8.count > 1 {
                let cut = String(decoding: Array(text.utf8).prefix(Int.random(in: 1..<text.utf8.count, using: &random)), as: UTF8.self)
                #expect(throws: ParallaxError.self, "seed \(seed): \(cut)") { try Self.json(cut) }
            }
        }
    }

    @Test func compressedBodiesAreWhatTheyHold() throws {
        let zstd = zstdCompress(Array("a\nb\n".utf8), level: 3)
        #expect(try Self.texts(EventBody(zstd, .lines)) == ["a", "b"])
        #expect(try Self.texts(EventBody(zstd, .lines, compression: .zstd)) == ["a", "b"])
        for (bytes, compression) in [
            (zstd, DecompressingReader.Format.gzip), (Array("a".utf8), .zstd), (Array(zstd.dropLast()), .zstd), ([], .gzip),
            (Array(zstd.prefix(3)), .zstd),
        ] {
            #expect { try Self.texts(EventBody(bytes, .lines, compression: compression)) } throws: {
                ($0 as? ParallaxError)?.code == .input
            }
        }
    }

    /// A gigabyte out of a few kilobytes is given up at the limit, not when memory is.
    @Test func aBombIsGivenUpAtTheLimit() throws {
        var limits = EventBody.Limits()
        limits.bytes = 1 << 20
        let bomb = zstdCompress([UInt8](repeating: 0x20, count: 64 << 20), level: 1)
        #expect(bomb.count < 100_000)
        var reserved = 0
        #expect {
            try EventBody(bomb, .lines).payloads(limits) { (count) throws(ParallaxError) in reserved += count }
        } throws: { ($0 as? ParallaxError)?.code == .limit }
        #expect(reserved <= limits.bytes)
        // As it came, too.
        #expect { try Self.texts(EventBody([UInt8](repeating: 0x20, count: limits.bytes + 1), .lines), limits) } throws: {
            ($0 as? ParallaxError)?.code == .limit
        }
    }

    @Test func limitsAreReachedAndSaid() throws {
        var limits = EventBody.Limits()
        limits.records = 3
        limits.recordBytes = 4
        #expect(try Self.texts(EventBody(Array("1\n22\n4444".utf8), .lines), limits) == ["1", "22", "4444"])
        for (text, form, says) in [
            ("1\n2\n3\n4", EventBody.Form.lines, "more than 3 lines"), ("\n\n\n\n", .lines, "more than 3 lines"),
            ("[1,2,3,4]", .json, "more than 3 events"),
            ("1\n22222", .lines, "line 2 has 5 bytes"), ("[1,22222]", .json, "event 2 has 5 bytes"),
        ] {
            #expect { try Self.texts(EventBody(Array(text.utf8), form), limits) } throws: {
                guard let error = $0 as? ParallaxError else { return false }
                return error.code == .limit && error.message.contains(says)
            }
        }
        // Where there is no room, nothing is held.
        #expect {
            try EventBody(Array("1\n2".utf8), .lines).payloads(limits) { (_) throws(ParallaxError) in throw ParallaxError(.busy, "full") }
        } throws: {
            ($0 as? ParallaxError)?.code == .busy
        }
    }
}
