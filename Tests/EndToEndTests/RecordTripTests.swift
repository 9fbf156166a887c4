import Archive
import EmbeddedLog
import Foundation
import ParallaxCore
import Testing
import TestSupport
import ViewLanguage

/// I6: keys, payloads and headers come out of the archive as a producer gave them, byte for byte, from both logs.
@Suite(.serialized) struct RecordTripTests {
    private static func header(_ name: String, _ value: [UInt8]?) -> RecordHeader { RecordHeader(name: Array(name.utf8), value: value) }

    private static let records = [
        NewRecord(key: nil, payload: Array("{}".utf8)),
        NewRecord(key: [0, 255, 10], payload: Array("{\"event_id\":\"x\"}".utf8), headers: [header("trace", [0, 1, 2, 255])]),
        NewRecord(key: [], payload: nil, headers: [header("empty", []), header("null", nil), header("empty", [10, 13])]),
        NewRecord(key: Array("k".utf8), payload: [], headers: [header("", Array("nameless".utf8))]),
        NewRecord(key: Array("k".utf8), payload: [0xFF, 0xFE, 0], headers: []),
    ]

    @Test func I6_keysAndHeadersSurviveTheEmbeddedLog() throws {
        let pipeline = try TestPipeline(sql: CrashTests.sql, configuration: "log:\n  partitions: 1\nbatch:\n  interval: 0\n")
        let log = try EmbeddedLog(directory: pipeline.path + "/.parallax/log", source: "page_view", partitions: 1)
        try check(pipeline, log)
    }

    @Test func I6_keysAndHeadersSurviveKafka() throws {
        let broker = try TestBroker()
        let (pipeline, log) = try KafkaTests.makePipeline(broker, partitions: 1)
        try check(pipeline, log)
    }

    private func check(_ pipeline: TestPipeline, _ log: any EventLog) throws {
        try log.append(Self.records, to: Partition(0))
        let event = "{\"event_id\":\"00000000-0000-0000-0000-000000000001\",\"event_time\":\"2026-01-01T00:00:00Z\"}"
        try Data(event.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/event.ndjson"))
        try pipeline.run("ingest", "page_view", pipeline.path + "/event.ndjson", "--header", "origin=a=b", "--header", "empty=")
        #expect(try pipeline.run("ingest", "page_view", "--header", "nonsense", expecting: nil).status == 64)
        try pipeline.run("archive", "--until-caught-up")

        let sql = try String(contentsOfFile: pipeline.path + "/views.sql", encoding: .utf8)
        let compiled = compile([SQLFile(path: "views.sql", text: sql)])
        let source = try #require(compiled.definitions?.sources.first { $0.name == "page_view" })
        let reader = try ArchiveReader(directory: pipeline.path + "/.parallax/archive", source: source)
        let segments = try reader.segments(below: reader.archived())
        #expect(segments.count == 1)
        let found = try reader.readRecords(try #require(segments.first))
        #expect(found.count == Self.records.count + 1)
        let headers = try #require(found.headers)
        for (row, record) in Self.records.enumerated() {
            #expect((found.keys.isNull(row) ? nil : Array(found.keys[row])) == record.key)
            #expect((found.payloads.isNull(row) ? nil : Array(found.payloads[row])) == record.payload)
            #expect((headers.isNull(row) ? [] : RecordHeaders.decode(headers[row])) == record.headers)
        }
        let last = Self.records.count
        #expect(found.payloads.string(last) == event && found.keys.string(last) == "00000000-0000-0000-0000-000000000001")
        #expect(RecordHeaders.decode(headers[last]) == [Self.header("origin", Array("a=b".utf8)), Self.header("empty", [])])
        guard Python.parquetTrouble == nil else { return }
        let printed = try Python.run(
            "import sys, pyarrow.parquet as p; t = p.read_table(sys.argv[1], columns=['_key', '_headers']); "
                + "print([(r['_key'], r['_headers']) for r in t.to_pylist()][1])", [reader.path(of: segments[0])])
        #expect(printed == "(b'\\x00\\xff\\n', b'\\x02\\ntrace\\x08\\x00\\x01\\x02\\xff')\n")
    }
}
