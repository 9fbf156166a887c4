import BatchLayer
import Catalog
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing
import ViewLanguage

@testable import SpeedWorker

/// Events joined with tables, by PostgreSQL's own judgement: from the speed layer alone, from the batch layer alone, and both merged at a cut;
/// and what becomes of them when a table changes.
@Suite(.serialized) struct LookupJoinTests {
    typealias View = LayeredPipeline.View

    private static let tables = """
        CREATE TABLE page_info (page text PRIMARY KEY, section text, weight numeric(6,3));
        CREATE TABLE person (visitor text PRIMARY KEY, country text, since timestamptz);
        CREATE TABLE country (code text PRIMARY KEY, name text);
        CREATE TABLE IF NOT EXISTS shop.size (quantity bigint UNIQUE, label text, codes int[]);

        """

    private static let rows = """
        INSERT INTO dimension.page_info VALUES ('/0', 'home', 1.5), ('/1', 'shop', NULL), ('/2', 'shop', 2.25), ('/ü', 'none', 9);
        INSERT INTO dimension.person SELECT 'v' || n, CASE WHEN n % 5 > 0 THEN 'c' || n % 3 END, '2024-01-01 00:00:00+00'::timestamptz + n * '1 minute'::interval
            FROM generate_series(0, 30) n;
        INSERT INTO dimension.country VALUES ('c0', 'Österreich'), ('c1', NULL);
        INSERT INTO shop.size VALUES (NULL, 'null'), (1, 'one'), (2, 'two'), (-1, 'back'), (9000000000, 'much');
        """

    private static let views: [View] = [
        View(
            "sections",
            """
            SELECT tumble(event_time, '1 minute') AS minute, p.section, count(*) AS n, sum(amount) AS revenue, sum(p.weight * quantity) AS w
            FROM page_view JOIN page_info p USING (page) GROUP BY minute, p.section
            """),
        View(
            "all_sections",
            "SELECT section, page, count(*) AS n, avg(weight) AS w FROM page_view LEFT JOIN page_info USING (page) GROUP BY section, page"),
        View(
            "countries",
            """
            SELECT hop(event_time, '1 minute', '2 minutes') AS start, c.name, count(*) AS n, max(since) AS newest,
                   count(*) FILTER (WHERE event_time > since) AS later, sum(DISTINCT quantity) AS q
            FROM page_view AS v LEFT JOIN person AS p ON p.visitor = v.visitor LEFT JOIN country c ON c.code = p.country
            WHERE p.visitor IS DISTINCT FROM 'v3' GROUP BY start, c.name
            """),
        View(
            "sizes",
            """
            SELECT date_trunc('day', event_time, 'America/New_York') AS day, label, count(*) AS n, last(page, event_time) AS page,
                   max(cardinality(codes)) AS codes
            FROM page_view JOIN shop.size s ON s.quantity = page_view.quantity + 0 GROUP BY day, label HAVING count(*) > 1
            """,
            oracle: """
                SELECT date_trunc('day', event_time, 'America/New_York') AS day, label, count(*) AS n, (array_agg(page ORDER BY event_time DESC))[1],
                       max(cardinality(codes))
                FROM page_view JOIN shop.size s ON s.quantity = page_view.quantity + 0 GROUP BY day, label HAVING count(*) > 1
                """),
        View("plain", "SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS n FROM page_view GROUP BY minute, page"),
    ]

    private func pipeline(partitions: Int) throws -> LayeredPipeline {
        let pipeline = try LayeredPipeline(
            partitions: partitions, sourceSQL: LayeredPipeline.sourceSQL + Self.tables, views: Self.views)
        try pipeline.connection.execute(Self.rows)
        return pipeline
    }

    @Test(arguments: [(seed: UInt64(31), partitions: 1), (seed: 32, partitions: 3)])
    func everyLayerAndTheirMergeEqualPostgreSQL(seed: UInt64, partitions: Int) throws {
        let pipeline = try pipeline(partitions: partitions)
        var traffic = MeasuredTraffic(seed: seed)
        try traffic.produce(700, into: pipeline.log)
        try pipeline.speed()
        try pipeline.expectEqualToOracle("speed, seed \(seed)")
        try pipeline.batch()
        try pipeline.expectEqualToOracle("batch, seed \(seed)")
        for step in 1...2 {
            try traffic.produce(250, into: pipeline.log)
            try pipeline.speed()
            try pipeline.expectEqualToOracle("merged \(step), seed \(seed)")
        }
        let report = try pipeline.batch()
        try pipeline.expectEqualToOracle("second batch, seed \(seed)")
        #expect(report.views.filter { $0.view == "sections" }.allSatisfy { $0.extent == .incremental })
        #expect(report.tables.map(\.table) == ["country", "page_info", "person", "size"] && report.tables.map(\.rows) == [2, 4, 31, 5])
        for drift in report.views.flatMap(\.drift) {
            #expect(drift.differing == 0 && drift.onlyBatch == 0 && drift.onlyMerged == 0, "\(drift), seed \(seed)")
        }
    }

