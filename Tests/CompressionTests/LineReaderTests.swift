import Compression
import Foundation
import ParallaxCore
import TestSupport
import Testing

@Suite struct LineReaderTests {
    private func batches(_ text: [UInt8], maxLines: Int = 3, maxBytes: Int = 100, maximumLineBytes: Int = 20) throws -> [LineReader.Batch] {
        let folder = try TemporaryFolder()
        let path = folder.path("input")
        try Data(text).write(to: URL(fileURLWithPath: path))
        let reader = LineReader(try DecompressingReader(path: path), maximumLineBytes: maximumLineBytes)
        var batches: [LineReader.Batch] = []
        while let batch = try reader.next(maxLines: maxLines, maxBytes: maxBytes) { batches.append(batch) }
        return batches
    }

    private func lines(_ batches: [LineReader.Batch]) -> [String] {
        batches.flatMap { batch in (0..<batch.lines.count).map { "\(batch.lineNumbers[$0]):\(batch.lines.string($0))" } }
    }

    @Test func linesComeInOrderWithTheirNumbers() throws {
        let found = try batches(Array("a\n\nbb\r\nccc\n{}\n\nlast".utf8))
        #expect(lines(found) == ["1:a", "3:bb\r", "4:ccc", "5:{}", "7:last"])
        #expect(found.map(\.lines.count) == [3, 2])
        #expect(found.map(\.emptyLineCount) == [1, 1])
        #expect(found.map(\.endsInsideLine) == [false, true])
    }

    @Test func nothingAndOnlyEmptyLines() throws {
        #expect(try batches([]).isEmpty)
        let found = try batches(Array("\n\n".utf8))
        #expect(found.map(\.emptyLineCount) == [2])
        #expect(lines(found).isEmpty)
    }

    @Test func aLineOverTheLimitIsReportedAndTheNextIsRead() throws {
        let long = String(repeating: "x", count: 21)
        let found = try batches(Array("a\n\(long)\n\(long.dropLast())\n\(long)\(long)".utf8), maxLines: 10)
        #expect(lines(found) == ["1:a", "3:\(long.dropLast())"])
        #expect(found.flatMap(\.tooLong).map(\.lineNumber) == [2, 4])
        #expect(found.flatMap(\.tooLong).map(\.byteCount) == [21, 42])
    }

    /// Lines of all lengths, across the blocks in which the file is read.
    @Test(arguments: [1, 2, 3] as [UInt64]) func manyLinesAreThoseOfTheFile(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var expected: [String] = []
        var text = ""
        for number in 1...3_000 {
            let length = Int.random(in: 0...400, using: &random)
            let line = String(repeating: Character(UnicodeScalar(UInt8.random(in: 97...122, using: &random))), count: length)
            text += line + "\n"
            if length > 0 && length <= 380 { expected.append("\(number):\(line)") }
        }
        let found = try batches(Array(text.utf8), maxLines: 250, maxBytes: 20_000, maximumLineBytes: 380)
        #expect(lines(found) == expected)
        // One line may lie over the byte limit, not more.
        #expect(found.allSatisfy { $0.lines.count <= 250 && $0.lines.byteCount < 20_000 + 380 })
    }

    /// A slow producer: whole lines come in time, the beginning of one waits for its end.
    @Test func linesOfASilentPipeComeInTimeAndHalfALineWaitsForItsEnd() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        func send(_ text: String) { #expect(write(ends[1], text, text.utf8.count) == text.utf8.count) }
        send("a\n\nb")
        let reader = LineReader(try DecompressingReader(descriptor: ends[0], name: "standard input", closesDescriptor: true))
        func next() throws -> [String]? {
            try reader.next(maxLines: 10, maxBytes: 1_000, patience: .milliseconds(20)).map { lines([$0]) }
        }
        #expect(try next() == ["1:a"])
        #expect(try next() == [])
        send("c\nd\n")
        #expect(try next() == ["3:bc", "4:d"])
        send("e")
        close(ends[1])
        #expect(try next() == ["5:e"])
        #expect(try next() == nil)
    }
}
