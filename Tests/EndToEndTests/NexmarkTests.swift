import DemoTraffic
import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

/// The example's queries over generated streams, in both layers and merged, against PostgreSQL.
@Suite(.serialized) struct NexmarkTests {
    static let file = URL(filePath: #filePath).deletingLastPathComponent().path() + "../../examples/nexmark/views.sql"

    /// PostgreSQL has no session windows: islands without a gap of ten seconds between neighbours.
    static let oracles = [
        "q11": """
        SELECT min(date_time), max(date_time) + interval '10 seconds', bidder, count(*) FROM (
            SELECT bidder, date_time, count(*) FILTER (WHERE is_first) OVER (PARTITION BY bidder ORDER BY date_time, bid_id) AS session FROM (
                SELECT *, date_time >= coalesce(lag(date_time) OVER (PARTITION BY bidder ORDER BY date_time, bid_id), '-infinity')
                          + interval '10 seconds' AS is_first FROM bid) b) s
        GROUP BY bidder, session
        """,
        "q12": """
        SELECT tumble(date_time, '10 seconds') AS start, tumble(date_time, '10 seconds') + interval '10 seconds', bidder, count(*)
        FROM bid GROUP BY start, bidder
        """,
        "persons_by_state": """
        SELECT state, city, count(*), count(DISTINCT name), (array_agg(name ORDER BY date_time DESC))[1] FROM person GROUP BY state, city
        """,
    ]
    /// Estimates before a run.
    static let approximate: Set = ["q15", "q16", "auctions_by_category", "persons_by_state"]

    @Test(arguments: [("bid", 3_000), ("auction", 700), ("person", 700)])
    func everyQueryEqualsPostgreSQL(source: String, count: Int) throws {
        let text = try String(contentsOf: URL(filePath: Self.file), encoding: .utf8)
        let compilation = compile([SQLFile(path: "views.sql", text: text)])
        let all = try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered))")
        let own = all.views.filter { $0.plan.source.name == source }
        let definition = try #require(all.sources.first { $0.name == source })
        let overlays = all.overlays.filter { overlay in overlay.reads.allSatisfy { name in own.contains { $0.name == name } } }
        let pipeline = try LayeredPipeline(
            partitions: 2, definitions: Definitions(sources: [definition], views: own, overlays: overlays),
            views: own.map { .init($0.name, $0.selectText, oracle: Self.oracles[$0.name]) })
        #expect(source != "bid" || own.count + overlays.count == 13)

        var shape = TrafficShape()
        shape.late = 0
        shape.delayed = 0
        // A third of a second of event time between bids, so that people have several sessions.
        var generator = TrafficGenerator(
            maker: EventMaker(definition), seed: 11, shape: shape, startMicroseconds: 1_704_067_200_000_000, rate: 3)
        for step in 1...3 {
            for record in generator.records(upTo: count * step / 3) {
                try pipeline.log.append([record], to: KeyPartitioner.partition(forKey: record.key ?? [], partitions: 2))
            }
            try pipeline.speed()
            try pipeline.expectEqualToOracle("live \(step)", only: Set(own.map(\.name)).subtracting(Self.approximate))
            if step != 2 { try pipeline.batch() }
        }
        try pipeline.expectEqualToOracle("batch")
        for overlay in overlays { try expectEqual(overlay, own, pipeline) }
    }

    /// What PostgreSQL makes of its own rows of the views below.
    private func expectEqual(_ overlay: OverlayDefinition, _ views: [ViewDefinition], _ pipeline: LayeredPipeline) throws {
        let oracle = try pipeline.oracle()
        for view in views where overlay.reads.contains(view.name) { try oracle.execute("CREATE VIEW \(view.name) AS \(view.selectText)") }
        let found = difference(try pipeline.rows("SELECT * FROM serving.\(overlay.name)"), try oracle.rows(overlay.selectText))
        #expect(found == nil, "\(overlay.name): \(found ?? "")")
    }
}
