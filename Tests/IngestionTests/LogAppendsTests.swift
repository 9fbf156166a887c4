import Foundation
import ParallaxCore
import Synchronization
import TestSupport
import Testing
import ViewLanguage

@testable import Ingestion

@Suite struct LogAppendsTests {
    private static func source() throws -> SourceDefinition {
        let sql = """
            CREATE FOREIGN TABLE ev (id bigint, t timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 't');
            CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM ev;
            """
        let compilation = compile([SQLFile(path: "ev.sql", bytes: Array(sql.utf8))])
        return try #require(compilation.definitions?.sources.first)
    }

    private static func line(_ id: Int) -> String { #"{"id":\#(id),"t":"2026-01-01T00:00:00Z"}"# }
    private static func body(_ lines: [String]) -> EventBody { EventBody(Array(lines.joined(separator: "\n").utf8), .lines) }

    @Test func whatIsAppendedIsCountedAndItsTokenIsBehindAllOfIt() throws {
        let log = MemoryLog(source: "ev", partitions: 3)
        let appends = LogAppends { (_) throws(ParallaxError) in log }
        let source = try Self.source()
        let appended = try appends.append(
            Self.body([Self.line(1), "no json", Self.line(2), #"{"id":"x"}"#, "", Self.line(3)]), to: source, expecting: try log.identity())
        #expect(appended.totals.records == 6 && appended.totals.events == 3 && appended.totals.malformedCount == 3)
        #expect(appended.totals.malformed[.malformedJSON]?.firstLines == [2])
        #expect(appended.totals.malformed[.emptyPayload]?.firstLines == [5])
        let token = try #require(appended.token)
        let identity = try log.identity()
        #expect(token.source == "ev" && token.log == identity)
        for partition in try log.partitions() {
            let end = try log.bounds(of: partition).upperBound
            #expect(token.ends[partition] == (end == .zero ? nil : end))
        }
        // Nothing is written, and nothing is waited for.
        let nothing = try appends.append(EventBody([], .lines), to: source, expecting: nil)
        #expect(nothing.totals == IngestionTotals() && nothing.token == nil)
    }

    @Test func moreMalformedLinesThanAnAnswerNamesAreCounted() throws {
        let log = MemoryLog(source: "ev")
        let appends = LogAppends { (_) throws(ParallaxError) in log }
        let appended = try appends.append(Self.body((0..<300).map { _ in "x" }), to: try Self.source(), expecting: nil)
        #expect(appended.totals.malformed[.malformedJSON]?.count == 300)
        #expect(appended.totals.malformed[.malformedJSON]?.firstLines == Array(1...LogAppends.linesPerReason))
    }

    @Test func nothingIsAppendedToALogThatNobodyReads() throws {
        let log = MemoryLog(source: "ev")
        let appends = LogAppends { (_) throws(ParallaxError) in log }
        let other = LogIdentity(kind: .embedded, topic: "ev", number: "another")
        #expect { try appends.append(Self.body([Self.line(1)]), to: try Self.source(), expecting: other) } throws: {
            ($0 as? ParallaxError)?.code == .anotherLog
        }
        #expect(try log.bounds(of: Partition(0)).isEmpty)
    }

    /// One log for all threads, and each answer's token is behind its own records.
    @Test func manyThreadsShareOneLog() throws {
        let log = MemoryLog(source: "ev", partitions: 2)
        let opened = Mutex(0)
        let appends = LogAppends { (_) throws(ParallaxError) in
            opened.withLock { $0 += 1 }
            return log
        }
        let source = try Self.source()
        try inThreads(8) { thread in
            for number in 0..<50 {
                let token = try appends.append(Self.body([Self.line(thread * 1_000 + number)]), to: source, expecting: nil).token
                for (partition, end) in token?.ends ?? [:] where end > (try log.bounds(of: partition).upperBound) { Issue.record("\(end)") }
            }
        }
        #expect(opened.withLock { $0 } == 1)
        let counts = try log.partitions().map { (partition: Partition) in
            let bounds = try log.bounds(of: partition)
            return bounds.upperBound - bounds.lowerBound
        }
        #expect(counts.reduce(0, +) == 400)
    }
}
