import Catalog
import Columns
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import ServingViews

/// What a roll-up refuses, and its function beside the view. What its rows are is compared with PostgreSQL in the end-to-end suite of the same name.
@Suite struct RollUpTests {
    typealias Kind = Plan.Window.Kind
    static let minute: Int64 = 60_000_000
    static let hour: Int64 = 3_600_000_000

    private func version(_ kind: Kind?, having: Finisher? = nil) -> ViewVersion {
        var plan = Fixture.plan(window: kind != nil)
        if let kind { plan.window = .init(name: "minute", kind: kind) }
        plan.having = having
        return ViewVersion(future: ViewDefinition(name: "traffic", plan: plan, selectText: "", version: "1"))
    }

    private func refusal(_ rollUp: RollUp, _ version: ViewVersion) -> ParallaxError? {
        do { _ = try rollUp.statement(over: version) } catch { return error }
        return nil
    }

    struct Fit: Sendable {
        var kind: Kind?
        var bucket: RollUp.Bucket
        /// Of the refusal.
        var words: String
        init(_ kind: Kind?, _ bucket: RollUp.Bucket, _ words: String = "") {
            self.kind = kind
            self.bucket = bucket
            self.words = words
        }
    }
    static let minutes = Kind.tumbling(size: minute, origin: 0)
    static let hours = Kind.tumbling(size: hour, origin: 0)
    static let weeks = Kind.tumbling(size: 168 * hour, origin: 0)
    static let everyMinute = Kind.hopping(slide: minute, size: 5 * minute, origin: 0)
    static let uneven = Kind.hopping(slide: 2 * minute, size: 5 * minute, origin: 0)
    static let sessions = Kind.session(gap: minute)
    static let newYork = Kind.calendar(unit: .day, zone: "America/New_York")

    static let refused: [Fit] = [
        Fit(minutes, .length(microseconds: 90_000_000), "multiple of 1 minute"),
        Fit(minutes, .length(microseconds: 0), "multiple of 1 minute"),
        Fit(minutes, .length(microseconds: 3_456_000_000_000_000), "36600 days"),
        Fit(hours, .calendar(.day, zone: "Asia/Kolkata"), "would cut its windows of 1 hour"),
        Fit(weeks, .calendar(.day), "would cut its windows of 7 days"), Fit(weeks, .calendar(.week), "would cut"),
        Fit(minutes, .calendar(.day, zone: "Nowhere/City"), "not recognized"),
        Fit(everyMinute, .length(microseconds: 180_000_000), "multiple of 5 minutes"),
        Fit(uneven, .length(microseconds: 600_000_000), "overlap"),
        Fit(uneven, .range, "overlap"), Fit(sessions, .length(microseconds: hour), "sessions do not fit"),
        Fit(sessions, .range, "sessions do not fit"), Fit(newYork, .length(microseconds: 48 * hour), "no one length"),
        Fit(newYork, .calendar(.week, zone: "UTC"), "those of America/New_York"),
        Fit(.calendar(unit: .week, zone: "America/New_York"), .calendar(.month), "a month would cut"),
        Fit(.calendar(unit: .month, zone: "UTC"), .calendar(.week), "a week would cut"),
        Fit(nil, .length(microseconds: hour), "no windows"),
    ]

    /// A bucket that would cut a window, or a window that has no bucket.
    @Test(arguments: refused) func bucketsThatCutWindowsAreRefused(_ fit: Fit) {
        let error = refusal(RollUp(bucket: fit.bucket), version(fit.kind))
        #expect(error?.code == .input && error?.hint != nil)
        let words = error?.description ?? "nothing is refused"
        #expect(words.contains(fit.words), "\(words)")
    }

    static let taken: [Fit] = [
        Fit(.tumbling(size: minute, origin: 30_000_000), .length(microseconds: hour)),
        Fit(hours, .calendar(.month, zone: "America/New_York")),
        Fit(.tumbling(size: 1_800_000_000, origin: 0), .calendar(.day, zone: "Asia/Kolkata")),
        Fit(.tumbling(size: 168 * hour, origin: 96 * hour), .calendar(.week)), Fit(everyMinute, .length(microseconds: 600_000_000)),
        Fit(.hopping(slide: 300_000_000, size: minute, origin: 0), .length(microseconds: 600_000_000)), Fit(newYork, .calendar(.week)),
        Fit(.calendar(unit: .month, zone: "UTC"), .calendar(.year)), Fit(sessions, .window), Fit(nil, .window), Fit(nil, .range),
    ]