    /// I3: whether a run is incremental or full, its rows are those of the tables as they were at its begin.
    @Test func I3_aChangedTableIsComputedAnewFromTheNextRunOn() throws {
        let pipeline = try pipeline(partitions: 2)
        var traffic = MeasuredTraffic(seed: 33)
        try traffic.produce(600, into: pipeline.log)
        try pipeline.speed()
        let first = try pipeline.batch()
        #expect(first.tables.first { $0.table == "page_info" }?.generation == first.tables.first { $0.table == "person" }?.generation)

        try pipeline.connection.execute(
            "UPDATE dimension.page_info SET section = 'renamed' WHERE page = '/1'; DELETE FROM dimension.page_info WHERE page = '/2'")
        try traffic.produce(200, into: pipeline.log)
        try pipeline.speed()
        // Rows of the published run keep the old table, live ones have the new.
        let live = try pipeline.rows(
            "SELECT section, sum(n) > 0 FROM serving.sections WHERE section IN ('shop', 'renamed') GROUP BY section")
        #expect(live == ["renamed|t", "shop|t"])

        let second = try pipeline.batch()
        try pipeline.expectEqualToOracle("after the change")
        let extents = Dictionary(uniqueKeysWithValues: second.views.map { ($0.view, $0.extent) })
        #expect(
            extents == [
                "sections": .tableChanged, "all_sections": .tableChanged, "countries": .incremental, "sizes": .incremental,
                "plain": .incremental,
            ])
        // What the change did to the live rows is in the drift.
        #expect(second.views.filter { $0.view == "sections" }.flatMap(\.drift).contains { $0.differing + $0.onlyMerged + $0.onlyBatch > 0 })
        #expect(second.views.filter { $0.view == "plain" }.flatMap(\.drift).allSatisfy { $0.differing + $0.onlyMerged + $0.onlyBatch == 0 })
        #expect(try pipeline.batch(full: true).views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 })
        // Nothing has changed since: incremental again.
        #expect(try pipeline.batch().views.filter { $0.view == "sections" }.allSatisfy { $0.extent == .incremental })

