import Catalog
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing
import ViewLanguage

/// A table of the pipeline becomes the user's own, and the other way round, under views of the pipeline that read it.
@Suite struct TableMoveTests {
    private static let source = """
        CREATE FOREIGN TABLE click (id text, at timestamptz, ad int) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
        CREATE MATERIALIZED VIEW clicks AS SELECT note, count(*) AS n FROM click JOIN ad ON ad.id = click.ad GROUP BY note;
        CREATE VIEW named AS SELECT a.id, a.note, n FROM ad a JOIN clicks USING (note);

        """
    private static let own = "CREATE TABLE ad (id int PRIMARY KEY, note text);"

    private func apply(_ connection: Connection, _ text: String) throws -> [String] {
        let compilation = compile([SQLFile(path: "p.sql", text: text)])
        let definitions = try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered))")
        let catalog = Catalog(connection, patience: LockPatience(tries: 1))
        let changes = try catalog.planApply(definitions).changes.filter { $0.action != .unchanged }.map { "\($0.action) \($0.name)" }
        try catalog.apply(definitions, partitions: ["click": 1]) { (connection) throws(ParallaxError) in
            if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
        }
        return changes
    }

    private func tables(_ connection: Connection) throws -> [String] {
        try connection.query(
            """
            SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('dimension', 'public', 'crm') ORDER BY 1
            """
        ).rows.map { $0[0] ?? "" }
    }

    /// I2: a table that is made anew is empty in an older snapshot, and a view over it would say so.
    @Test func I2_aViewOverATableThatIsMadeAnewIsNotServedToOlderSnapshots() throws {
        let dsn = try TestCluster.shared.freshDatabase()
        let connection = try Connection(dsn)
        defer { connection.close() }
        try Catalog.migrate(connection)
        let view = "CREATE VIEW ads AS SELECT note, id FROM ad ORDER BY id;"
        _ = try apply(connection, Self.source + Self.own + view)
        try connection.execute("INSERT INTO dimension.ad VALUES (1, 'one')")
        let reader = try Connection(dsn)
        defer { reader.close() }
        func ask() throws(ParallaxError) -> [String?] { try reader.query("SELECT note FROM serving.ads").rows.map { $0[0] } }
        try reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM parallax.source")
        _ = try apply(connection, Self.source.replacing(/CREATE (MATERIALIZED )?VIEW.*;/, with: ""))
        _ = try apply(connection, Self.source + Self.own + view)
        try connection.execute("INSERT INTO dimension.ad VALUES (2, 'two')")
        let error = #expect(throws: ParallaxError.self) { try ask() }
        #expect(error?.sqlState == "40001", "\(String(describing: error))")
        try reader.execute("ROLLBACK")
        #expect(try ask() == ["two"])
        // As it is it stays.
        try reader.execute("BEGIN; SELECT * FROM serving.ads")
        #expect(try apply(connection, Self.source + Self.own + view) == [])
    }

    /// I2: also where the view loses a column and is made anew together with the table that it reads.
    @Test func I2_aViewThatLosesAColumnOverATableThatIsMadeAnewIsNotServedToOlderSnapshots() throws {
        let dsn = try TestCluster.shared.freshDatabase()
        let connection = try Connection(dsn)
        defer { connection.close() }
        try Catalog.migrate(connection)
        let source = """
            CREATE FOREIGN TABLE click (id text, at timestamptz, ad int) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
            CREATE MATERIALIZED VIEW clicks AS SELECT ad, count(*) AS n FROM click GROUP BY ad;

            """
        _ = try apply(connection, source + Self.own + "CREATE VIEW ads AS SELECT note, id FROM ad;")
        try connection.execute("INSERT INTO dimension.ad VALUES (1, 'one')")
        let reader = try Connection(dsn)
        defer { reader.close() }
        try reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM parallax.source")
        _ = try apply(connection, source + "CREATE VIEW ads AS SELECT 'none'::text AS note, ad AS id FROM clicks;")
        let last = source + Self.own + "CREATE VIEW ads AS SELECT note FROM ad;"
        _ = try apply(connection, last)
        try connection.execute("INSERT INTO dimension.ad VALUES (2, 'two')")
        let error = #expect(throws: ParallaxError.self) { try reader.query("SELECT note FROM serving.ads") }
        #expect(error?.sqlState == "40001", "\(String(describing: error))")
        try reader.execute("ROLLBACK")
        #expect(try reader.query("SELECT * FROM serving.ads").rows.map { $0[0] } == ["two"])
        #expect(try apply(connection, last) == [])
    }

    @Test func aTableChangesHandsUnderAViewThatReadsIt() throws {
        let connection = try Connection(try TestCluster.shared.freshDatabase())
        defer { connection.close() }
        try Catalog.migrate(connection)
        _ = try apply(connection, Self.source + Self.own)
        try connection.execute("INSERT INTO dimension.ad VALUES (1, 'pipeline')")
        let generation = try Catalog(connection).dimensions()[0].version
        func noted() throws -> [String] {
            // Whatever the view reads, through the table that is current.
            try connection.query(
                """
                SELECT DISTINCT c.relnamespace::regnamespace || '.' || c.relname FROM pg_rewrite r
                JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
                JOIN pg_class c ON c.oid = d.refobjid WHERE r.ev_class = 'serving.named'::regclass AND c.relname LIKE '%ad%'
                """
            ).rows.map { $0[0] ?? "" }
        }
        #expect(try noted() == ["dimension.ad"])

        // To a table of the user's by the same name, that is found when the other is gone.
        try connection.execute("CREATE TABLE public.ad (id int UNIQUE, note text, more text)")
        #expect(
            try apply(connection, Self.source + "CREATE TABLE IF NOT EXISTS ad (id int UNIQUE, note text);") == ["dropped ad", "new ad"])
        #expect(try noted() == ["public.ad"])
        #expect(try tables(connection) == ["public.ad"])
        // Another table, and another generation: what was computed with the old one is computed again.
        #expect(try Catalog(connection).dimensions()[0].version.id != generation.id)

        // To another one of the user's: the first is left as it was.
        let crm =
            Self.source.replacing("FROM ad a", with: "FROM crm.ad a") + "CREATE TABLE IF NOT EXISTS crm.ad (id int UNIQUE, note text);"
        #expect(try apply(connection, crm) == ["dropped ad", "new ad", "changed named"])
        #expect(try noted() == ["crm.ad"])
        #expect(try tables(connection) == ["crm.ad", "public.ad"])
        #expect(try connection.query("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'public.ad'::regclass").rows[0].int(0) == 0)

        // And back. What somebody has built on the pipeline's own table keeps it: all stays as it is.
        #expect(try apply(connection, Self.source + Self.own) == ["dropped ad", "new ad", "changed named"])
        #expect(try noted() == ["dimension.ad"])
        try connection.execute("CREATE VIEW public.mine AS SELECT * FROM dimension.ad")
        let refused = #expect(throws: ParallaxError.self) { _ = try apply(connection, crm) }
        #expect(refused?.message.hasPrefix("table \"ad\" cannot be dropped: something of yours stands on it") == true)
        #expect(refused?.detail?.contains("view mine depends on") == true, "\(String(describing: refused))")
        #expect(try noted() == ["dimension.ad"])
        #expect(try Catalog(connection).dimensionVersions(["ad"])["ad"] != nil)
    }
}