    @Test(arguments: taken) func bucketsThatWindowsFitIntoAreTaken(_ fit: Fit) {
        #expect(refusal(RollUp(bucket: fit.bucket, groups: []), version(fit.kind)) == nil)
    }

    @Test func whatTheViewDoesNotHaveIsRefused() {
        let plain = version(.tumbling(size: Self.minute, origin: 0))
        let start = Instant(microseconds: 0)
        let asked: [(RollUp, ViewVersion, String)] = [
            (RollUp(groups: ["pages"]), plain, "they are: page"),
            (RollUp(outputs: ["nothing"]), plain, "its columns are: minute, page, views"),
            (RollUp(filters: [.init("views", in: ["1"])]), plain, "none of its group columns"),
            (RollUp(filters: [.init("page", in: [])]), plain, "no values"), (RollUp(groups: [], outputs: ["page"]), plain, "left out"),
            (RollUp(bucket: .range, outputs: ["minute"]), plain, "left out"),
            (RollUp(from: start, until: start), plain, "before it begins"),
            (RollUp(from: start), version(nil), "a range means nothing"), (RollUp(top: .init(0, by: "views")), plain, "is none"),
            (RollUp(top: .init(3, by: "page")), plain, "no measure"),
            (RollUp(groups: [], top: .init(3, by: "views")), plain, "needs groups"),
            (RollUp(top: .init(3, by: "views")), version(.session(gap: 1)), "sessions of one group"),
            (RollUp(compare: CalendarInterval(microseconds: 90_000_000)), plain, "multiple of 60 seconds"),
            (RollUp(compare: CalendarInterval(days: -7)), plain, "positive"),
            (RollUp(compare: CalendarInterval(months: 1)), plain, "without months"),
            (RollUp(bucket: .range, compare: CalendarInterval(days: 7)), plain, "needs a range"),
            (RollUp(bucket: .calendar(.month), compare: CalendarInterval(days: 30)), plain, "whole months"),
            (RollUp(compare: CalendarInterval(days: 7)), version(nil), "stand still"),
            (
                RollUp(groups: []),
                version(.tumbling(size: Self.minute, origin: 0), having: Finisher(parts: [.group(0), .text(" IS NULL")])), "HAVING"
            ),
        ]
        for (rollUp, version, words) in asked {
            let error = refusal(rollUp, version)
            #expect(error?.code == .input && error?.description.contains(words) == true, "\(rollUp): \(String(describing: error))")
        }
    }

    /// The groups of the whole range are chosen where all windows are one: by nothing that reads a window.
    @Test func aTopOfTheRangeReadsNoWindow() throws {
        var plain = version(Self.minutes)
        let reads: [Finisher.Part] = [.measure(0), .text(" + extract(hour FROM "), .windowStart, .text(")")]
        plain.plan.outputs.append(.init(name: "odd", value: .finished(Finisher(parts: reads))))
        let filtered = version(Self.minutes, having: Finisher(parts: [.windowStart, .text(" IS NOT NULL")]))
        for (version, output) in [(plain, "odd"), (filtered, "views")] {
            #expect(refusal(RollUp(top: .init(3, by: output)), version) == nil)
            let error = refusal(RollUp(top: .init(3, by: output, scope: .range)), version)
            #expect(error?.code == .input && error?.description.contains("the whole range is none") == true, "\(String(describing: error))")
        }
    }

