import BatchLayer
import BatchWorker
import Catalog
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing

/// How far the layers were apart, why, and in which rows: each cause by itself, with the number of records that the test has made.
@Suite struct ComparisonTests {
    typealias View = LayeredPipeline.View

    private static let views = [
        View(
            "by_page",
            "SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS n, sum(amount) AS revenue FROM page_view GROUP BY minute, page"
        ),
        View(
            "hops",
            "SELECT hop(event_time, '1 minute', '3 minutes') AS start, page, count(*) AS n, max(quantity) AS most FROM page_view GROUP BY start, page"
        ),
        View("totals", "SELECT ok, count(*) AS n, avg(score) AS score FROM page_view GROUP BY ok"),
        View("sessions", "SELECT session(event_time, '20 seconds') AS s, visitor, count(*) AS n FROM page_view GROUP BY s, visitor"),
        View(
            "days",
            "SELECT date_trunc('day', event_time, 'Europe/Vienna') AS day, count(*) AS n, sum(quantity) AS q FROM page_view GROUP BY day"),
    ]

    /// Those whose SELECT PostgreSQL takes as it is.
    private static let judged: Set<String> = ["by_page", "hops", "totals", "days"]

    private func event(
        _ id: String, _ time: Double, page: String = "/late", amount: String = "5.00", visitor: String = "z", more: String = ""
    ) -> NewRecord {
        let stamp = Instant(microseconds: Int64(time * 1_000_000)).text
        return NewRecord(
            key: nil,
            payload: Array(
                """
                {"event_id": "\(id)", "event_time": "\(stamp)", "visitor": "\(visitor)", "page": "\(page)", "amount": "\(amount)", \
                "duration_ms": 10, "quantity": 100, "score": 1, "ok": true\(more)}
                """.utf8))
    }

    /// The causes of each view, in the catalog and in the report; what adds up is looked at in every case.
    private func causes(_ pipeline: LayeredPipeline, _ report: RunReport, _ note: String) throws -> [String: [DriftCause.Kind: DriftCause]]
    {
        var found: [String: [DriftCause.Kind: DriftCause]] = [:]
        for view in report.views {
            let causes = try #require(view.causes, "\(note), \(view.view): \(report.warnings)")
            found[view.view] = Dictionary(uniqueKeysWithValues: causes.map { ($0.cause, $0) })
            // To the row: each that differs has one first cause.
            let comparison = try LayerComparison(pipeline.connection, .init(view: view.view, limit: 10_000))
            #expect(comparison.run.number.rawValue == report.run, "\(note)")
            #expect(causes.reduce(0) { $0 + $1.groups } == comparison.different, "\(note), \(view.view): \(causes)")
            #expect(comparison.causes == causes, "\(note), \(view.view)")
            #expect(Int64(comparison.rows.rows.count) == comparison.different, "\(note), \(view.view)")
            let one = try pipeline.connection.query(
                """
                SELECT coalesce(max(rows - equal), 0), max(only_live), max(only_batch), max(rows) FROM serving.comparison_summary
                WHERE run = \(report.run) AND view = '\(view.view)'
                """
            ).rows[0]
            // Several outputs of a row may differ: the row counts once.
            #expect(try one.int(0) <= comparison.different && one.int(3) == comparison.compared, "\(note), \(view.view)")
        }
        return found
    }

