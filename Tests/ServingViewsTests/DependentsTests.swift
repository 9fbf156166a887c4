import Catalog
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing
import ViewLanguage

/// What users built on served views (views, grants, comments) outlives every change of definitions, or the change is refused.
@Suite struct DependentsTests {
    private static let narrow = ("traffic", Fixture.plan(measures: [0]))
    private static let wide = ("traffic", Fixture.plan(measures: [0, 2]))
    private static let total = ("total", Fixture.plan(window: false, groups: false, measures: [0]))
    private static let top = OverlayDefinition(
        name: "top", selectText: "SELECT page, sum(views) AS views FROM traffic GROUP BY page", reads: ["traffic"])

    /// Roles are the cluster's: each test names its own.
    private static func role(_ fixture: Fixture, _ suffix: String) throws -> String {
        let database = try fixture.rows("SELECT current_database()")[0]
        let role = Connection.quoteIdentifier("\(database) \(suffix)")
        try fixture.connection.execute("CREATE ROLE \(role); GRANT USAGE ON SCHEMA serving TO \(role)")
        return role
    }

    private static func plan(_ fixture: Fixture, _ views: [(String, Plan)], _ overlays: [OverlayDefinition] = [], hash: String = "2") throws
        -> ApplyPlan
    {
        try fixture.catalog.planApply(Fixture.definitions(views.map { (name: $0.0, plan: $0.1) }, overlays, hash))
    }

    private static func properties(_ fixture: Fixture, _ view: String) throws -> [String] {
        try fixture.rows(
            """
            SELECT c.relowner::regrole, ARRAY(SELECT a::text FROM unnest(c.relacl) a ORDER BY 1), c.reloptions, obj_description(c.oid, 'pg_class'),
                   (SELECT string_agg(attname || ' ' || attacl::text, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL),
                   (SELECT string_agg(attname || ' ' || col_description(c.oid, attnum), ',' ORDER BY attname) FROM pg_attribute
                    WHERE attrelid = c.oid AND col_description(c.oid, attnum) IS NOT NULL)
            FROM pg_class c WHERE c.oid = '\(view)'::regclass
            """)
    }

    /// New columns come last: whatever stands on the view stands on.
    @Test func aViewThatGainsColumnsIsReplacedWhereItStands() throws {
        let fixture = try Fixture([Self.narrow], overlays: [Self.top])
        let role = try Self.role(fixture, "reader")
        try fixture.connection.execute(
            """
            CREATE SCHEMA bi;
            CREATE VIEW bi.n AS SELECT minute, sum(views) AS views FROM serving.traffic GROUP BY minute;
            CREATE MATERIALIZED VIEW bi.kept AS SELECT * FROM serving.traffic;
            CREATE FUNCTION bi.pages() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM serving.traffic; END;
            CREATE FUNCTION bi.of(traffic serving.traffic) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
            CREATE TABLE bi.secret (id integer);
            ALTER TABLE bi.secret ENABLE ROW LEVEL SECURITY;
            CREATE POLICY seen ON bi.secret USING (id IN (SELECT views FROM serving.traffic));
            GRANT SELECT ON serving.traffic TO \(role);
            GRANT SELECT (page) ON serving.top TO \(role) WITH GRANT OPTION;
            COMMENT ON VIEW serving.traffic IS 'mine';
            COMMENT ON COLUMN serving.traffic.views IS 'how many';
            ALTER VIEW serving.traffic SET (security_barrier = true);
            """)
        let before = try Self.properties(fixture, "serving.traffic") + Self.properties(fixture, "serving.top")
        let views = [Self.wide]
        #expect(try ServingViews.obstacles(fixture.connection, try Self.plan(fixture, views, [Self.top])).isEmpty)
        try fixture.apply([Self.wide], overlays: [Self.top], hash: "2")
        _ = try fixture.publish()
        #expect(
            try fixture.rows(
                "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'serving.traffic'::regclass")
                == ["minute,page,views,is_exact,is_closed,revenue"])
        #expect(try Self.properties(fixture, "serving.traffic") + Self.properties(fixture, "serving.top") == before)
        #expect(try fixture.rows("SELECT count(*) FROM bi.n") == ["0"])
        #expect(try fixture.rows("SELECT bi.pages()") == ["0"])