    @Test func bucketsAreReadAsPeopleWriteThem() throws {
        let read: [(String, String?, RollUp.Bucket)] = [
            ("1h", nil, .length(microseconds: Self.hour)), ("15 minutes", nil, .length(microseconds: 15 * Self.minute)),
            ("1d", nil, .length(microseconds: 24 * Self.hour)), ("1 day", "Europe/Berlin", .calendar(.day, zone: "Europe/Berlin")),
            ("7 days", "UTC", .calendar(.week, zone: "UTC")), ("week", nil, .calendar(.week)), ("1 month", nil, .calendar(.month)),
            ("3 months", nil, .calendar(.quarter)), ("1 year", nil, .calendar(.year)), ("window", nil, .window), ("all", nil, .range),
        ]
        for (text, zone, bucket) in read { #expect(try RollUp.Bucket(text, zone: zone) == bucket, "\(text)") }
        for (text, zone) in [
            ("soon", nil), ("0", nil), ("-1h", nil), ("2 months", nil), ("1h", "UTC"), ("30 days", "UTC"), ("all", "UTC"),
            ("window", "UTC"),
        ] as [(String, String?)] {
            let error = #expect(throws: ParallaxError.self, "\(text)") { try RollUp.Bucket(text, zone: zone) }
            #expect(error?.code == .input)
        }
    }

    /// Columns say what they are; a name that the view has itself is not taken twice; parameters begin where the caller says.
    @Test func columnsAndParametersAreTold() throws {
        var version = version(.tumbling(size: Self.minute, origin: 0))
        version.plan.outputs.append(.init(name: "visitors_error", value: .measure(0)))
        let rollUp = RollUp(
            bucket: .length(microseconds: Self.hour), from: Instant(microseconds: 5), filters: [.init("page", in: ["/a", nil])],
            outputs: ["visitors", "page", "visitors_error"], compare: CalendarInterval(days: 7))
        let statement = try rollUp.statement(over: version, parametersBefore: 2)
        #expect(
            statement.columns.map(\.name) == [
                "page", "visitors", "visitors_error", "is_exact", "is_closed", "visitors_error_", "visitors_before",
                "visitors_error_before",
                "is_exact_before", "visitors_error_before_",
            ])
        #expect(statement.columns[1].isApproximate && statement.columns[1].sqlType == "bigint" && !statement.columns[2].isApproximate)
        #expect(statement.columns[5].role == .error(of: "visitors", .standardError))
        #expect(statement.parameters == [.int(5), .texts(["/a"])])
        #expect(statement.text.contains("$3") && statement.text.contains("$4") && !statement.text.contains("$1::"))
    }

    // The function.

    private func filled(_ fixture: Fixture) throws -> CatalogRun {
        let tables = try fixture.tables("traffic")
        return try fixture.publish { run in
            try fixture.connection.execute(
                """
                INSERT INTO \(tables.batchTable) (from_run, window_start, g0, m0_n, m1_s)
                SELECT \(run.number), '2026-01-01Z'::timestamptz + m * interval '1 minute', '/page/' || p, 1, 0.5
                FROM generate_series(0, 999) m, generate_series(0, 99) p
                """)
        }
    }

    private func live(_ fixture: Fixture, _ run: CatalogRun) throws {
        let tables = try fixture.tables("traffic")
        let version = try fixture.version("traffic")
        try fixture.connection.execute(
            """
            INSERT INTO \(tables.speedTable) (slice, window_start, g0, m0_n, m1_s)
            SELECT \(run.slice), '2026-01-01 16:00Z'::timestamptz + m * interval '1 minute', '/page/' || p, 1, 0.25
            FROM generate_series(0, 59) m, generate_series(0, 99) p;
            INSERT INTO parallax.touched_window SELECT DISTINCT \(version.id), window_start, slice FROM \(tables.speedTable);
            ANALYZE
            """)
    }

