import Catalog
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing

/// Row security on state tables reaches who reads the views over them.
@Suite struct RowSecurityTests {
    /// Batch rows and live rows of three pages, two of which are named as the roles `readers` of this database are.
    private struct Shop {
        let fixture: Fixture
        let readers: [String]

        init() throws {
            fixture = try Fixture([("traffic", Fixture.plan(measures: [0, 1]))])
            let database = try fixture.connection.query("SELECT current_database()").rows[0].text(0)
            readers = ["\(database)_a", "\(database)_b"]
            try fill()
            for reader in readers { try fixture.catalog.createReader(reader, views: [], password: nil) }
            let tables = try fixture.tables("traffic")
            for table in [tables.batchTable, tables.speedTable] {
                try fixture.connection.execute(
                    "ALTER TABLE \(table) ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON \(table) USING (g0 = session_user)")
            }
        }

        func fill() throws {
            let tables = try fixture.tables("traffic")
            let pages = readers + ["nobody's"]
            let run = try fixture.publish { run in
                for page in pages {
                    try fixture.connection.query(
                        """
                        INSERT INTO \(tables.batchTable) (from_run, window_start, g0, m0_n, m1_d, m1_h) VALUES
                        (\(run.number), '2026-01-01 00:00Z', $1, 3, 1, hll_add(hll_empty(14,5,-1,1), hll_hash_text('x'))),
                        (\(run.number), '2026-01-01 00:01Z', $1, 2, 1, hll_add(hll_empty(14,5,-1,1), hll_hash_text('x')))
                        """, [.text(page)])
                }
            }
            let version = try fixture.version("traffic")
            for page in pages {
                try fixture.connection.query(
                    """
                    INSERT INTO \(tables.speedTable) (slice, window_start, g0, m0_n, m1_h)
                    VALUES (\(run.slice), '2026-01-01 00:01Z', $1, 5, hll_add(hll_empty(14,5,-1,1), hll_hash_text('y')))
                    """, [.text(page)])
            }
            try fixture.connection.execute(
                "INSERT INTO parallax.touched_window VALUES (\(version.id), '2026-01-01 00:01Z', \(run.slice), 0)")
        }

        /// What somebody sees, in the view, in its changes and in its roll-ups.
        func seen(by role: String) throws -> [[String]] {
            let connection = try Connection(fixture.dsn)
            defer { connection.close() }
            try connection.execute("SET SESSION AUTHORIZATION \(Connection.quoteIdentifier(role))")
            return try [
                "SELECT page, sum(views) FROM serving.traffic GROUP BY 1 ORDER BY 1",
                "SELECT DISTINCT page FROM serving.traffic_changes WHERE change IS NULL ORDER BY 1",
                "SELECT page, views FROM serving.traffic_rollup('1 hour', '{page}') ORDER BY 1",
            ].map { try connection.query($0).rows.map { $0.values.map { $0 ?? "null" }.joined(separator: "|") } }
        }

        func end() {
            for reader in readers { try? fixture.catalog.dropReader(reader) }
        }
    }

    @Test func whoReadsSeesTheRowsThatPoliciesLetIt() throws {
        let shop = try Shop()
        defer { shop.end() }
        for reader in shop.readers {
            #expect(try shop.seen(by: reader) == [["\(reader)|10"], [reader], ["\(reader)|10"]])
        }
        // Our own rights pass no policy by, either: views are read as the role that owns them.
        let me = try shop.fixture.connection.query("SELECT current_user").rows[0].text(0)
        #expect(try shop.seen(by: me) == [[], [], []])
        // Other reads of the API's, of the layers by themselves, too.
        let connection = try Connection(shop.fixture.dsn)
        defer { connection.close() }
        #expect(try Catalog(connection).readAsServingOwner())
        let tables = try shop.fixture.tables("traffic")
        for table in [tables.batchTable, tables.speedTable] {
            #expect(try connection.query("SELECT count(*) FROM \(table)").rows[0].int(0) == 0)
        }
        // And roll-ups, which it makes of the states.
        let rollUp = try RollUp(bucket: .range, groups: ["page"], outputs: ["page", "views"]).statement(
            over: try shop.fixture.version("traffic"))
        #expect(try connection.query(rollUp.text, rollUp.parameters).rows.isEmpty)
        #expect(throws: ParallaxError.self) { try connection.execute("DELETE FROM \(tables.speedTable)") }
        #expect(throws: ParallaxError.self) { try connection.execute("UPDATE parallax.published SET run = 0") }
    }