        // As it is now it stays: nothing is written again.
        let reader = try Connection(fixture.dsn)
        defer { reader.close() }
        try reader.execute("BEGIN; SELECT * FROM serving.traffic")
        fixture.patience.tries = 1
        try fixture.apply([Self.wide], overlays: [Self.top], hash: "2")
    }

    /// A column goes that no view on it reads: they are made again, over all levels, as they were.
    @Test func viewsOnAViewThatLosesAColumnAreMadeAgain() throws {
        let fixture = try Fixture([Self.wide], overlays: [Self.top])
        let (role, owner) = (try Self.role(fixture, "reader"), try Self.role(fixture, "owner"))
        try fixture.connection.execute(
            """
            CREATE SCHEMA bi;
            GRANT ALL ON SCHEMA bi TO \(owner);
            GRANT SELECT ON serving.traffic, serving.top TO \(owner);
            CREATE VIEW bi.n WITH (security_barrier = true) AS SELECT minute AS "The minute", sum(views) AS views FROM serving.traffic GROUP BY minute;
            ALTER VIEW bi.n OWNER TO \(owner);
            CREATE VIEW bi.m AS SELECT n."The minute" + interval '1 hour' AS later, t.page FROM bi.n, serving.top t;
            GRANT SELECT ON bi.n, bi.m TO \(role) WITH GRANT OPTION;
            GRANT SELECT (page) ON bi.m TO PUBLIC;
            COMMENT ON VIEW bi.m IS 'it''s mine';
            COMMENT ON COLUMN bi.m.later IS 'an hour';
            GRANT SELECT ON serving.top TO \(role);
            COMMENT ON VIEW serving.top IS 'the top';
            -- What it would give to anybody's new view is not given to one that is made again.
            ALTER DEFAULT PRIVILEGES IN SCHEMA bi GRANT SELECT ON TABLES TO PUBLIC;
            """)
        let names = ["serving.traffic", "serving.top", "bi.n", "bi.m"]
        let before = try names.map { try Self.properties(fixture, $0) }
        let definitions = try names.suffix(2).map { try fixture.rows("SELECT pg_get_viewdef('\($0)'::regclass)") }
        #expect(try ServingViews.obstacles(fixture.connection, try Self.plan(fixture, [Self.narrow], [Self.top])).isEmpty)
        try fixture.apply([Self.narrow], overlays: [Self.top], hash: "2")
        _ = try fixture.publish()
        #expect(
            try fixture.rows(
                "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'serving.traffic'::regclass")
                == ["minute,page,views,is_exact,is_closed"])
        #expect(try names.map { try Self.properties(fixture, $0) } == before)
        #expect(try names.suffix(2).map { try fixture.rows("SELECT pg_get_viewdef('\($0)'::regclass)") } == definitions)
        #expect(try fixture.rows("SELECT count(*) FROM bi.m") == ["0"])
    }

    /// What cannot be made again, by the words that are in the way.
    @Test(
        arguments: [
            ("CREATE VIEW bi.r AS SELECT revenue FROM serving.traffic", "view bi.r", true),
            ("CREATE VIEW bi.r AS SELECT * FROM serving.traffic", "view bi.r", true),
            ("CREATE MATERIALIZED VIEW bi.kept AS SELECT views FROM serving.traffic", "materialized view bi.kept", true),
            (
                "CREATE VIEW bi.r AS SELECT views FROM serving.traffic; CREATE MATERIALIZED VIEW bi.kept AS TABLE bi.r",
                "materialized view bi.kept", true
            ),
            ("CREATE FUNCTION bi.f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM serving.traffic; END", "function bi.f()", true),
            ("CREATE FUNCTION bi.f(traffic serving.traffic) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'", "function bi.f(", true),
            (
                "CREATE TABLE bi.t (id bigint); CREATE POLICY p ON bi.t USING (id IN (SELECT views FROM serving.traffic))",
                "policy p on table bi.t",
                true
            ),
            (
                "CREATE TABLE bi.t (id bigint); CREATE RULE r AS ON INSERT TO bi.t DO ALSO SELECT views FROM serving.traffic",
                "rule r on table bi.t", true
            ),
            (
                """
                CREATE FUNCTION bi.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
                CREATE TRIGGER mine INSTEAD OF INSERT ON serving.traffic FOR EACH ROW EXECUTE FUNCTION bi.t()
                """, "trigger mine on view serving.traffic", true
            ),
            ("CREATE VIEW bi.r AS SELECT revenue FROM serving.top_revenue", "view bi.r", false),
        ]) func whatCannotBeMadeAgainIsInTheWayAndNamed(statement: String, name: String, isForeseen: Bool) throws
    {
        let top = OverlayDefinition(
            name: "top_revenue", selectText: "SELECT page, \(isForeseen ? "views" : "revenue") FROM traffic AS t", reads: ["traffic"])
        let fixture = try Fixture([Self.wide, Self.total], overlays: isForeseen ? [] : [top])
        let first = try fixture.publish()
        let role = try Self.role(fixture, "reader")
        try fixture.connection.execute("CREATE SCHEMA bi; \(statement); GRANT SELECT ON serving.traffic TO \(role)")
        let obstacles = try ServingViews.obstacles(
            fixture.connection, try Self.plan(fixture, [Self.narrow, Self.total], isForeseen ? [] : [top]))
        let told = obstacles.flatMap(\.objects).contains { $0.hasPrefix(name) || $0.contains(name) }
        #expect(told == isForeseen, "\(obstacles)")
        if isForeseen {
            #expect(obstacles.map(\.view) == ["traffic"] && obstacles[0].change == "column \"revenue\" goes" && obstacles[0].isOfVersion)
        }

        // Applied all the same (it appeared afterwards): the old version is served on, and the run is published.
        try fixture.apply([Self.narrow, Self.total], overlays: isForeseen ? [] : [top], hash: "2")
        let run = try fixture.publish()
        #expect(run.number > first.number)
        #expect(try fixture.rows("SELECT run FROM parallax.published") == ["\(run.number)"])
        #expect(try fixture.rows("SELECT revenue FROM serving.traffic").isEmpty)
        let view = try #require(try fixture.catalog.status()[0].views.first { $0.name == "traffic" })
        #expect(view.activeHash == "traffic1" && view.waitingHash == "traffic2" && view.obstacle?.contains(name) == true, "\(view)")
        #expect(try fixture.rows("SELECT has_table_privilege('\(role.dropFirst().dropLast())', 'serving.traffic', 'SELECT')") == ["t"])

        // Without it the next run serves the new version.
        try fixture.connection.execute(
            statement.contains("TRIGGER") ? "DROP TRIGGER mine ON serving.traffic" : "DROP SCHEMA bi CASCADE")
        _ = try fixture.publish()
        let after = try #require(try fixture.catalog.status()[0].views.first { $0.name == "traffic" })
        #expect(after.activeHash == "traffic2" && after.waitingHash == nil && after.obstacle == nil, "\(after)")
        #expect(try fixture.rows("SELECT has_table_privilege('\(role.dropFirst().dropLast())', 'serving.traffic', 'SELECT')") == ["t"])
    }

    @Test func aPromotionThatWouldTakeSomethingAwayIsRefused() throws {
        let fixture = try Fixture([Self.wide])
        _ = try fixture.publish()
        try fixture.apply([Self.narrow], hash: "2", holding: true)
        _ = try fixture.publish()
        try fixture.connection.execute("CREATE SCHEMA bi; CREATE VIEW bi.r AS SELECT revenue FROM serving.traffic")
        func promote() throws {
            _ = try fixture.catalog.promote(view: "traffic") { connection throws(ParallaxError) in
                if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
            }
        }
        let error = #expect(throws: ParallaxError.self) { try promote() }
        #expect(error?.code == .definition && error?.message.contains("bi.r") == true, "\(String(describing: error))")
        #expect(try fixture.rows("SELECT count(*) FROM bi.r") == ["0"])
        try fixture.connection.execute("DROP SCHEMA bi CASCADE")
        try promote()
    }

    /// The words say what to drop; the definitions are as they were.
    @Test func aViewThatSomethingStandsOnIsNotDropped() throws {
        let fixture = try Fixture([Self.narrow, Self.total], overlays: [Self.top])
        try fixture.connection.execute("CREATE SCHEMA bi; CREATE VIEW bi.n AS SELECT 1 AS one FROM serving.top")
        for (views, overlays) in [([Self.total], []), ([Self.narrow, Self.total], [])] as [([(String, Plan)], [OverlayDefinition])] {
            let obstacles = try ServingViews.obstacles(fixture.connection, try Self.plan(fixture, views, overlays, hash: "1"))
            #expect(
                obstacles.last?.view == "top" && obstacles.allSatisfy { $0.objects.count == 1 && $0.objects[0].hasPrefix("view bi.n (of ") }
            )
            let error = #expect(throws: ParallaxError.self) {
                try fixture.apply(views.map { (name: $0.0, plan: $0.1) }, overlays: overlays)
            }
            #expect(
                error?.code == .definition && error?.detail?.contains("view bi.n depends on view serving.top") == true,
                "\(String(describing: error))")
            #expect(try fixture.rows("SELECT count(*) FROM bi.n") == ["0"])
        }
        try fixture.connection.execute("DROP VIEW bi.n")
        try fixture.apply([Self.total])
        #expect(try fixture.rows("SELECT name FROM parallax.serving_view ORDER BY name") == ["total", "total_changes"])
    }

    /// The schema is not Parallax's alone: what it has not made there it does not touch.
    @Test func aStrangersViewInServingStays() throws {
        let fixture = try Fixture([Self.narrow])
        try fixture.connection.execute(
            "CREATE VIEW serving.mine AS SELECT page FROM serving.traffic; CREATE TABLE serving.total (id integer)")
        let plan = try Self.plan(fixture, [Self.narrow, Self.total], hash: "1")
        #expect(try ServingViews.obstacles(fixture.connection, plan).map(\.objects) == [["table serving.total is not Parallax's"]])
        let error = #expect(throws: ParallaxError.self) { try fixture.apply([Self.narrow, Self.total]) }
        #expect(error?.message.contains("table serving.total") == true, "\(String(describing: error))")
        try fixture.connection.execute("DROP TABLE serving.total")
        try fixture.apply([Self.narrow, Self.total])
        #expect(try fixture.rows("SELECT page FROM serving.mine").isEmpty)
    }
}