    /// I4: no late events, no copies, exact measures: over many publications, also beside records that keep coming, the drift is zero.
    @Test(arguments: [UInt64(101), UInt64.random(in: 1...1_000_000)]) func I4_layersThatShouldAgreeDo(seed: UInt64) throws {
        let pipeline = try LayeredPipeline(partitions: 3, views: Self.views)
        var traffic = MeasuredTraffic(seed: seed)
        traffic.pace = 4
        var random = SeededGenerator(seed: seed)
        for round in 0..<8 {
            try traffic.produce(Int.random(in: 1...250, using: &random), into: pipeline.log)
            try pipeline.speed()
            let report = try pipeline.batch(full: round == 5)
            for view in report.views {
                #expect(view.causes == [] && view.hasLiveRows == true, "seed \(seed), round \(round), \(view.view): \(view.causes as Any)")
                #expect(
                    view.drift.allSatisfy { !$0.isDifferent && $0.share == 0 && ($0.maxDifference ?? 0) == 0 },
                    "seed \(seed), round \(round)")
            }
        }
        #expect(try pipeline.rows("SELECT count(*) FROM parallax.drift_window") == ["0"])
        #expect(try pipeline.rows("SELECT count(*) FROM parallax.compared_row WHERE is_different OR cardinality(causes) > 0") == ["0"])
        #expect(try pipeline.rows("SELECT bool_and(drift = 0 AND is_compared) FROM serving.comparison_summary") == ["t"])
        try pipeline.expectEqualToOracle("seed \(seed)", only: Self.judged)
    }

    /// Late events: as many as were sent, in the rows that they belong to, once for each window.
    @Test(arguments: [1, 2]) func I4_lateEventsAreNamedToTheRow(partitions: Int) throws {
        let pipeline = try LayeredPipeline(partitions: partitions, views: Self.views)
        var traffic = MeasuredTraffic(seed: 7)
        traffic.pace = 40
        // Hours, so that the watermark is far ahead of the beginning.
        try traffic.produce(1_200, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        let start = 1_704_067_200.0
        for number in 0..<7 {
            try pipeline.log.append(
                [event("late\(number)", start + Double(number) * 5, page: number < 4 ? "/late" : "/0")], to: Partition(number % partitions))
        }
        try traffic.produce(50, into: pipeline.log)
        try pipeline.speed()
        let report = try pipeline.batch()
        let found = try causes(pipeline, report, "\(partitions)")
        #expect(found["by_page"] == [.late: DriftCause(cause: .late, groups: 2, records: 7)])
        // Three windows hold each event.
        #expect(found["hops"]?[.late]?.records == 21 && found["hops"]?.count == 1)
        #expect(found["totals"] == [.late: DriftCause(cause: .late, groups: 1, records: 7)])
        #expect(found["days"] == [.late: DriftCause(cause: .late, groups: 1, records: 7)])
        #expect(found["sessions"] == [.late: DriftCause(cause: .late, groups: 1, records: 7)])

        // Row by row, and where: the largest difference first.
        #expect(
            try pipeline.rows(
                "SELECT page, n_live, n_batch, n_difference, revenue_difference, causes, late FROM comparison.by_page WHERE run = 2 AND place = 1"
            ) == ["/late|∅|4|∅|∅|{late}|4"])
        let zero = try pipeline.rows("SELECT n_difference, late FROM comparison.by_page WHERE is_different AND page = '/0'")
        #expect(zero == ["-3|3"])
        let comparison = try LayerComparison(pipeline.connection, .init(view: "by_page", limit: 5))
        let count = try #require(comparison.outputs.first { $0.output == "n" })
        #expect(count.onlyBatch == 1 && count.differing == 1 && count.maxDifference == 3 && count.differingWindows == 1)
        #expect(
            comparison.windows.contains { $0.drift.output == "n" && $0.start.text == "2024-01-01T00:00:00Z" && $0.drift.onlyBatch == 1 })
        let places = comparison.groups.filter { $0.output == "n" && $0.column == "page" }
        #expect(places.map(\.value) == ["/late", "/0"] && places.map(\.difference) == [4, 3])
        #expect(abs((places.first?.share ?? 0) - 4.0 / 7) < 1e-9)
        try pipeline.expectEqualToOracle("late, \(partitions)", only: Self.judged)
    }

    /// Copies of events that the speed layer has forgotten, also in another partition, where the copy with the smaller place stays.
    @Test func I4_copiesOutsideTheHorizonAreNamedToTheRow() throws {
        let pipeline = try LayeredPipeline(partitions: 2, views: Self.views)
        var traffic = MeasuredTraffic(seed: 8)
        traffic.pace = 0.1
        let early = (0..<3).map { event("copied\($0)", 1_704_067_200 + Double($0), page: "/copied") }
        try pipeline.log.append(early, to: Partition(1))
        try traffic.produce(100, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        // The horizon is of one partition: here all three come for the first time. Their places are smaller, so the counted ones give way.
        try pipeline.log.append(early, to: Partition(0))
        // Within the horizon: nobody counts these again.
        try pipeline.log.append(early, to: Partition(0))
        try traffic.produce(50, into: pipeline.log)
        try pipeline.speed()
        let moved = try causes(pipeline, try pipeline.batch(), "moved")
        for view in ["by_page", "totals", "days", "sessions"] {
            #expect(moved[view]?[.duplicate]?.records == 3 && moved[view]?.count == 1, "\(view): \(moved[view] as Any)")
        }
        #expect(
            try pipeline.rows("SELECT n_live, n_batch, duplicates FROM comparison.by_page WHERE page = '/copied' AND is_different") == [
                "6|3|3"
            ])

        // In the same partition, 5,000 records later.
        for _ in 0..<3 {
            try pipeline.log.append((0..<2_000).map { _ in event("same", 1_704_067_205, page: "/same") }, to: Partition(0))
        }
        try pipeline.speed()
        try pipeline.batch()
        try pipeline.log.append([early[0]], to: Partition(0))
        try pipeline.speed()
        let forgotten = try causes(pipeline, try pipeline.batch(), "forgotten")
        #expect(forgotten["by_page"] == [.duplicate: DriftCause(cause: .duplicate, groups: 1, records: 1)])
        try pipeline.expectEqualToOracle("copies", only: Self.judged)
    }

    /// Estimates: within what they promise.
    @Test func I4_estimatesAreNamedWithTheirBound() throws {
        let views = [
            View(
                "estimates",
                """
                SELECT tumble(event_time, '10 minutes') AS w, count(*) AS n, count(DISTINCT visitor) AS visitors,
                       percentile_cont(0.9) WITHIN GROUP (ORDER BY duration_ms) AS p90
                FROM page_view GROUP BY w
                """)
        ]
        let pipeline = try LayeredPipeline(partitions: 2, views: views)
        for part in 0..<6 {
            try pipeline.log.append(
                (0..<1_500).map { number in
                    event("e\(part)-\(number)", 1_704_067_200 + Double(number % 500), visitor: "v\(part * 1_500 + number)")
                }, to: Partition(part % 2))
        }
        try pipeline.speed()
        let report = try pipeline.batch()
        let found = try causes(pipeline, report, "sketches")
        #expect(found["estimates"] == [.sketch: DriftCause(cause: .sketch, groups: 1)])
        #expect(report.views[0].drift.first { $0.output == "n" }?.isDifferent == false)
        let visitors = try #require(report.views[0].drift.first { $0.output == "visitors" })
        #expect(visitors.differing == 1 && (visitors.maxRelative ?? 0) > 0 && (visitors.maxRelative ?? 1) < 0.05)
        // One that is further off than any estimate may be, as a bug would leave it.
        try pipeline.log.append([event("one", 1_704_067_300, visitor: "new")], to: Partition(0))
        try pipeline.speed()
        try pipeline.batch()
        try pipeline.log.append([event("two", 1_704_067_301, visitor: "newer")], to: Partition(0))
        try pipeline.speed()
        let table = try pipeline.rows("SELECT state_table FROM parallax.view_version")[0]
        try pipeline.connection.execute(
            "UPDATE speed.\"\(table)\" SET m1_h = hll_add_agg FROM (SELECT hll_add_agg(hll_hash_bigint(g), 14) FROM generate_series(1, 20000) g) x"
        )
        let wrong = try causes(pipeline, try pipeline.batch(), "a wrong sketch")
        #expect(wrong["estimates"] == [.sketchBeyondBound: DriftCause(cause: .sketchBeyondBound, groups: 1)])
    }

    @Test func I4_aTableThatChangedIsNamed() throws {
        let views = [
            View(
                "sections",
                "SELECT tumble(event_time, '1 minute') AS minute, section, count(*) AS n FROM page_view JOIN page_info USING (page) GROUP BY minute, section"
            ),
            View("plain", "SELECT page, count(*) AS n FROM page_view GROUP BY page"),
        ]
        let pipeline = try LayeredPipeline(
            partitions: 1, sourceSQL: LayeredPipeline.sourceSQL + "CREATE TABLE page_info (page text PRIMARY KEY, section text);\n",
            views: views)
        try pipeline.connection.execute("INSERT INTO dimension.page_info VALUES ('/0', 'home'), ('/1', 'shop')")
        var traffic = MeasuredTraffic(seed: 9)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        try traffic.produce(50, into: pipeline.log)
        try pipeline.speed()
        try pipeline.connection.execute("UPDATE dimension.page_info SET section = 'renamed' WHERE page = '/1'")
        let found = try causes(pipeline, try pipeline.batch(), "a table")
        #expect(found["plain"] == [:])
        let table = try #require(found["sections"]?[.table])
        #expect(found["sections"]?.count == 1 && table.groups > 1 && table.records == nil)
    }

    /// What was no event, and is one since the source changed.
    @Test func I4_recordsThatHealAreNamedToTheRow() throws {
        let strict = LayeredPipeline.sourceSQL.replacing("quantity integer,", with: "quantity integer NOT NULL,")
        let views = [
            View("by_page", "SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS n FROM page_view GROUP BY minute, page")
        ]
        let pipeline = try LayeredPipeline(partitions: 1, sourceSQL: strict, views: views)
        func records(_ name: String, _ count: Int, quantity: String) -> [NewRecord] {
            (0..<count).map { number in
                NewRecord(
                    key: nil,
                    payload: Array(
                        """
                        {"event_id": "\(name)\(number)", "event_time": "2024-01-01T00:00:0\(number)Z", "visitor": "v", "page": "/p", "quantity": \(quantity)}
                        """.utf8))
            }
        }
        try pipeline.log.append(records("a", 4, quantity: "1"), to: Partition(0))
        try pipeline.speed()
        try pipeline.batch()
        try pipeline.log.append(records("b", 5, quantity: "null") + records("c", 2, quantity: "3"), to: Partition(0))
        try pipeline.speed()
        try pipeline.apply(try LayeredPipeline.compiled(views), partitions: 1)
        let found = try causes(pipeline, try pipeline.batch(), "healed")
        #expect(found["by_page"] == [.healed: DriftCause(cause: .healed, groups: 1, records: 5)])
        #expect(try pipeline.rows("SELECT n_live, n_batch, healed FROM comparison.by_page WHERE is_different") == ["6|11|5"])
    }

    /// Several at once, over seeds: the records of each cause are those that were sent, and all rows have a cause with a name.
    @Test(arguments: [UInt64(1), 2, UInt64.random(in: 3...1_000_000)]) func I4_everyDifferenceHasItsCause(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let partitions = Int.random(in: 1...3, using: &random)
        let pipeline = try LayeredPipeline(partitions: partitions, views: Self.views)
        var traffic = MeasuredTraffic(seed: seed)
        traffic.pace = 40
        var sent: [(record: NewRecord, partition: Partition)] = []
        for round in 0..<4 {
            var late: Int64 = 0
            try traffic.produce(300, into: pipeline.log)
            try pipeline.speed()
            if round > 0 {
                for number in 0..<Int.random(in: 0..<30, using: &random) {
                    let record = event(
                        "late\(round)-\(number)", 1_704_067_200 + Double.random(in: 0..<600, using: &random),
                        page: "/\(Int.random(in: 0..<6, using: &random))", visitor: "v\(Int.random(in: 0..<40, using: &random))")
                    let partition = Partition(Int.random(in: 0..<partitions, using: &random))
                    try pipeline.log.append([record], to: partition)
                    sent.append((record, partition))
                    late += 1
                }
                // Copies of late events: too late again in another partition, remembered in the same.
                for _ in 0..<Int.random(in: 0..<5, using: &random) where !sent.isEmpty {
                    let one = sent[Int.random(in: 0..<sent.count, using: &random)]
                    try pipeline.log.append([one.record], to: one.partition)
                }
            }
            try traffic.produce(20, into: pipeline.log)
            try pipeline.speed()
            let note = "seed \(seed), round \(round)"
            let found = try causes(pipeline, try pipeline.batch(), note)
            for (view, causes) in found {
                #expect(Set(causes.keys).isSubset(of: [.late]), "\(note), \(view): \(causes)")
                let expected = view == "hops" ? 3 * late : late
                #expect((causes[.late]?.records ?? 0) == expected, "\(note), \(view): \(causes), \(expected) sent")
            }
            try pipeline.expectEqualToOracle(note, only: Self.judged)
        }
    }

    @Test func aRunWithNothingLiveSaysSo() throws {
        let pipeline = try LayeredPipeline(partitions: 1, views: Self.views)
        var traffic = MeasuredTraffic(seed: 11)
        try traffic.produce(100, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        let report = try pipeline.batch(full: true)
        #expect(report.views.allSatisfy { $0.hasLiveRows == false } && report.text.contains("nothing live to compare"))
        let comparison = try LayerComparison(pipeline.connection, .init(view: "by_page", run: RunNumber(report.run), limit: 10))
        #expect(!comparison.hasLiveRows)
        // Who names no run hears of the one that has something to say.
        #expect(try LayerComparison(pipeline.connection, .init(view: "by_page", limit: 10)).run.number == RunNumber(1))
        #expect(try pipeline.rows("SELECT DISTINCT is_compared FROM serving.comparison_summary WHERE run = \(report.run)") == ["f"])
    }

    /// Rows of the newest runs alone, and no more of a view than the setting says.
    @Test func rowsOfFormerRunsGo() throws {
        let pipeline = try LayeredPipeline(partitions: 1, views: [Self.views[0]])
        pipeline.batchSettings.keptComparisons = 2
        pipeline.batchSettings.comparedRows = 3
        var traffic = MeasuredTraffic(seed: 12)
        for _ in 0..<4 {
            try traffic.produce(100, into: pipeline.log)
            try pipeline.speed()
            try pipeline.batch()
        }
        #expect(try pipeline.rows("SELECT run, count(*) FROM comparison.by_page GROUP BY run ORDER BY run") == ["3|3", "4|3"])
        #expect(try pipeline.rows("SELECT count(DISTINCT run) FROM serving.comparison_summary") == ["4"])
        let comparison = try LayerComparison(pipeline.connection, .init(view: "by_page", limit: 10, withEqual: true))
        #expect(comparison.kept == 3 && comparison.compared > 3 && comparison.rows.rows.count == 3)
        let former = try LayerComparison(pipeline.connection, .init(view: "by_page", run: RunNumber(1), limit: 10, withEqual: true))
        #expect(former.kept == 0 && former.outputs.count == 2)
        #expect(throws: ParallaxError.self) {
            try LayerComparison(pipeline.connection, .init(view: "by_page", run: RunNumber(99), limit: 1))
        }
    }

    /// Policies stand on the state tables: who is under one sees no row of a comparison.
    @Test func rowSecurityIsNotPassedBy() throws {
        let pipeline = try LayeredPipeline(partitions: 1, views: [Self.views[0]])
        var traffic = MeasuredTraffic(seed: 13)
        try traffic.produce(50, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        let catalog = Catalog(pipeline.connection)
        let role = "reader_\(try pipeline.rows("SELECT current_database()")[0])"
        try catalog.createReader(role, views: ["by_page"], password: nil)
        defer { try? catalog.dropReader(role) }
        func count() throws -> [String] {
            try pipeline.connection.execute("SET ROLE \"\(role)\"")
            defer { _ = try? pipeline.connection.execute("RESET ROLE") }
            return try pipeline.rows(
                "SELECT (SELECT count(*) > 0 FROM comparison.by_page), (SELECT count(*) > 0 FROM serving.comparison_summary)")
        }
        #expect(try count() == ["t|t"])
        let table = try pipeline.rows("SELECT state_table FROM parallax.view_version")[0]
        try pipeline.connection.execute("ALTER TABLE batch.\"\(table)\" ENABLE ROW LEVEL SECURITY")
        #expect(try count() == ["f|t"])
        #expect(try pipeline.rows("SELECT count(*) > 0 FROM comparison.by_page") == ["t"])
    }
}