    @Test func theTablesOfTheNextVersionHaveThePoliciesOfTheLast() throws {
        let shop = try Shop()
        defer { shop.end() }
        try shop.fixture.apply([("traffic", Fixture.plan(measures: [0, 1, 2]))], hash: "2")
        try shop.fill()
        #expect(try shop.seen(by: shop.readers[0])[0] == ["\(shop.readers[0])|10"])
        #expect(try shop.fixture.catalog.viewsWithoutPolicies() == [])

        // A policy that reads what the new tables have not hides all rows until there is another one.
        try shop.fixture.apply([("traffic", Fixture.plan(groups: false, measures: [0, 1]))], hash: "3")
        _ = try shop.fixture.publish()
        #expect(try shop.fixture.catalog.hasRowSecurity())
        #expect(try shop.fixture.catalog.viewsWithoutPolicies() == ["traffic"])
        let tables = try shop.fixture.tables("traffic")
        let secured =
            "SELECT count(*) FROM pg_class WHERE oid IN ('\(tables.batchTable)'::regclass, '\(tables.speedTable)'::regclass) AND relrowsecurity"
        #expect(try shop.fixture.connection.query(secured).rows[0].int(0) == 2)
    }

    /// A role that is no superuser, and may not make roles: views are its own until the role that should own them is given to it.
    @Test func aRoleWithoutRightsServesAllTheSame() throws {
        let dsn = try TestCluster.shared.freshDatabase()
        defer { try? TestCluster.shared.drop(dsn) }
        let admin = try Connection(dsn)
        defer { admin.close() }
        let name = try admin.query("SELECT current_database()").rows[0].text(0)
        let user = Connection.quoteIdentifier(name + "_user")
        try admin.execute(
            "CREATE ROLE \(user) NOLOGIN; GRANT ALL ON DATABASE \(Connection.quoteIdentifier(name)) TO \(user); CREATE EXTENSION hll")
        defer { _ = try? admin.execute("RESET SESSION AUTHORIZATION; DROP OWNED BY \(user); DROP ROLE \(user)") }
        func owner(_ connection: Connection) throws -> [String] {
            try connection.query(
                "SELECT relowner::regrole::text FROM pg_class WHERE relnamespace = 'serving'::regnamespace AND relname <> 'comparison_summary' ORDER BY 1"
            )
            .texts(0)
        }
        let connection = try Connection(dsn)
        defer { connection.close() }
        try connection.execute("SET SESSION AUTHORIZATION \(user)")
        try Catalog.migrate(connection)
        func apply() throws {
            try Catalog(connection).apply(Fixture.definitions([("traffic", Fixture.plan(measures: [0, 1]))], [], "1"), partitions: [:]) {
                connection throws(ParallaxError) in
                if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
            }
        }
        try apply()
        #expect(try owner(connection) == [name + "_user", name + "_user"])
        #expect(try Catalog(connection).servingOwnerState() == .foreign)
        #expect(try !Catalog(connection).readAsServingOwner())

        try admin.execute("GRANT \(Catalog.servingOwner) TO \(user)")
        try apply()
        #expect(try owner(connection) == [Catalog.servingOwner, Catalog.servingOwner])
        // And goes on from there.
        try apply()
        _ = try connection.query("SELECT * FROM serving.traffic, serving.traffic_rollup('1 hour')")
        #expect(try Catalog(connection).readAsServingOwner())
        _ = try connection.query("SELECT * FROM serving.traffic, serving.traffic_rollup('1 hour')")
    }
}
