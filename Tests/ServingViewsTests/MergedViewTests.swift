import Catalog
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing
import ViewLanguage

@Suite struct MergedViewTests {
    /// Publications of two sources, and promotions, each write the views of all sources: one at a time, from versions read after the wait.
    @Test func theViewsAreWrittenByOneAtATime() throws {
        let fixture = try Fixture([("traffic", Fixture.plan())])
        let other = try Connection(fixture.dsn)
        defer { other.close() }
        try other.execute("BEGIN")
        try Catalog(other).lockServing()
        try fixture.connection.execute("SET lock_timeout = '100ms'")
        let error = #expect(throws: ParallaxError.self) {
            try fixture.connection.transaction { () throws(ParallaxError) in _ = try ServingViews.refresh(fixture.connection) }
        }
        #expect(error?.sqlState == "55P03", "\(String(describing: error))")
        // Nor is a readers' role made meanwhile: whoever makes a view anew has read which roles may read it.
        let role = "parallax_test_waits"
        let waits = #expect(throws: ParallaxError.self) { try fixture.catalog.createReader(role, views: [], password: nil) }
        #expect(waits?.sqlState == "55P03", "\(String(describing: waits))")
        try other.execute("ROLLBACK")
        try fixture.connection.transaction { () throws(ParallaxError) in _ = try ServingViews.refresh(fixture.connection) }
        #expect(try fixture.rows("SELECT count(*) FROM pg_roles WHERE rolname = '\(role)'") == ["0"])
    }

    @Test func aBatchRowAndItsLiveRowsAreOneRow() throws {
        let fixture = try Fixture([("traffic", Fixture.plan())])
        let tables = try fixture.tables("traffic")
        let version = try fixture.version("traffic")
        let run = try fixture.publish { run in
            try fixture.connection.execute(
                """
                INSERT INTO \(tables.batchTable) (from_run, window_start, g0, m0_n, m1_d, m1_h, m2_s, m3_n, m3_s, m4_v, m5_s) VALUES
                (\(run.number), '2026-01-01 00:00Z', '/a', 3, 2, hll_add(hll_add(hll_empty(14,5,-1,1), hll_hash_text('x')), hll_hash_text('y')), 10.50, 3, 10, 7, 0.1),
                (\(run.number), '2026-01-01 00:00Z', NULL, 1, 1, NULL, NULL, 0, NULL, NULL, NULL),
                (\(run.number), '2026-01-01 00:01Z', '/a', 1, 1, NULL, 1.00, 1, 5, 5, 1e300)
                """)
        }
        #expect(
            try fixture.rows("SELECT * FROM serving.traffic ORDER BY minute, page") == [
                "2026-01-01 00:00:00+00|/a|3|2|10.50|3.3333333333333333|7|0.1|t|f",
                "2026-01-01 00:00:00+00|null|1|1|null|null|null|null|t|f",
                "2026-01-01 00:01:00+00|/a|1|1|1.00|5.0000000000000000|5|1e+300|t|f",
            ])

        // Live: one visitor that the batch knows, one that it does not; the null group; a window that the batch has never seen.
        try fixture.connection.execute(
            """
            INSERT INTO \(tables.speedTable) (slice, window_start, g0, m0_n, m1_h, m2_s, m3_n, m3_s, m4_v, m5_s) VALUES
            (\(run.slice), '2026-01-01 00:00Z', '/a', 2, hll_add(hll_add(hll_empty(14,5,-1,1), hll_hash_text('y')), hll_hash_text('z')), 0.25, 1, 10, 10, 0.2),
            (\(run.slice), '2026-01-01 00:00Z', NULL, 1, hll_add(hll_empty(14,5,-1,1), hll_hash_text('q')), 5, 0, NULL, NULL, NULL),
            (\(run.slice), '2026-01-01 00:02Z', '/b', 1, hll_add(hll_empty(14,5,-1,1), hll_hash_text('q')), NULL, 0, NULL, NULL, NULL),
            (\(run.base.slice), '2026-01-01 00:02Z', '/b', 100, hll_empty(14,5,-1,1), NULL, 0, NULL, NULL, NULL);
            INSERT INTO parallax.touched_window VALUES (\(version.id), '2026-01-01 00:00Z', \(run.slice), 0), (\(version.id), '2026-01-01 00:02Z', \(run.slice), 0);
            UPDATE parallax.watermark SET watermark = '2026-01-01 00:01:00Z'
            """)
        #expect(
            try fixture.rows("SELECT * FROM serving.traffic ORDER BY minute, page") == [
                "2026-01-01 00:00:00+00|/a|5|3|10.75|5.0000000000000000|10|0.3|f|t",
                "2026-01-01 00:00:00+00|null|2|2|5|null|null|null|f|t",
                "2026-01-01 00:01:00+00|/a|1|1|1.00|5.0000000000000000|5|1e+300|t|f",
                "2026-01-01 00:02:00+00|/b|1|1|null|null|null|null|f|f",
            ])
    }

    /// A late event that the speed layer left to the batch layer makes its window inexact, though no live row shows it (I7).
    @Test func lateEventsMarkTheirWindow() throws {
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0]))])
        let tables = try fixture.tables("traffic")
        let version = try fixture.version("traffic")
        let run = try fixture.publish { run in
            try fixture.connection.execute(
                "INSERT INTO \(tables.batchTable) (from_run, window_start, g0, m0_n) VALUES (\(run.number), '2026-01-01 00:00Z', '/a', 3), (\(run.number), '2026-01-01 00:01Z', '/a', 3)"
            )
        }
        try fixture.connection.execute(
            "INSERT INTO parallax.touched_window VALUES (\(version.id), '2026-01-01 00:00Z', \(run.slice), 2)")
        #expect(try fixture.rows("SELECT views, is_exact FROM serving.traffic ORDER BY minute") == ["3|f", "3|t"])
        _ = try fixture.publish()
        #expect(try fixture.rows("SELECT views, is_exact FROM serving.traffic ORDER BY minute") == ["3|t", "3|t"])
    }

    /// I7: rows that may lack what a person gave up are not exact: batch rows, live rows, rows of both; those beside the gap's times are.
    @Test func I7_givenUpRecordsMarkTheWindowsThatTheyMayHaveBeenIn() throws {
        let fixture = try Fixture([
            ("traffic", Fixture.plan(measures: [0])), ("total", Fixture.plan(window: false, groups: false, measures: [0])),
        ])
        let tables = try fixture.tables("traffic")
        let version = try fixture.version("traffic")
        let run = try fixture.publish { run in
            try fixture.connection.execute(
                """
                INSERT INTO \(tables.batchTable) (from_run, window_start, g0, m0_n)
                SELECT \(run.number), '2026-01-01 00:00Z'::timestamptz + minute * interval '1 minute', '/a', 3 FROM generate_series(0, 3) minute
                """)
        }
        try fixture.connection.execute(
            """
            INSERT INTO \(tables.speedTable) (slice, window_start, g0, m0_n) VALUES (\(run.slice), '2026-01-01 00:02Z', '/a', 1);
            INSERT INTO parallax.touched_window VALUES (\(version.id), '2026-01-01 00:02Z', \(run.slice), 0)
            """)
        func exact() throws -> [String] {
            try fixture.rows("SELECT is_exact FROM serving.traffic ORDER BY minute") + fixture.rows("SELECT is_exact FROM serving.total")
        }
        #expect(try exact() == ["t", "t", "t", "t", "t"])
        let source = try fixture.catalog.source(named: "page_view").id
        let minute = { (number: Int64) in Instant(microseconds: 1_767_225_600_000_000 + number * 60_000_000) }
        let gap = AcceptedGap(
            partition: Partition(0), offsets: Offset(5)..<Offset(9), acceptedAt: minute(9), eventsFrom: minute(1), eventsUntil: minute(3))
        try fixture.catalog.recordGaps([gap, gap], source: source)
        #expect(try fixture.catalog.acceptedGaps(source: source) == [gap])
        #expect(try exact() == ["t", "f", "f", "t", "f"])
        try fixture.catalog.recordGaps(
            [AcceptedGap(partition: Partition(1), offsets: Offset(0)..<Offset(1), acceptedAt: minute(9), eventsUntil: minute(0))],
            source: source)
        #expect(try exact() == ["t", "f", "f", "t", "f"])
        try fixture.catalog.recordGaps(
            [AcceptedGap(partition: Partition(2), offsets: Offset(0)..<Offset(1), acceptedAt: minute(9))], source: source)
        #expect(try exact() == ["f", "f", "f", "f", "f"])
    }

    /// I7: a run that took the cut over records that the speed layer had not read, and failed. No row holds them, and nobody knows which rows they
    /// belong to, until a run is published.
    @Test func I7_recordsThatWaitForAPublicationMarkEveryRow() throws {
        let fixture = try Fixture([
            ("traffic", Fixture.plan(measures: [0])), ("pages", Fixture.plan(window: false, measures: [0])),
            ("total", Fixture.plan(window: false, groups: false, measures: [0])),
        ])
        _ = try fixture.publish { run in
            for (view, window) in [("traffic", "window_start, "), ("pages", "")] {
                try fixture.connection.execute(
                    """
                    INSERT INTO \(try fixture.tables(view).batchTable) (from_run, \(window)g0, m0_n)
                    VALUES (\(run.number), \(window.isEmpty ? "" : "'2026-01-01 00:00Z', ")'/a', 3)
                    """)
            }
        }
        func exact() throws -> [String] {
            try ["traffic", "pages", "total"].flatMap { try fixture.rows("SELECT is_exact FROM serving.\($0)") }
        }
        #expect(try exact() == ["t", "t", "t"])
        let source = try fixture.catalog.source(named: "page_view")
        let run = try fixture.catalog.beginRun(source: source, isFull: false)
        #expect(try exact() == ["t", "t", "t"])
        _ = try fixture.catalog.completeBoundaries(run, logEnds: [Partition(1): Offset(5)])
        try fixture.catalog.endRun(run, error: ParallaxError(.unavailable, "gone"))
        #expect(try fixture.rows("SELECT sum(waiting_records) FROM parallax.frontier") == ["5"])
        #expect(try exact() == ["f", "f", "f"])
        _ = try fixture.publish()
        #expect(try exact() == ["t", "t", "t"])
    }

    /// I7: what a partition's late events were when the published slice began is in the publication; what came since is in no answer.
    @Test func I7_lateEventsAreCountedOnceAndListedByWindow() throws {
        let fixture = try Fixture([
            ("traffic", Fixture.plan(measures: [0])), ("total", Fixture.plan(window: false, groups: false, measures: [0])),
        ])
        let source = try fixture.catalog.source(named: "page_view")
        let worker = WorkerID("00000000-0000-0000-0000-000000000001")
        /// As a worker does that comes, flushes once, and goes.
        func flush(late: Int64) throws {
            for lease in try fixture.catalog.acquirePartitions(source: source.id, worker: worker, lease: .seconds(600)) {
                let end = Offset(lease.nextOffset.rawValue + late)
                try fixture.connection.transaction { () throws(ParallaxError) in
                    try fixture.catalog.advance(
                        lease,
                        to: PartitionProgress(
                            nextOffset: end, slice: lease.slice, maxEventTime: nil, isIdle: false, newestAppendedAt: nil, logEnd: end,
                            events: 0, late: late, duplicates: 0))
                    for version in try fixture.catalog.versions(ofSource: source.id) {
                        try fixture.connection.query(
                            """
                            INSERT INTO parallax.touched_window AS t VALUES ($1, $2::timestamptz, $3, $4)
                            ON CONFLICT (version_id, window_start, slice) DO UPDATE SET late = t.late + excluded.late
                            """,
                            [
                                .version(version.id), .text(version.viewName == "total" ? "-infinity" : "2026-01-01 00:01Z"),
                                .int(lease.slice.rawValue), .int(late),
                            ])
                    }
                }
            }
            try fixture.catalog.releasePartitions(worker: worker)
        }
        func waiting() throws -> [String] {
            try fixture.rows("SELECT late_waiting FROM parallax.frontier ORDER BY partition")
                + fixture.rows("SELECT view, window_start, late FROM parallax.late_window ORDER BY view")
        }
        try flush(late: 2)
        #expect(try waiting() == ["2", "2", "total|null|4", "traffic|2026-01-01 00:01:00+00|4"])
        #expect(try fixture.catalog.status()[0].lateWaiting == 4)
        #expect(try fixture.rows("SELECT is_exact FROM serving.total") == ["f"])
        let lacking = try fixture.catalog.late(readBy: "SELECT * FROM traffic")
        #expect(lacking.count == 1 && lacking[0] == ("traffic", 1, 4))
        let first = try fixture.publish()
        #expect(try waiting() == ["0", "0"])
        try flush(late: 3)
        _ = try fixture.publish()
        try flush(late: 1)
        #expect(try waiting() == ["1", "1", "total|null|2", "traffic|2026-01-01 00:01:00+00|2"])
        // Back at the first publication, the second one's are in no answer again.
        try fixture.catalog.revert(source: try fixture.catalog.source(named: "page_view"), to: first.number) { _ in }
        #expect(try waiting() == ["4", "4", "total|null|8", "traffic|2026-01-01 00:01:00+00|8"])
        #expect(try fixture.catalog.status()[0].lateWaiting == 8)
    }

    @Test func aGlobalViewHasOneRowAlways() throws {
        let fixture = try Fixture([("total", Fixture.plan(window: false, groups: false, measures: [0, 2, 3]))])
        #expect(try fixture.rows("SELECT * FROM serving.total") == ["0|null|null|t|f"])
        let tables = try fixture.tables("total")
        try fixture.connection.execute("INSERT INTO \(tables.speedTable) (slice, m0_n, m1_s, m2_n, m2_s) VALUES (1, 2, 3.50, 2, 3)")
        #expect(try fixture.rows("SELECT * FROM serving.total") == ["2|3.50|1.5000000000000000|t|f"])
    }

    @Test func aViewWithoutWindowMergesItsGroups() throws {
        let fixture = try Fixture([("pages", Fixture.plan(window: false, measures: [0, 1]))])
        let tables = try fixture.tables("pages")
        let run = try fixture.publish { run in
            try fixture.connection.execute(
                "INSERT INTO \(tables.batchTable) (from_run, g0, m0_n, m1_d, m1_h) VALUES (\(run.number), '/a', 3, 1, NULL), (\(run.number), '/b', 1, 1, NULL)"
            )
        }
        try fixture.connection.execute(
            "INSERT INTO \(tables.speedTable) (slice, g0, m0_n, m1_h) VALUES (\(run.slice), '/a', 1, hll_add(hll_empty(14,5,-1,1), hll_hash_text('q')))"
        )
        #expect(try fixture.rows("SELECT * FROM serving.pages ORDER BY page") == ["/a|4|2|f|f", "/b|1|1|t|f"])
    }

    @Test func overlaysStandOnMergedViewsAndWaitForThem() throws {
        let top = OverlayDefinition(
            name: "top", selectText: "SELECT page, sum(views) AS views FROM traffic GROUP BY page", reads: ["traffic"])
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0]))], overlays: [top])
        #expect(try fixture.rows("SELECT count(*) FROM serving.top") == ["0"])

        // A view that comes later is visible only with its first run, and so is what reads it.
        _ = try fixture.publish()
        let late = OverlayDefinition(name: "over_late", selectText: "SELECT * FROM late", reads: ["late"])
        try fixture.apply([("traffic", Fixture.plan(measures: [0])), ("late", Fixture.plan(measures: [0, 2]))], overlays: [top, late])
        #expect(
            try fixture.rows("SELECT viewname FROM pg_views WHERE schemaname = 'serving' AND viewname <> 'comparison_summary' ORDER BY 1")
                == [
                    "top", "traffic", "traffic_changes",
                ])
        _ = try fixture.publish()
        #expect(
            try fixture.rows("SELECT viewname FROM pg_views WHERE schemaname = 'serving' AND viewname <> 'comparison_summary' ORDER BY 1")
                == [
                    "late", "late_changes", "over_late", "top", "traffic", "traffic_changes",
                ])

        // Dropped definitions leave nothing behind.
        try fixture.apply([("traffic", Fixture.plan(measures: [0]))])
        #expect(
            try fixture.rows("SELECT viewname FROM pg_views WHERE schemaname = 'serving' AND viewname <> 'comparison_summary' ORDER BY 1")
                == ["traffic", "traffic_changes"])
        #expect(try fixture.rows("SELECT count(*) FROM pg_tables WHERE schemaname IN ('batch', 'speed')") == ["2"])
    }

    /// One apply may give a view a column and let a view on top read it: that comes with the column, and says until then what it said.
    @Test func aViewOnTopWaitsForTheColumnThatItReads() throws {
        func top(_ column: String) -> OverlayDefinition {
            OverlayDefinition(name: "top", selectText: "SELECT page, \(column) AS value FROM traffic", reads: ["traffic"])
        }
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0]))], overlays: [top("views::numeric")])
        _ = try fixture.publish()
        try fixture.apply([("traffic", Fixture.plan(measures: [0, 2]))], overlays: [top("revenue::numeric")], hash: "2")
        #expect(try fixture.rows("SELECT pg_get_viewdef('serving.top'::regclass) LIKE '%views%'") == ["t"])
        _ = try fixture.publish()
        #expect(try fixture.rows("SELECT pg_get_viewdef('serving.top'::regclass) LIKE '%revenue%'") == ["t"])
    }

    @Test func anOverlayThatPostgreSQLRefusesFailsTheApply() throws {
        let bad = OverlayDefinition(name: "bad", selectText: "SELECT nonsense FROM traffic", reads: ["traffic"])
        let error = #expect(throws: ParallaxError.self) { try Fixture([("traffic", Fixture.plan(measures: [0]))], overlays: [bad]) }
        #expect(error?.message.contains("nonsense") == true)
    }

    /// A changed definition: the old version serves until the new one's first run, then both switch in one transaction.
    @Test func theOldVersionServesUntilTheNewOneIsPublished() throws {
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0]))])
        _ = try fixture.publish()
        try fixture.apply([("traffic", Fixture.plan(measures: [0, 2]))], hash: "2")
        #expect(
            try fixture.rows(
                "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'serving.traffic'::regclass") == [
                    "minute,page,views,is_exact,is_closed"
                ])
        _ = try fixture.publish()
        #expect(
            try fixture.rows(
                "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'serving.traffic'::regclass") == [
                    "minute,page,views,is_exact,is_closed,revenue"
                ])
        let source = try fixture.catalog.source(named: "page_view")
        // As long as a publication is kept that served the old version, a revert brings it back.
        for (keep, tables) in [(3, "4"), (1, "2")] {
            try fixture.catalog.cleanUp(source: source.id, keep: keep)
            #expect(try fixture.rows("SELECT count(*) FROM pg_tables WHERE schemaname IN ('batch', 'speed')") == [tables])
        }
    }

    /// Point 9 of the first issue: predicates on window and group columns reach the indexes of both sides.
    @Test func predicatesReachTheIndexesOfBothSides() throws {
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0, 2, 3]))])
        let tables = try fixture.tables("traffic")
        let version = try fixture.version("traffic")
        let run = try fixture.publish { run in
            try fixture.connection.execute(
                """
                INSERT INTO \(tables.batchTable) (from_run, window_start, g0, m0_n, m1_s, m2_n, m2_s)
                SELECT \(run.number), '2026-01-01Z'::timestamptz + m * interval '1 minute', '/page/' || p, 1, 1, 1, 1
                FROM generate_series(0, 999) m, generate_series(0, 999) p
                """)
        }
        try fixture.connection.execute(
            """
            INSERT INTO \(tables.speedTable) (slice, window_start, g0, m0_n, m1_s, m2_n, m2_s)
            SELECT \(run.slice), '2026-01-01 16:00Z'::timestamptz + m * interval '1 minute', '/page/' || p, 1, 1, 1, 1
            FROM generate_series(0, 59) m, generate_series(0, 999) p;
            INSERT INTO parallax.touched_window SELECT DISTINCT \(version.id), window_start, slice FROM \(tables.speedTable);
            ANALYZE
            """)
        func plan(_ condition: String) throws -> String {
            try fixture.rows("EXPLAIN SELECT * FROM serving.traffic WHERE \(condition)").joined(separator: "\n")
        }
        for condition in [
            "minute >= '2026-01-01 15:50Z' AND minute < '2026-01-01 16:05Z'", "page = '/page/7'",
            "page = '/page/7' AND minute = '2026-01-01 16:05Z'",
        ] {
            let text = try plan(condition)
            #expect(!text.contains("Seq Scan on \(version.stateTable)"), "\(condition):\n\(text)")
            #expect(text.contains("Index") || text.contains("Bitmap"), "\(condition):\n\(text)")
        }
        #expect(
            try fixture.rows(
                "SELECT count(*), sum(views) FROM serving.traffic WHERE minute >= '2026-01-01 15:50Z' AND minute < '2026-01-01 16:05Z'")
                == ["15000|20000"])
        #expect(try fixture.rows("SELECT sum(views), count(*) FROM serving.traffic WHERE page = '/page/7'") == ["1060|1020"])
    }
}
