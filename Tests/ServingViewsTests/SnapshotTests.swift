import Catalog
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing
import ViewLanguage

/// PostgreSQL takes a view's text from now and its rows from the snapshot: what a reader with an older snapshot gets when a version has been switched.
@Suite struct SnapshotTests {
    private static let total = ("total", Fixture.plan(window: false, groups: false, measures: [0]))
    private static let changedTotal = ("total", Fixture.plan(window: false, groups: false, measures: [0, 2]))

    /// A view with every shape of merged SQL, before and after a change of its definition.
    private static let shapes: [(before: Plan, after: Plan)] = [
        (Fixture.plan(measures: [0]), Fixture.plan(measures: [0, 2])),
        (Fixture.plan(window: false, measures: [0]), Fixture.plan(window: false, measures: [0, 2])),
        (Fixture.plan(window: false, groups: false, measures: [0]), Fixture.plan(window: false, groups: false, measures: [0, 2])),
        (sessions(measures: [0]), sessions(measures: [0, 2])),
    ]

    private static func sessions(measures: [Int]) -> Plan {
        var plan = Fixture.plan(measures: measures)
        plan.window?.kind = .session(gap: 60_000_000)
        return plan
    }

    private static let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM parallax.published"

    /// Whether it is the error that is promised.
    private static func isSerializationFailure(_ error: ParallaxError?) -> Bool { error?.sqlState == "40001" && error?.hint != nil }

