import Foundation
import Operators
import ParallaxCore
import TestSupport
import Testing

@testable import Archive

/// What each step of writing a segment leaves behind when the process dies there, and what the next archiver makes of it.
@Suite struct CrashTests {
    private let folder: TemporaryFolder
    private let log: MemoryLog
    private let partition: String

    init() throws {
        folder = try TemporaryFolder()
        log = try Fixture.log(250)
        partition = folder.path("page_view/p=0")
    }

    private func writer() throws -> ArchiveWriter {
        try ArchiveWriter(directory: folder.path, source: Fixture.source, log: log, limits: Fixture.limits)
    }

    /// The archive holds all 250 records, once, and nothing else lies in the folder.
    private func checkWhole() throws {
        let reader = try ArchiveReader(directory: folder.path, source: Fixture.source)
        let segments = try reader.segments(below: Cut([Partition(0): Offset(250)]))
        var offsets: [Int64] = []
        for segment in segments {
            try reader.verify(segment)
            offsets += try reader.readRecords(segment).offsets
        }
        #expect(offsets == Array(0..<250))
        #expect(try Fixture.files(partition) == segments.map(\.file) + ["manifest.ndjson"])
    }

    @Test func aTemporaryFileIsRemoved() throws {
        try writer().archive(upTo: Cut([Partition(0): Offset(100)]))
        try Data("half a segment".utf8).write(to: URL(fileURLWithPath: partition + "/00000000000000000100.12345.tmp"))
        try writer().archive(upTo: nil)
        try checkWhole()
    }

    @Test func aSegmentWithoutManifestLineIsWrittenAnew() throws {
        try writer().archive(upTo: Cut([Partition(0): Offset(100)]))
        for next in [150, 200] as [Int64] {
            try Data("renamed, not listed".utf8).write(
                to: URL(fileURLWithPath: partition + "/" + ArchiveSegment.fileName(first: Offset(100), next: Offset(next))))
        }
        try writer().archive(upTo: nil)
        try checkWhole()
    }

    /// At every length to which a crash can have cut the manifest's last line.
    @Test func aTornManifestLineIsCut() throws {
        try writer().archive(upTo: nil)
        let manifest = URL(fileURLWithPath: partition + "/manifest.ndjson")
        let whole = try Data(contentsOf: manifest)
        let lines = whole.split(separator: 10)
        #expect(lines.count == 3)
        let lastStart = whole.count - lines[2].count - 1
        for length in stride(from: lastStart, to: whole.count, by: 17) {
            try whole[..<length].write(to: manifest)
            // A reader takes the torn line for not written; it changes nothing.
            #expect(try ArchiveReader(directory: folder.path, source: Fixture.source).archived()[Partition(0)] == Offset(200))
            #expect(try Data(contentsOf: manifest).count == length)
            #expect(try writer().archive(upTo: nil).records == 50)
            try checkWhole()
        }
    }

    /// An unlisted segment whose records the log no longer has is not thrown away: it may be the only copy.
    @Test func theOnlyCopyIsNeverRemoved() throws {
        try writer().archive(upTo: nil)
        let manifest = URL(fileURLWithPath: partition + "/manifest.ndjson")
        let whole = try Data(contentsOf: manifest)
        try log.trim(below: Cut([Partition(0): Offset(250)]))
        try Data(whole.prefix(whole.firstIndex(of: 10).map { $0 + 1 } ?? 0)).write(to: manifest)
        let error = #expect(throws: ParallaxError.self) { try writer().archive(upTo: nil) }
        #expect(error?.code == .corrupt)
        #expect(
            error?.detail?.contains("100 up to, not including, 200") == true
                || error?.detail?.contains("200 up to, not including, 250") == true)
        #expect(try Fixture.files(partition).count == 4)
        try whole.write(to: manifest)
        try checkWhole()
    }

    @Test func aDamagedManifestIsNamedAndNothingIsRemoved() throws {
        try writer().archive(upTo: nil)
        let path = partition + "/manifest.ndjson"
        let whole = try String(contentsOfFile: path, encoding: .utf8)
        let lines = whole.split(separator: "\n").map(String.init)
        let damaged = [
            ["{}"] + lines, ["not json"] + lines, [lines[0], lines[2]], [lines[0], lines[0]], [lines[1], lines[2]],
            [lines[0].replacingOccurrences(of: "\"partition\":0", with: "\"partition\":1")],
            [lines[0].replacingOccurrences(of: "\"next\":100", with: "\"next\":101")],
            [lines[0].replacingOccurrences(of: "\"records\":100", with: "\"records\":101")],
        ]
        for text in damaged {
            try (text.joined(separator: "\n") + "\n").write(toFile: path, atomically: false, encoding: .utf8)
            let error = #expect(throws: ParallaxError.self, "\(text)") { try writer().archive(upTo: nil) }
            #expect(error?.code == .corrupt)
            #expect(error?.message.contains(path) == true)
            #expect(try Fixture.files(partition).count == 4)
        }
        try lines[0].replacingOccurrences(of: "\"formatVersion\":1", with: "\"formatVersion\":\(ArchiveSegment.replacingFormatVersion + 1)")
            .appending("\n")
            .write(toFile: path, atomically: false, encoding: .utf8)
        let newer = #expect(throws: ParallaxError.self) { try writer().archive(upTo: nil) }
        #expect(newer?.code == .configuration)
        try whole.write(toFile: path, atomically: false, encoding: .utf8)
        try checkWhole()
    }

    /// An error in the middle (here: the log's) leaves whole segments and no temporary file; the next call goes on.
    @Test func anErrorInTheMiddleLosesNothing() throws {
        let writer = try writer()
        let error = #expect(throws: ParallaxError.self) {
            try writer.archive(upTo: nil) { (progress) throws(ParallaxError) in
                if progress.position >= Offset(130) { throw ParallaxError(.cancelled, "stop") }
            }
        }
        #expect(error?.code == .cancelled)
        #expect(try Fixture.files(partition) == [ArchiveSegment.fileName(first: .zero, next: Offset(100)), "manifest.ndjson"])
        log.failOnce(with: ParallaxError(.unavailable, "no broker"))
        #expect(throws: ParallaxError.self) { try writer.archive(upTo: nil) }
        try writer.archive(upTo: nil)
        try checkWhole()
    }

    /// A process that dies at any step, at any segment, leaves each segment whole or not there; the next one archives the rest, once.
    @Test(arguments: ["archive.afterWrite", "archive.afterRename", "archive.beforeManifest", "archive.afterManifest"], [1, 3])
    func I6_aProcessThatDiesAtAnyStepLosesAndDoublesNothing(point: String, passing: Int) async throws {
        await #expect(processExitsWith: .exitCode(137)) { [path = folder.path as String, fault = "\(point):\(passing)" as String] in
            setenv("PARALLAX_FAULT", fault, 1)
            try ArchiveWriter(directory: path, source: Fixture.source, log: Fixture.log(250), limits: Fixture.limits).archive(upTo: nil)
        }
        let done = point == "archive.afterManifest" ? passing : passing - 1
        let archived = try writer().archived()[Partition(0)]
        #expect(archived == Offset(min(250, Int64(done) * 100)))
        try writer().archive(upTo: nil)
        try checkWhole()
    }
}
