import BatchLayer
import Catalog
import Foundation
import ParallaxCore
import TestSupport
import Testing

/// Runs over a few new records each, for views that an incremental run has three ways to compute: by windows, by the sessions that new events reach,
/// and by adding new events to what is there.
@Suite(.serialized) struct SmallRunsTests {
    typealias View = LayeredPipeline.View

    private static let added: [View] = [
        View(
            "groups",
            """
            SELECT page, ok, count(*) AS n, count(score) AS scores, sum(amount) AS revenue, avg(duration_ms) AS mean, min(amount) AS lowest,
                   max(visitor) AS last_visitor, stddev(duration_ms) AS spread, var_pop(amount) AS variance, bool_or(ok) AS any_ok, sum(score) AS score,
                   count(*) FILTER (WHERE amount > 10) AS large, max(event_time) AS newest
            FROM page_view WHERE quantity > 0 OR score IS NULL GROUP BY page, ok HAVING count(*) > 1
            """),
        View("whole", "SELECT count(*) AS n, sum(amount) AS revenue, min(event_time) AS first, max(quantity) AS most FROM page_view"),
        View(
            "ends", "SELECT visitor, first(page, event_time) AS entry, last(amount, event_time) AS exit FROM page_view GROUP BY visitor",
            oracle: """
                SELECT visitor, (array_agg(page ORDER BY event_time))[1], (array_agg(amount ORDER BY event_time DESC))[1]
                FROM page_view GROUP BY visitor
                """),
        View("guarded", "SELECT page, sum(10 / (duration_ms % 7 - 3)) AS s FROM page_view WHERE duration_ms % 7 <> 3 GROUP BY page"),
    ]

    private static let others: [View] = [
        View("distinct_ones", "SELECT page, count(DISTINCT visitor) AS visitors FROM page_view GROUP BY page"),
        View("minutes", "SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS n FROM page_view GROUP BY minute, page"),
    ]

    /// 1.0 and 1.00 are equal: a run that only makes a value longer changes what PostgreSQL shows.
    @Test(arguments: [("", "k"), ("tumble(t, '1 hour') AS hour, ", "hour, k")])
    func aLongerEqualNumericIsPublished(window: String, groups: String) throws {
        let measures = ["total": "sum(x)", "most": "max(x)", "latest": "last(x, t)"]
        let views = measures.map { "CREATE MATERIALIZED VIEW \($0) AS SELECT \(window)k, \($1) AS m FROM ev GROUP BY \(groups);" }
        let pipeline = try TestPipeline(
            sql:
                "CREATE FOREIGN TABLE ev (id bigint, t timestamptz, k text, x numeric) SERVER parallax OPTIONS (event_id 'id', event_time 't');\n"
                + views.joined(separator: "\n"), configuration: "log:\n  partitions: 1\n")
        let steps = [
            ("1.0", ["total": "1.0", "most": "1.0", "latest": "1.0"]), ("0.00", ["total": "1.00", "most": "1.0", "latest": "0.00"]),
            ("0.000", ["total": "1.000", "most": "1.0", "latest": "0.000"]),
            ("1.0000", ["total": "2.0000", "most": "1.0000", "latest": "1.0000"]),
        ]
        for (id, (x, expected)) in steps.enumerated() {
            let line = #"{"id": \#(id), "t": "2026-01-01T00:00:0\#(id)Z", "k": "a", "x": \#(x)}"#
            try Data(line.utf8).write(to: URL(fileURLWithPath: pipeline.path + "/line.json"))
            try pipeline.run("ingest", "ev", pipeline.path + "/line.json")
            try pipeline.run("batch", "run")
            for (view, value) in expected {
                let row = try pipeline.connection.query("SELECT m::text, is_exact FROM serving.\(view)").rows[0]
                #expect(row[0] == value && row[1] == "t", "\(view) after \(x): \(row[0] ?? "nothing")")
            }
        }
    }