    /// The range reaches the indexes of both layers, also in a plan that knows no arguments.
    @Test func rangesReachTheIndexesOfBothLayers() throws {
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0, 2]))])
        try live(fixture, try filled(fixture))
        let call = "FROM serving.traffic_rollup('1 hour', '{}', '2026-01-01 15:00Z', '2026-01-01 17:00Z')"
        #expect(
            try fixture.rows("SELECT minute, page, views, revenue, is_exact, is_closed \(call) ORDER BY 1") == [
                "2026-01-01 15:00:00+00|null|6000|3000.0|t|f", "2026-01-01 16:00:00+00|null|10000|3500.00|t|f",
            ])
        let version = try fixture.version("traffic")
        let body = RollUpFunction(version).definition(["minute": "timestamptz", "page": "text", "views": "bigint", "revenue": "numeric"])
            .text
        try fixture.connection.execute("SET plan_cache_mode = force_generic_plan")
        try fixture.connection.execute("PREPARE body (interval, text[], timestamptz, timestamptz, text[], text) AS \(body)")
        let generic = try fixture.rows(
            "EXPLAIN EXECUTE body ('1 hour', '{}', '2026-01-01 15:00Z', '2026-01-01 17:00Z', NULL, NULL)")
        let rollUp = RollUp(
            bucket: .length(microseconds: Self.hour), groups: [], from: Instant(microseconds: 1_767_279_600_000_000),
            until: Instant(microseconds: 1_767_286_800_000_000))
        let statement = try rollUp.statement(over: version)
        let known = try fixture.connection.query("EXPLAIN \(statement.text)", statement.parameters).rows.compactMap { $0[0] }
        for (plan, name) in [(generic, "function"), (known, "statement")] {
            let text = plan.joined(separator: "\n")
            #expect(!text.contains("Seq Scan on \(version.stateTable)"), "\(name):\n\(text)")
            #expect(
                text.contains(" b") && text.contains(" s") && (text.contains("Index Scan") || text.contains("Bitmap")), "\(name):\n\(text)")
        }
    }

    /// Other people's driver binds all arguments: an interval, arrays, instants.
    @Test(.enabled(if: Python.psycopgTrouble == nil, "\(Python.psycopgTrouble ?? "")")) func psycopgCallsItWithParameters() throws {
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0, 2]))])
        try live(fixture, try filled(fixture))
        let script = """
            import sys, psycopg
            from datetime import datetime, timedelta, timezone
            begin = datetime(2026, 1, 1, 15, tzinfo=timezone.utc)
            with psycopg.connect(sys.argv[1]) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                for arguments in ((timedelta(hours=1), [], begin, begin + timedelta(hours=2), ["minute", "views"], None),
                                  (timedelta(days=1), ["page"], None, None, None, "UTC")):
                    rows = connection.execute(
                        'SELECT * FROM serving.traffic_rollup(bucket => %s, groups => %s, "from" => %s, until => %s, outputs => %s, zone => %s) '
                        'ORDER BY minute, page LIMIT 2', arguments).fetchall()
                    for row in rows: print(*row, sep="|")
            """
        #expect(
            try Python.run(script, [fixture.dsn]).split(separator: "\n") == [
                "2026-01-01 15:00:00+00:00|None|6000|None|True|False", "2026-01-01 16:00:00+00:00|None|10000|None|True|False",
                "2026-01-01 00:00:00+00:00|/page/0|1060|515.00|True|False", "2026-01-01 00:00:00+00:00|/page/1|1060|515.00|True|False",
            ])
    }

    /// It comes, changes and goes with its view; what others built on it stays, or is in the way and named.
    @Test func theFunctionStandsBesideItsView() throws {
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0]))])
        _ = try fixture.publish()
        try fixture.connection.execute("CREATE VIEW mine AS SELECT minute, views FROM serving.traffic_rollup('1 hour')")
        // The new version has a column more: the function is made anew, and the view on it with it.
        try fixture.apply([("traffic", Fixture.plan(measures: [0, 2]))], hash: "2")
        _ = try fixture.publish()
        #expect(try fixture.rows("SELECT pg_get_function_result('serving.traffic_rollup'::regproc) LIKE '%revenue numeric%'") == ["t"])
        #expect(try fixture.rows("SELECT count(*) FROM mine") == ["0"])
        // What does not work over the new form is in the way, and the old version is served on.
        try fixture.connection.execute("CREATE MATERIALIZED VIEW kept AS SELECT * FROM serving.traffic_rollup()")
        let source = try fixture.catalog.planApply(Fixture.definitions([("traffic", Fixture.plan(measures: [0, 2, 3]))], [], "3"))
        let obstacles = try ServingViews.obstacles(fixture.connection, source)
        #expect(obstacles.map(\.change) == ["its roll-up function gets other columns"], "\(obstacles)")
        #expect(obstacles.first?.objects.first?.contains("kept") == true)
        // Nothing of others goes with the view.
        let error = #expect(throws: ParallaxError.self) { try fixture.apply([]) }
        #expect(error?.description.contains("kept") == true, "\(String(describing: error))")
        try fixture.connection.execute("DROP MATERIALIZED VIEW kept; DROP VIEW mine")
        try fixture.apply([])
        #expect(try fixture.rows("SELECT count(*) FROM pg_proc WHERE pronamespace = 'serving'::regnamespace") == ["0"])
        #expect(try fixture.rows("SELECT count(*) FROM parallax.serving_function") == ["0"])
    }

    /// A view of the pipeline may call it: it comes with it, is made anew with it, and goes before it.
    @Test func aViewOnTopMayCallTheFunction() throws {
        let total = ("total", Fixture.plan(window: false, groups: false, measures: [0]))
        let days = OverlayDefinition(name: "days", selectText: "SELECT minute, views FROM traffic_rollup('1 day', '{}')", reads: [])
        let fixture = try Fixture([total])
        func views() throws -> [String] {
            try fixture.rows(
                "SELECT viewname FROM pg_views WHERE schemaname = 'serving' AND viewname <> 'comparison_summary' AND viewname NOT LIKE '%\\_changes' ORDER BY 1"
            )
        }
        _ = try fixture.publish()
        try fixture.apply([total, ("traffic", Fixture.plan(measures: [0]))], overlays: [days])
        #expect(try views() == ["total"])
        _ = try fixture.publish()
        #expect(try views() == ["days", "total", "traffic"])
        try fixture.apply([total, ("traffic", Fixture.plan(measures: [0, 2]))], overlays: [days], hash: "2")
        _ = try fixture.publish()
        #expect(try fixture.rows("SELECT * FROM serving.days") == [])
        try fixture.apply([total], hash: "2")
        #expect(try views() == ["total"])
    }

    @Test func aFunctionOfOthersIsNotReplaced() throws {
        let fixture = try Fixture([("total", Fixture.plan(window: false, groups: false, measures: [0]))])
        try fixture.connection.execute(
            """
            CREATE FUNCTION serving.traffic_rollup(interval, text[], timestamptz, timestamptz, text[], text) RETURNS integer LANGUAGE sql AS 'SELECT 7'
            """)
        let wanted = [("total", Fixture.plan(window: false, groups: false, measures: [0])), ("traffic", Fixture.plan(measures: [0]))]
        let plan = try fixture.catalog.planApply(Fixture.definitions(wanted, [], "1"))
        #expect(try ServingViews.obstacles(fixture.connection, plan).map(\.change) == ["the place of its roll-up function is taken"])
        let error = #expect(throws: ParallaxError.self) {
            try fixture.apply(wanted)
            _ = try fixture.publish { _ in }
            try fixture.apply(wanted)
        }
        #expect(error?.description.contains("traffic_rollup") == true, "\(String(describing: error))")
        #expect(try fixture.rows("SELECT serving.traffic_rollup(NULL, NULL, NULL, NULL, NULL, NULL)") == ["7"])
    }

    /// Whoever may read the view may call its function, and nobody else; rights follow with the next apply.
    @Test func rightsAreThoseOfTheView() throws {
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0]))])
        let role = "reader_of_\(fixture.dsn.hashValue.magnitude)"
        try fixture.connection.execute("CREATE ROLE \(role); GRANT USAGE ON SCHEMA serving TO \(role)")
        defer { _ = try? fixture.connection.execute("RESET ROLE; DROP OWNED BY \(role); DROP ROLE \(role)") }
        func call() throws -> String? {
            try fixture.connection.execute("SET ROLE \(role)")
            defer { _ = try? fixture.connection.execute("RESET ROLE") }
            do { _ = try fixture.connection.query("SELECT * FROM serving.traffic_rollup('1 hour')") } catch {
                return error.sqlState
            }
            return nil
        }
        #expect(try call() == SQLState.insufficientPrivilege)
        try fixture.connection.execute("GRANT SELECT ON serving.traffic TO \(role)")
        try fixture.apply([("traffic", Fixture.plan(measures: [0]))])
        #expect(try call() == nil)
        try fixture.connection.execute("REVOKE SELECT ON serving.traffic FROM \(role)")
        try fixture.apply([("traffic", Fixture.plan(measures: [0]))])
        #expect(try call() == SQLState.insufficientPrivilege)
    }

    /// I2: over a snapshot from before the version was switched the function ends with the error that merged views end with.
    @Test func I2_aRollUpOverAnOlderSnapshotGetsAnError() throws {
        let fixture = try Fixture([("traffic", Fixture.plan(measures: [0]))])
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        try fixture.apply([("traffic", Fixture.plan(measures: [0, 2]))], hash: "2")
        _ = try fixture.publish()
        let error = #expect(throws: ParallaxError.self) { try reader.query("SELECT count(*) FROM serving.traffic_rollup('1 hour')") }
        #expect(error?.sqlState == SQLState.serializationFailure, "\(String(describing: error))")
    }

    /// I7: late events, records that wait and gaps mark the buckets that they may belong to, and no others; so does retention.
    @Test func I7_bucketsSayWhatTheyLack() throws {
        var plan = Fixture.plan(measures: [0])
        plan.retention = 3 * Self.hour
        let fixture = try Fixture([("traffic", plan)])
        let tables = try fixture.tables("traffic")
        let version = try fixture.version("traffic")
        let run = try fixture.publish { run in
            try fixture.connection.execute(
                """
                INSERT INTO \(tables.batchTable) (from_run, window_start, g0, m0_n)
                SELECT \(run.number), '2026-01-01 00:00Z'::timestamptz + h * interval '1 hour', '/a', 3 FROM generate_series(0, 3) h
                """)
        }
        func exact(_ arguments: String = "'1 hour'") throws -> [String] {
            try fixture.rows("SELECT is_exact FROM serving.traffic_rollup(\(arguments)) ORDER BY minute")
        }
        #expect(try exact() == ["t", "t", "t", "t"])
        // A late event in a window without a row, in the second hour.
        try fixture.connection.execute("INSERT INTO parallax.touched_window VALUES (\(version.id), '2026-01-01 01:30Z', \(run.slice), 1)")
        #expect(try exact() == ["t", "f", "t", "t"])
        #expect(try exact("'1 hour', NULL, NULL, '2026-01-01 01:30Z'") == ["t", "t"])
        #expect(try exact("'0', NULL, '2026-01-01 02:00Z'") == ["t"])
        #expect(try exact("'0'") == ["f"])
        let source = try fixture.catalog.source(named: "page_view").id
        let begin = Int64(1_767_225_600_000_000)
        try fixture.catalog.recordGaps(
            [
                AcceptedGap(
                    partition: Partition(0), offsets: Offset(5)..<Offset(9), acceptedAt: Instant(microseconds: begin),
                    eventsFrom: Instant(microseconds: begin + 2 * Self.hour + 59 * Self.minute),
                    eventsUntil: Instant(microseconds: begin + 3 * Self.hour))
            ], source: source)
        #expect(try exact() == ["t", "f", "f", "t"])
        // The first window of the first hour has left the view by the published watermark; its bucket lacks it.
        try fixture.connection.execute(
            "UPDATE parallax.published SET cut_watermark = '2026-01-01 03:30Z'; DELETE FROM parallax.accepted_gap; DELETE FROM parallax.touched_window"
        )
        #expect(try exact() == ["f", "t", "t", "t"])
        #expect(try exact("'1 hour', NULL, '2026-01-01 00:45Z'") == ["t", "t", "t"])
    }

    /// The errors of arguments that do not fit, with the function's hint.
    @Test func argumentsThatDoNotFitAreErrors() throws {
        let plan = Fixture.plan(measures: [0])
        var days = plan
        days.window = .init(name: "minute", kind: .calendar(unit: .day, zone: "America/New_York"))
        var hours = plan
        hours.window = .init(name: "minute", kind: .tumbling(size: Self.hour, origin: 0))
        let fixture = try Fixture([
            ("traffic", plan), ("days", days), ("hours", hours), ("pages", Fixture.plan(window: false, measures: [0])),
        ])
        let tables = try fixture.tables("hours")
        _ = try fixture.publish { run in
            try fixture.connection.execute(
                "INSERT INTO \(tables.batchTable) (from_run, window_start, g0, m0_n) VALUES (\(run.number), '2026-01-01 18:00Z', '/a', 3)")
        }
        for call in [
            "traffic_rollup('90 seconds')", "traffic_rollup('2 months')", "traffic_rollup('1 hour', zone => 'UTC')",
            "traffic_rollup('-1 hour')",
            "traffic_rollup(groups => '{pages}')", "traffic_rollup(outputs => '{nothing}')", "days_rollup('2 days')",
            "days_rollup('1 month', zone => 'UTC')", "pages_rollup('1 hour')", "pages_rollup(\"from\" => now())",
            "hours_rollup('1 day', zone => 'Asia/Kolkata')", "traffic_rollup('1 day', zone => 'Nowhere/City')",
        ] {
            let error = #expect(throws: ParallaxError.self, "\(call)") { try fixture.rows("SELECT * FROM serving.\(call)") }
            // PostgreSQL's own words have no hint.
            #expect(
                error?.sqlState == SQLState.invalidParameterValue && (error?.hint != nil || call.contains("Nowhere")),
                "\(call): \(String(describing: error))")
        }
        for call in [
            "traffic_rollup()", "traffic_rollup('1 month')", "days_rollup('7 days')", "days_rollup('1 year', zone => 'America/New_York')",
            "pages_rollup(groups => '{}')", "hours_rollup('1 day', zone => 'America/New_York')",
        ] {
            #expect(throws: Never.self, "\(call)") { try fixture.rows("SELECT * FROM serving.\(call)") }
        }
    }
}