        // Back to the first publication, whose tables are gone: the next run computes anew.
        try traffic.produce(50, into: pipeline.log)
        try pipeline.speed()
        try Catalog(pipeline.connection).revert(
            source: try Catalog(pipeline.connection).source(named: "page_view"), to: RunNumber(second.run)
        ) { _ in }
        #expect(try pipeline.batch().views.filter { $0.view == "sections" }.allSatisfy { $0.extent == .incremental })
        try pipeline.expectEqualToOracle("after the revert")
    }

    /// I3: statements that fire no trigger, and change which values the views' columns have, or may have.
    @Test func I3_whatFiresNoTriggerIsAChangeAllTheSame() throws {
        let pipeline = try pipeline(partitions: 1)
        var traffic = MeasuredTraffic(seed: 35)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.batch()
        let id = try pipeline.rows("SELECT dimension_id FROM parallax.dimension WHERE name = 'page_info'")[0]
        let table = "dimension.page_info"
        let steps: [(statements: String, changes: Bool)] = [
            ("ALTER TABLE \(table) ALTER section TYPE text COLLATE \"C\" USING upper(section)", true),
            // Another column under the same name, of the same type.
            (
                """
                ALTER TABLE \(table) ADD COLUMN spare text COLLATE "C" DEFAULT 'x'; ALTER TABLE \(table) RENAME section TO was;
                ALTER TABLE \(table) RENAME spare TO section; ALTER TABLE \(table) RENAME was TO spare
                """, true
            ),
            (
                """
                ALTER TABLE \(table) DISABLE TRIGGER parallax_dimension; UPDATE \(table) SET section = page;
                ALTER TABLE \(table) ENABLE ALWAYS TRIGGER parallax_dimension
                """, true
            ),
            // What a restore does: the rows first, then the trigger.
            (
                """
                CREATE TABLE saved AS SELECT * FROM \(table); DROP TABLE \(table);
                CREATE TABLE \(table) (page text COLLATE "C" PRIMARY KEY, section text COLLATE "C", weight numeric(6,3));
                INSERT INTO \(table) SELECT page, 'restored', weight FROM saved; DROP TABLE saved;
                CREATE TRIGGER parallax_dimension AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON \(table) FOR EACH STATEMENT
                EXECUTE FUNCTION parallax.note_dimension_change('\(id)'); ALTER TABLE \(table) ENABLE ALWAYS TRIGGER parallax_dimension
                """, true
            ),
            ("ALTER TABLE \(table) ALTER section SET DEFAULT 'none'; ALTER TABLE \(table) ADD COLUMN note text", false),
            ("TRUNCATE \(table); INSERT INTO \(table) VALUES ('/0', 'anew', 1)", true),
            // No value changes; that it may have is enough.
            ("VACUUM FULL \(table)", true),
        ]
        for (number, step) in steps.enumerated() {
            for statement in step.statements.split(separator: ";\n").flatMap({ $0.split(separator: "; ") }) {
                try pipeline.connection.execute(String(statement))
            }
            try traffic.produce(5, into: pipeline.log)
            let report = try pipeline.batch()
            for view in report.views where ["sections", "all_sections"].contains(view.view) {
                #expect((view.extent == .tableChanged) == step.changes, "step \(number): \(view)")
            }
            try pipeline.expectEqualToOracle("step \(number)")
            let full = try pipeline.batch(full: true)
            #expect(full.views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 }, "step \(number): \(full.text)")
        }
    }

    /// I7: a table that somebody emptied takes the rows of an inner join with it.
    @Test func I7_aRunThatTakesMostAwayIsHeld() throws {
        let pipeline = try pipeline(partitions: 1)
        var traffic = MeasuredTraffic(seed: 36)
        try traffic.produce(300, into: pipeline.log)
        try pipeline.batch()
        let rows = try pipeline.rows("SELECT * FROM serving.sections")
        try pipeline.connection.execute("CREATE TABLE saved AS SELECT * FROM dimension.page_info; DELETE FROM dimension.page_info")
        let held = try pipeline.batch()
        #expect(
            held.held.count == 1 && held.held[0].hasPrefix("view sections: \(rows.count) of \(rows.count) rows would go"), "\(held.held)")
        #expect(try pipeline.rows("SELECT * FROM serving.sections") == rows)
        _ = try Catalog(pipeline.connection).discardHeld(RunNumber(held.run))
        try pipeline.connection.execute("INSERT INTO dimension.page_info SELECT * FROM saved")
        #expect(try pipeline.batch().held.isEmpty)
        #expect(try pipeline.rows("SELECT * FROM serving.sections") == rows)
        try pipeline.expectEqualToOracle("after the table came back")
    }

    @Test func whatCannotBeReadStopsTheLayersAndLosesNothing() throws {
        let pipeline = try pipeline(partitions: 1)
        var traffic = MeasuredTraffic(seed: 34)
        try traffic.produce(300, into: pipeline.log)
        let catalog = Catalog(pipeline.connection)
        let troubles = [
            (
                "lost its trigger", "ALTER TABLE dimension.person DISABLE TRIGGER USER",
                "ALTER TABLE dimension.person ENABLE ALWAYS TRIGGER parallax_dimension"
            ),
            (
                "has no column \"section\"", "ALTER TABLE dimension.page_info RENAME section TO part",
                "ALTER TABLE dimension.page_info RENAME part TO section"
            ),
            ("was dropped", "ALTER TABLE shop.size RENAME TO hidden", "ALTER TABLE shop.hidden RENAME TO size"),
            (
                "column \"since\"", "UPDATE dimension.person SET since = 'infinity' WHERE visitor = 'v7'",
                "UPDATE dimension.person SET since = now() WHERE visitor = 'v7'"
            ),
            (
                "several rows with (quantity) = (1)",
                "ALTER TABLE shop.size DROP CONSTRAINT size_quantity_key; INSERT INTO shop.size VALUES (1, 'again')",
                "DELETE FROM shop.size WHERE label = 'again'"
            ),
            // PostgreSQL's int[] takes arrays of more dimensions.
            (
                "column \"codes\"", "UPDATE shop.size SET codes = '{{1,2},{3,4}}' WHERE label = 'one'",
                "UPDATE shop.size SET codes = '{3,4,5}' WHERE label = 'one'"
            ),
        ]
        for (number, trouble) in troubles.enumerated() {
            let (message, change, undo) = trouble
            try pipeline.connection.execute(change)
            let live = #expect(throws: ParallaxError.self) { try pipeline.speed() }
            #expect(live?.message.contains(message) == true, "\(String(describing: live))")
            #expect(try catalog.dimensions().contains { $0.problem?.contains(message) == true })
            let run = #expect(throws: ParallaxError.self) { try pipeline.batch() }
            #expect(run?.message.contains(message) == true, "\(String(describing: run))")
            // What can be seen before the cut is asked for costs the speed layer nothing.
            if number < 3 { #expect(try catalog.positions(source: SourceID(1)).values.allSatisfy { $0 == .zero }) }
            try pipeline.connection.execute(undo)
        }
        try pipeline.batch()
        try pipeline.expectEqualToOracle("after all that")
        try traffic.produce(100, into: pipeline.log)
        try pipeline.speed()
        try pipeline.expectEqualToOracle("and live")
        #expect(try catalog.dimensions().allSatisfy { $0.problem == nil && $0.loaded != nil })
    }

    /// A user's table loses a column that a served version reads. The live rows wait, and say which view, table and column; definitions that do without it
    /// are published by the next run, which leaves the old version out; nothing is lost, and nothing was counted twice (I1).
    @Test func I1_aServedVersionThatCannotBeComputedGivesWayToTheNext() throws {
        let before = "SELECT label, count(*) AS n FROM page_view LEFT JOIN shop.size s ON s.quantity = page_view.quantity GROUP BY label"
        let after = "SELECT color, count(*) AS n FROM page_view LEFT JOIN shop.size s ON s.quantity = page_view.quantity GROUP BY color"
        let plain = View("plain", "SELECT page, count(*) AS n FROM page_view GROUP BY page")
        func definitions(_ select: String, _ column: String) throws -> Definitions {
            let text =
                LayeredPipeline.sourceSQL + "CREATE TABLE IF NOT EXISTS shop.size (quantity int UNIQUE, \(column) text);"
                + "CREATE MATERIALIZED VIEW sizes AS \(select); CREATE MATERIALIZED VIEW plain AS \(plain.select);"
            let compilation = compile([SQLFile(path: "v.sql", text: text)])
            return try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered))")
        }
        let old = try definitions(before, "label")
        let new = try definitions(after, "color")
        let pipeline = try LayeredPipeline(partitions: 2, definitions: old, views: [View("sizes", before), plain])
        try pipeline.connection.execute("INSERT INTO shop.size VALUES (1, 'one'), (2, 'two')")
        let catalog = Catalog(pipeline.connection)
        func apply(_ definitions: Definitions) throws(ParallaxError) {
            try catalog.apply(definitions, partitions: ["page_view": 2]) { (connection) throws(ParallaxError) in
                if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
            }
        }
        func processed() throws -> Int64 {
            try pipeline.connection.query("SELECT sum(next_offset)::bigint FROM parallax.partition_position").rows[0].int(0)
        }
        func logged() throws -> Int64 {
            try (0..<2).reduce(0) { $0 + (try pipeline.log.bounds(of: Partition($1)).upperBound.rawValue) }
        }
        var traffic = MeasuredTraffic(seed: 36)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        try pipeline.expectEqualToOracle("before")
        let first = try logged()

        let worker = pipeline.worker()
        let running = OwnThread { try worker.work(.untilStopped) }
        defer { worker.stop() }
        try pipeline.connection.execute("ALTER TABLE shop.size RENAME label TO color; INSERT INTO shop.size VALUES (3, 'three')")
        let problem = #"table "size" has no column "label", which view "sizes" reads"#
        #expect(
            try becomesTrue {
                try pipeline.rows("SELECT problem FROM parallax.dimension").first?.hasPrefix(problem + "\nHINT:  put back what is missing")
                    == true
            })
        try traffic.produce(200, into: pipeline.log)
        // The definitions of before are refused by name; a run, too. Those of after are shown with what they mend.
        let refused = #expect(throws: ParallaxError.self) { _ = try catalog.planApply(old) }
        #expect(
            refused?.detail?.contains(#""shop"."size" has no column "label""#) == true
                && refused?.detail?.contains("joined by sizes") == true)
        let run = #expect(throws: ParallaxError.self) { try pipeline.batch() }
        #expect(run?.message == problem)
        let plan = try catalog.planApply(new)
        #expect(plan.troubles.map(\.error.message) == [problem] && plan.troubles.map(\.views) == [["sizes"]])
        try apply(new)
        #expect(try processed() == first)

        // Taken back while the run that left the old version out is about to publish: it is not published.
        let stale = #expect(throws: ParallaxError.self) {
            try pipeline.batch { (progress) throws(ParallaxError) in
                guard progress.phase == .publishing else { return }
                try pipeline.connection.execute("ALTER TABLE shop.size RENAME color TO label")
                try apply(old)
            }
        }
        #expect(stale?.code == .busy && stale?.detail == "views: sizes", "\(String(describing: stale))")
        #expect(try becomesTrue { try processed() == logged() })
        try pipeline.batch()
        try pipeline.expectEqualToOracle("as it was")

        // Once more, and to the end.
        try pipeline.connection.execute(
            "ALTER TABLE shop.size RENAME label TO color; UPDATE shop.size SET color = 'uno' WHERE quantity = 1")
        #expect(try becomesTrue { try pipeline.rows("SELECT problem IS NOT NULL FROM parallax.dimension") == ["t"] })
        try apply(new)
        try traffic.produce(200, into: pipeline.log)
        let published = try pipeline.batch()
        #expect(published.views.map(\.view) == ["plain", "sizes"])
        #expect(try becomesTrue { try processed() == logged() })
        let oracle = try pipeline.oracle()
        let found = difference(try pipeline.rows("SELECT color, n FROM serving.sizes"), try oracle.rows(after))
        #expect(found == nil, "\(found ?? "")")
        try pipeline.expectEqualToOracle("after", only: ["plain"])
        #expect(try catalog.dimensionTroubles().isEmpty && catalog.dimensions().allSatisfy { $0.problem == nil })
        worker.stop()
        try running.join()
    }

    @Test func aTableThatIsTooLargeIsAnErrorAndNoShorterTable() throws {
        let pipeline = try pipeline(partitions: 1)
        let demand = [DimensionDemand].init(DimensionDemand.of(pipeline.definitions.views.map(\.plan)))
        let catalog = Catalog(pipeline.connection)
        var limits = DimensionLimits()
        limits.rowsPerTable = 30
        let rows = #expect(throws: ParallaxError.self) { _ = try catalog.readDimensions(demand, limits: limits) }
        #expect(rows?.code == .limit && rows?.message == "table \"person\" has more than 30 rows, which lookup.max_rows allows")
        limits = DimensionLimits()
        limits.bytesPerTable = 60
        let bytes = #expect(throws: ParallaxError.self) { _ = try catalog.readDimensions(demand, limits: limits) }
        #expect(bytes?.code == .limit && bytes?.message.contains("lookup.max_bytes") == true)
        limits.bytesPerTable = 10_000
        limits.rowsPerTable = 31
        #expect(try catalog.readDimensions(demand, limits: limits).tables.map(\.rowCount) == [2, 4, 31, 5])
    }

    /// A worker that runs on takes the new version by itself.
    @Test func aRunningWorkerFollowsAChange() throws {
        let pipeline = try pipeline(partitions: 1)
        let worker = pipeline.worker()
        let running = OwnThread { try worker.work(.untilStopped) }
        func appears(_ condition: String) throws -> Bool {
            try becomesTrue { try pipeline.connection.query("SELECT \(condition)").rows[0].bool(0) == true }
        }
        var traffic = MeasuredTraffic(seed: 35)
        try traffic.produce(100, into: pipeline.log)
        #expect(try appears("EXISTS (SELECT FROM serving.all_sections WHERE section = 'home')"))
        try pipeline.connection.execute(
            "BEGIN; UPDATE dimension.page_info SET section = 'late'; UPDATE dimension.page_info SET weight = 1; COMMIT")
        let generation = try Catalog(pipeline.connection).dimensions().first { $0.name == "page_info" }?.version.generation ?? 0
        #expect(try appears("(SELECT loaded_generation FROM parallax.dimension WHERE name = 'page_info') = \(generation)"))
        try traffic.produce(100, into: pipeline.log)
        #expect(try appears("EXISTS (SELECT FROM serving.all_sections WHERE section = 'late')"))
        // While the table cannot be read nothing is: then everything is there, counted with the table as it is.
        try pipeline.connection.execute(
            "ALTER TABLE dimension.page_info RENAME section TO part; INSERT INTO dimension.page_info (page) VALUES ('x')")
        #expect(try appears("EXISTS (SELECT FROM parallax.dimension WHERE problem LIKE '%section%')"))
        try traffic.produce(100, into: pipeline.log)
        try pipeline.connection.execute("ALTER TABLE dimension.page_info RENAME part TO section")
        let records = try pipeline.log.bounds(of: Partition(0)).upperBound
        #expect(try appears("(SELECT next_offset FROM parallax.partition_position) = \(records)"))
        #expect(try appears("(SELECT sum(n) FROM serving.all_sections) = 300"))
        #expect(try Catalog(pipeline.connection).dimensions().allSatisfy { $0.problem == nil })
        worker.stop()
        try running.join()
    }
}
