import EmbeddedLog
import Foundation
import Glibc
import ParallaxCore
import Testing
import TestSupport

/// Producers that are slow, through the binary.
@Suite struct CLIIngestTests {
    static func event(_ number: Int) -> String {
        let id = "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - "\(number)".count) + "\(number)"
        return #"{"event_id":"\#(id)","event_time":"2026-01-01T00:00:00Z","page":"/\#(number)"}"#
    }

    /// In the order of partitions and offsets.
    static func payloads(_ pipeline: CLIPipeline) throws -> [String] {
        guard let log = try? EmbeddedLog(readingFrom: pipeline.path + "/.parallax/log", source: "page_view") else { return [] }
        return try log.partitions().flatMap { partition in
            let batch = try log.read(partition, from: log.bounds(of: partition).lowerBound, maxRecords: 1_000, maxBytes: 1 << 20)
            return (0..<batch.count).map { batch.payloads.string($0) }
        }
    }

    @Test func eachLineOfASlowProducerIsInTheLogBeforeTheNextComes() throws {
        let pipeline = try CLIPipeline(configuration: "log:\n  partitions: 1\n")
        let pipe = Pipe()
        let ingest = try CLIProgram(["ingest", "page_view", "-", "--pipeline", pipeline.path], pipe: pipe)
        let producer = pipe.fileHandleForWriting
        var sent: [String] = []
        for number in 1...5 {
            sent.append(Self.event(number))
            // The end of a line and the beginning of the next, as pipes cut them.
            try producer.write(contentsOf: Data((Self.event(number).dropFirst(number == 1 ? 0 : 20) + "\n").utf8))
            try producer.write(contentsOf: Data(Self.event(number + 1).prefix(20).utf8))
            #expect(try becomesTrue { try Self.payloads(pipeline).count >= number })
            #expect(try Self.payloads(pipeline) == sent)
        }
        try producer.write(contentsOf: Data(Self.event(6).dropFirst(20).utf8))
        try producer.close()
        let result = try ingest.wait()
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("6 records are in the log: 6 accepted, 0 malformed"), "\(result.output)")
        #expect(try Self.payloads(pipeline) == sent + [Self.event(6)])
    }

    /// Also before the first line: whoever has nothing to say must not be killed to end.
    @Test(arguments: [0, 2]) func aSilentProducerIsLeftAtTheFirstSignal(lines: Int) throws {
        let pipeline = try CLIPipeline(configuration: "log:\n  partitions: 1\n")
        let pipe = Pipe()
        let ingest = try CLIProgram(["ingest", "page_view", "-", "--pipeline", pipeline.path], pipe: pipe)
        for number in 0..<lines { try pipe.fileHandleForWriting.write(contentsOf: Data((Self.event(number) + "\n").utf8)) }
        if lines > 0 { #expect(try becomesTrue { try Self.payloads(pipeline).count == lines }) }
        #expect(try becomesTrue { try Self.listens(to: SIGTERM, ingest.process.processIdentifier) })
        kill(ingest.process.processIdentifier, SIGTERM)
        let result = try ingest.wait()
        #expect(result.status == 130, "\(result.errors)")
        #expect(result.errors.contains(lines == 0 ? "stopped before any input came" : "2 records are in the log"), "\(result.errors)")
    }

    /// The default, which would end it at once, has been taken away: it listens.
    private static func listens(to signal: Int32, _ process: pid_t) throws -> Bool {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("SigCgt:") }),
            let mask = UInt64(line.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16)
        else { return false }
        return mask & 1 << (signal - 1) != 0
    }
}