    /// I2: a snapshot from before a switch. The new version's tables were empty then.
    @Test(arguments: shapes.indices) func I2_aSnapshotFromBeforeASwitchGetsAnError(shape: Int) throws {
        let (before, after) = Self.shapes[shape]
        let fixture = try Fixture([("v", before)])
        _ = try fixture.publish()
        for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
            let reader = try Connection(fixture.dsn)
            defer { reader.close() }
            try reader.execute("BEGIN ISOLATION LEVEL \(isolation); SELECT FROM parallax.published")
            let isChanged = isolation == "SERIALIZABLE"
            try fixture.apply([("v", isChanged ? before : after)], hash: isChanged ? "1" : "2")
            // The new version waits: the old one is served on.
            try reader.execute("SAVEPOINT waiting; SELECT count(*) FROM serving.v; ROLLBACK TO SAVEPOINT waiting")
            _ = try fixture.publish()
            for sql in [
                "SELECT * FROM serving.v", "SELECT count(*) FROM serving.v", "SELECT * FROM serving.v ORDER BY views DESC LIMIT 1",
                "SELECT FROM serving.v WHERE views = 17",
            ] {
                try reader.execute("SAVEPOINT ask")
                let error = #expect(throws: ParallaxError.self) { try reader.query(sql) }
                #expect(Self.isSerializationFailure(error), "\(isolation), \(sql): \(String(describing: error))")
                #expect(error?.message.contains("\"v\"") == true)
                try reader.execute("ROLLBACK TO SAVEPOINT ask")
            }
            try reader.execute("ROLLBACK; SELECT * FROM serving.v")
        }
    }

    /// I2: a view that is dropped and made anew has another number; one that is new has none in the snapshot.
    @Test func I2_aViewThatIsMadeAnewIsNotServedToOlderSnapshots() throws {
        let fixture = try Fixture([("v", Self.shapes[0].before), Self.total])
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute(Self.begin)
        try fixture.apply([Self.total])
        try fixture.apply([Self.total, ("v", Self.shapes[0].before), ("w", Self.shapes[0].before)])
        _ = try fixture.publish()
        for view in ["v", "w"] {
            try reader.execute("SAVEPOINT ask")
            let error = #expect(throws: ParallaxError.self) { try reader.query("SELECT * FROM serving.\(view)") }
            #expect(Self.isSerializationFailure(error), "\(view): \(String(describing: error))")
            try reader.execute("ROLLBACK TO SAVEPOINT ask")
        }
        #expect(try reader.query("SELECT views FROM serving.total").rows.map { $0[0] } == ["0"])
    }

    @Test func I2_aPromotedVersionIsNotServedToOlderSnapshots() throws {
        let fixture = try Fixture([Self.total])
        _ = try fixture.publish()
        try fixture.apply([Self.changedTotal], hash: "2", holding: true)
        _ = try fixture.publish()
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute(Self.begin)
        _ = try fixture.catalog.promote(view: "total") { connection throws(ParallaxError) in _ = try ServingViews.refresh(connection) }
        let error = #expect(throws: ParallaxError.self) { try reader.query("SELECT * FROM serving.total") }
        #expect(Self.isSerializationFailure(error), "\(String(describing: error))")
    }

    /// I2: READ COMMITTED takes a snapshot a statement; a STABLE function's own statements see that of the statement that called it.
    @Test(arguments: ["sql", "plpgsql"]) func I2_aStableFunctionThatAWaitingStatementCallsGetsAnError(language: String) throws {
        let fixture = try Fixture([Self.total])
        _ = try fixture.publish()
        let body = language == "sql" ? "SELECT views FROM serving.total" : "BEGIN RETURN (SELECT views FROM serving.total); END"
        // PostgreSQL looks nothing up for a statement in dynamic SQL, and locks nothing, before it runs.
        try fixture.connection.execute(
            """
            CREATE FUNCTION stand_at(place integer) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(place); END $$;
            CREATE FUNCTION ask() RETURNS bigint STABLE LANGUAGE \(language) SET work_mem = '4MB' AS $$ \(body) $$;
            SELECT pg_advisory_lock(77)
            """)
        let dsn = fixture.dsn
        let reader = OwnThread<String?> {
            let connection = try Connection(dsn, applicationName: "reader")
            defer { connection.close() }
            return try connection.query("SELECT stand_at(77), ask()").rows[0][1]
        }
        let deadline = ContinuousClock.now + .seconds(60)
        while try fixture.rows(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reader' AND wait_event = 'advisory' AND datname = current_database()"
        )
            != ["1"]
        {
            try #require(ContinuousClock.now < deadline, "the reader does not wait")
        }
        try fixture.apply([Self.changedTotal], hash: "2")
        _ = try fixture.publish()
        try fixture.connection.execute("SELECT pg_advisory_unlock(77)")
        let error = #expect(throws: ParallaxError.self) { _ = try reader.join() }
        #expect(Self.isSerializationFailure(error), "\(String(describing: error))")
    }

    /// Statements that were planned before the switch are planned anew after it; at READ COMMITTED they see the new version.
    @Test func preparedStatementsFollowTheSwitch() throws {
        let fixture = try Fixture([Self.total])
        _ = try fixture.publish()
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute("SET plan_cache_mode = force_generic_plan; PREPARE ask AS SELECT views FROM serving.total; EXECUTE ask")
        try fixture.apply([Self.changedTotal], hash: "2")
        _ = try fixture.publish()
        #expect(try reader.query("EXECUTE ask").rows.map { $0[0] } == ["0"])
        try reader.execute(Self.begin)
        try fixture.apply([Self.total], hash: "3")
        _ = try fixture.publish()
        let error = #expect(throws: ParallaxError.self) { try reader.query("EXECUTE ask") }
        #expect(Self.isSerializationFailure(error), "\(String(describing: error))")
    }

    /// An open cursor holds its view: the switch waits for it, and its rows are those of its own snapshot.
    @Test func aCursorKeepsItsVersion() throws {
        let fixture = try Fixture([Self.total])
        _ = try fixture.publish()
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute("BEGIN; DECLARE rows CURSOR FOR SELECT views FROM serving.total")
        try fixture.apply([Self.changedTotal], hash: "2")
        let source = try fixture.catalog.source(named: "page_view")
        fixture.patience.tries = 1
        let error = #expect(throws: ParallaxError.self) { try fixture.publish() }
        #expect(error?.code == .busy, "\(String(describing: error))")
        #expect(try reader.query("FETCH rows").rows.map { $0[0] } == ["0"])
        #expect(try fixture.catalog.versions(ofSource: source.id).first(where: \.isActive)?.hash == "total1")
    }

    /// The question is one look into an index, before any row; no predicate stops at it.
    @Test func theQuestionIsAskedOnceAStatement() throws {
        let fixture = try Fixture(Self.shapes.enumerated().map { ("v\($0)", $1.before) })
        _ = try fixture.publish()
        for shape in Self.shapes.indices {
            let plan = try fixture.rows("EXPLAIN (ANALYZE, COSTS off, TIMING off) SELECT * FROM serving.v\(shape) WHERE views > 0")
            let questions = plan.filter { $0.contains("One-Time Filter") }.count
            #expect(questions == (Self.shapes[shape].before.window == nil ? 1 : 2), "\(plan.joined(separator: "\n"))")
            #expect(!plan.contains { $0.contains("not_served") && $0.contains("loops=") })
        }
    }
}