    /// I3 and I7: after each run, whatever it computed, rows and rejections are PostgreSQL's; a full run changes nothing, and a revert in between neither.
    @Test(arguments: [(seed: UInt64(61), partitions: 1), (seed: 62, partitions: 3), (seed: 63, partitions: 3)])
    func I3_smallRunsEqualTheOracleAndAFullRun(seed: UInt64, partitions: Int) throws {
        let keyed = DistinctOnTests.views.filter { $0.name != "keys_only" }
        let pipeline = try LayeredPipeline(
            partitions: partitions, views: Self.added + Self.others + keyed + SessionTests.exact + [SessionTests.percentiles])
        var random = SeededGenerator(seed: seed)
        var traffic = MeasuredTraffic(seed: seed)
        try traffic.produce(200, into: pipeline.log)
        var published = [RunNumber(try pipeline.batch().run)]
        var extents: [String: Set<ExtentReason>] = [:]
        let followers = try pipeline.followers()
        for step in 0..<14 {
            let note = "step \(step), seed \(seed)"
            traffic.pace = [0.3, 1, 2].randomElement(using: &random) ?? 1
            let count = step == 5 ? 0 : Int.random(in: 1..<25, using: &random)
            try traffic.produce(count, into: pipeline.log)
            if step % 3 == 1 { try copyAnOldOne(pipeline, &random) }
            let report = try pipeline.batch()
            published.append(RunNumber(report.run))
            try pipeline.expectEqualToOracle(note)
            try expectFollowed(followers, note)
            for view in report.views { extents[view.view, default: []].insert(view.extent) }
            if count == 0 { #expect(report.views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 }, "\(note): \(report.text)") }
            guard step % 4 == 3 else { continue }
            let rejected = try pipeline.rows("SELECT view_name, reason, rejected FROM parallax.rejected")
            let full = try pipeline.batch(full: true)
            #expect(full.views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 }, "\(note): \(full.text)")
            #expect(try pipeline.rows("SELECT view_name, reason, rejected FROM parallax.rejected") == rejected, "\(note)")
        }
        for view in Self.added.map(\.name) + keyed.map(\.name) where view != "hourly" {
            #expect(
                extents[view]?.isSubset(of: [.added, .copyMoved]) == true && extents[view]?.contains(.added) == true, "\(view): \(extents)")
        }
        for view in SessionTests.exact { #expect(extents[view.name]?.contains(.sessions) == true, "\(view.name): \(extents)") }
        #expect(extents["distinct_ones"] == [.noWindow] && extents["minutes"] == [.incremental])
        if partitions > 1 { #expect(extents["whole"]?.contains(.copyMoved) == true, "no copy ever moved: \(extents)") }
    }

    /// Somewhere else, and by another visitor: where it comes first, it is the one that counts.
    private func copyAnOldOne(_ pipeline: LayeredPipeline, _ random: inout SeededGenerator) throws {
        let partitions = try pipeline.log.partitions()
        let from = partitions.last ?? Partition(0)
        let end = try pipeline.log.bounds(of: from).upperBound.rawValue
        let offset = Int64.random(in: 0..<end, using: &random)
        let records = try pipeline.log.read(from, from: Offset(offset), maxRecords: 1, maxBytes: .max / 2)
        let text = String(decoding: records.payloads[0], as: UTF8.self).replacing("\"visitor\": \"v", with: "\"visitor\": \"w")
        try pipeline.log.append([NewRecord(key: nil, payload: Array(text.utf8))], to: partitions.randomElement(using: &random) ?? from)
    }

    /// What a small run reads does not grow with history.
    @Test func aSmallRunReadsLittle() throws {
        let pipeline = try LayeredPipeline(partitions: 1, views: Self.added + SessionTests.exact)
        pipeline.archiveLimits.recordsPerSegment = 100
        pipeline.archiveLimits.recordsPerRowGroup = 50
        var traffic = MeasuredTraffic(seed: 64)
        traffic.pace = 2
        try traffic.produce(2_000, into: pipeline.log)
        #expect(try pipeline.batch().recordsRead >= 2_000)
        try traffic.produce(8, into: pipeline.log)
        let report = try pipeline.batch()
        #expect(report.views.allSatisfy { $0.extent == .added || $0.extent == .sessions }, "\(report.text)")
        #expect(report.recordsRead < 600, "\(report.text)")
        try pipeline.expectEqualToOracle("after a small run")
    }
}
