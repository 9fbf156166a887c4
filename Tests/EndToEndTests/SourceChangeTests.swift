import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// A source's columns change while its archive stays as it was written: a run reads older segments through their payloads.
@Suite(.serialized) struct SourceChangeTests {
    private static func definitions(_ columns: String, _ select: String) -> String {
        """
        CREATE FOREIGN TABLE reading (
          event_id bigint, event_time timestamptz OPTIONS (path 'meta.at', format 'epoch_seconds')\(columns)
        ) SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time', lateness '70000000 hours');
        CREATE MATERIALIZED VIEW v AS \(select);
        """
    }

    private func rewrite(_ pipeline: TestPipeline, _ sql: String) throws {
        try Data(sql.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/views.sql"))
        try pipeline.run("apply", "--yes")
    }

    private func ingest(_ pipeline: TestPipeline, _ lines: [String]) throws {
        let path = pipeline.path + "/records.ndjson"
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
        try pipeline.run("ingest", "reading", path)
    }

    private func rows(_ pipeline: TestPipeline) throws -> [String] {
        Oracle.lines(try pipeline.connection.query("SELECT * FROM serving.v")).map {
            $0.split(separator: "|").prefix(2).joined(separator: "|")
        }
    }

    @Test func olderSegmentsAnswerForColumnsThatCameOrChanged() throws {
        let byEvent = "SELECT event_time, count(*) AS n FROM reading GROUP BY event_time"
        let pipeline = try TestPipeline(sql: Self.definitions("", byEvent), configuration: "")
        try ingest(
            pipeline,
            [
                #"{"event_id":1,"meta":{"at":10.5},"place":{"city":"Ulm","zip":"89073"},"seen":86400}"#,
                #"{"event_id":2,"meta":{"at":10.5},"place":{"city":null}}"#, #"{"event_id":3,"meta":{"at":11},"place":7,"level":4}"#,
            ])
        try pipeline.run("batch", "run")
        #expect(try rows(pipeline) == ["1970-01-01 00:00:10.5+00|2", "1970-01-01 00:00:11+00|1"])

        // A column that came: archived before anyone knew of it.
        let byCity = "SELECT city, count(*) AS n FROM reading GROUP BY city"
        try rewrite(pipeline, Self.definitions(", city text OPTIONS (path 'place.city')", byCity))
        try pipeline.run("batch", "run")
        #expect(try rows(pipeline) == ["Ulm|1", "∅|2"])

        // A default: for the record whose field is missing, not for the one where it is null. New records stand beside the old ones.
        try rewrite(pipeline, Self.definitions(", city text OPTIONS (path 'place.city') DEFAULT 'nowhere'", byCity))
        try ingest(pipeline, [#"{"event_id":4,"meta":{"at":12},"place":{"zip":"1"}}"#])
        try pipeline.run("batch", "run")
        #expect(try rows(pipeline) == ["Ulm|1", "nowhere|2", "∅|1"])

        // Another path for the same column; then NOT NULL, which the record with the null does not pass.
        try rewrite(pipeline, Self.definitions(", city text OPTIONS (path 'place.zip') DEFAULT 'nowhere'", byCity))
        try pipeline.run("batch", "run")
        #expect(try rows(pipeline) == ["1|1", "89073|1", "nowhere|2"])
        try rewrite(pipeline, Self.definitions(", city text OPTIONS (path 'place.city') NOT NULL DEFAULT 'x'", byCity))
        try pipeline.run("batch", "run")
        #expect(try rows(pipeline) == ["Ulm|1", "x|2"])

        // A format, and another one.
        let bySeen = "SELECT seen, count(*) AS n FROM reading GROUP BY seen"
        try rewrite(pipeline, Self.definitions(", seen timestamp OPTIONS (format 'epoch_seconds') DEFAULT '2000-01-01'", bySeen))
        try pipeline.run("batch", "run")
        #expect(try rows(pipeline) == ["1970-01-02 00:00:00|1", "2000-01-01 00:00:00|3"])
        try rewrite(pipeline, Self.definitions(", seen timestamp OPTIONS (format 'epoch_milliseconds')", bySeen))
        try pipeline.run("batch", "run")
        #expect(try rows(pipeline) == ["1970-01-01 00:01:26.4|1", "∅|3"])
    }
}
