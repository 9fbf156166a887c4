import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Catalog

/// Tables of the pipeline: what an apply does with them, and how changes are counted.
@Suite struct DimensionTests {
    private static let source = """
        CREATE FOREIGN TABLE click (id text, at timestamptz, ad int) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
        CREATE MATERIALIZED VIEW clicks AS SELECT note, count(*) AS n FROM click JOIN ad ON ad.id = click.ad GROUP BY note;

        """

    private func definitions(_ text: String) throws -> Definitions {
        let compilation = compile([SQLFile(path: "p.sql", text: text)])
        return try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered))")
    }

    private func database() throws -> (Connection, Catalog) {
        let (_, connection, catalog) = try databaseWithName()
        return (connection, catalog)
    }

    private func databaseWithName() throws -> (String, Connection, Catalog) {
        let dsn = try TestCluster.shared.freshDatabase()
        let connection = try Connection(dsn)
        try Catalog.migrate(connection)
        return (dsn, connection, Catalog(connection))
    }

    private func apply(_ catalog: Catalog, _ text: String) throws -> [String] {
        let definitions = try definitions(text)
        let changes = try catalog.planApply(definitions).changes.filter { $0.kind == .table }.map {
            "\($0.action.rawValue) \($0.name)" + ($0.rows.map { " \($0)" } ?? "") + ($0.needsConsent ? " asks" : "")
        }
        try catalog.apply(definitions, partitions: ["click": 1]) { (_) throws(ParallaxError) in }
        return changes
    }

    @Test func everyTransactionThatWritesIsCountedOnceAndNoWriterWaits() throws {
        let (dsn, connection, catalog) = try databaseWithName()
        #expect(try apply(catalog, Self.source + "CREATE TABLE ad (id int PRIMARY KEY, note text)") == ["new ad"])
        func generation(_ catalog: Catalog) throws -> Int64 { try #require(try catalog.dimensionVersions(["ad"])["ad"]).generation }
        let start = try generation(catalog)
        for (count, statement) in [
            (1, "INSERT INTO dimension.ad VALUES (1, 'a'), (2, 'b')"), (1, "UPDATE dimension.ad SET note = 'c' WHERE id = 1"),
            (1, "DELETE FROM dimension.ad WHERE id = 1"), (1, "TRUNCATE dimension.ad"),
            (
                1,
                "BEGIN; INSERT INTO dimension.ad VALUES (3); UPDATE dimension.ad SET note = 'x'; SAVEPOINT s; DELETE FROM dimension.ad; ROLLBACK TO s; COMMIT"
            ),
            (0, "BEGIN; INSERT INTO dimension.ad VALUES (4); ROLLBACK"), (1, "COPY dimension.ad FROM PROGRAM 'printf \"9\\\\tz\\\\n\"'"),
        ] {
            let before = try generation(catalog)
            try connection.execute(statement)
            #expect(try generation(catalog) == before + Int64(count), "\(statement)")
        }
        // Two at once: neither waits, and neither hides the other, whoever commits first. Folding changes no generation.
        let other = try Connection(dsn)
        defer { other.close() }
        let before = try generation(catalog)
        try connection.execute("BEGIN; UPDATE dimension.ad SET note = 'mine' WHERE id = 3")
        try other.execute("SET lock_timeout = '60s'; UPDATE dimension.ad SET note = 'theirs' WHERE id = 9")
        #expect(try generation(Catalog(other)) == before + 1)
        let snapshot = try Catalog(other).readDimensions(
            [DimensionDemand(table: "ad", columns: [.init(name: "note", type: .text)])], limits: DimensionLimits())
        #expect(snapshot.tables[0].columns[0].values.string(0) == "x" && snapshot.versions["ad"]?.generation == before + 1)
        try Catalog(other).recordLoaded(snapshot)
        #expect(try generation(Catalog(other)) == before + 1)
        try connection.execute("COMMIT")
        #expect(try generation(catalog) == before + 2 && before > start)
        #expect(try connection.query("SELECT count(*) FROM parallax.dimension_change").rows[0].int(0) == 1)
        // Where no speed worker reads the table, clean-ups fold.
        try catalog.cleanUp(source: SourceID(1), keep: 2)
        #expect(try connection.query("SELECT count(*) FROM parallax.dimension_change").rows[0].int(0) == 0)
        #expect(try generation(catalog) == before + 2)
    }

    @Test func anApplyCreatesAddsNullableColumnsAndDrops() throws {
        let (connection, catalog) = try database()
        let first = "CREATE TABLE ad (id int PRIMARY KEY, note text NOT NULL, UNIQUE (note)); CREATE TABLE \"Q\"\"t\" (\"a b\" text)"
        #expect(try apply(catalog, Self.source + first) == ["new ad", "new Q\"t"])
        try connection.execute("INSERT INTO dimension.ad VALUES (1, 'x'); INSERT INTO dimension.\"Q\"\"t\" VALUES ('y')")
        #expect(try apply(catalog, Self.source + first) == ["unchanged ad", "unchanged Q\"t"])
        let second = "CREATE TABLE ad (id int PRIMARY KEY, more numeric(9,2), note text NOT NULL, UNIQUE (note))"
        #expect(try apply(catalog, Self.source + second) == ["changed ad", "dropped Q\"t 1 asks"])
        #expect(try connection.query("SELECT id, more, note FROM dimension.ad").rows[0].values == ["1", nil, "x"])
        #expect(try connection.query("SELECT to_regclass('dimension.\"Q\"\"t\"') IS NULL").rows[0].bool(0) == true)
        let problem = #expect(throws: ParallaxError.self) {
            _ = try apply(
                catalog,
                Self.source + "CREATE TABLE ad (id bigint PRIMARY KEY, note text, more numeric(9,2), extra int NOT NULL, UNIQUE (more))")
        }
        #expect(problem?.code == .definition)
        #expect(
            problem?.detail == """
                column "id" of "dimension"."ad" is of type integer, declared as bigint
                         column "note" of "dimension"."ad" is NOT NULL, declared otherwise
                         column "extra" of "dimension"."ad" is new and NOT NULL: a column that a table gains must be nullable
                         "dimension"."ad" has no unique index on (more)
                         ("dimension"."ad" is joined by clicks)
                """)
        // The view that joins it goes first, or with it.
        #expect(
            try apply(
                catalog,
                "CREATE FOREIGN TABLE click (id text, at timestamptz, ad int) SERVER parallax OPTIONS (event_id 'id', event_time 'at')")
                == ["dropped ad 1 asks"])
        #expect(try connection.query("SELECT to_regclass('dimension.ad') IS NULL").rows[0].bool(0) == true)
    }

    @Test func aTableOfTheUsersIsCheckedAndLeftAlone() throws {
        let (connection, catalog) = try database()
        try connection.execute(
            """
            CREATE SCHEMA crm; CREATE TABLE crm.ad (id int UNIQUE, note varchar(20), secret text DEFAULT 'x', created timestamptz DEFAULT now());
            CREATE TABLE dimension.mine (id int); CREATE VIEW crm.v AS SELECT 1 AS id
            """)
        let text = Self.source + "CREATE TABLE IF NOT EXISTS crm.ad (id int UNIQUE, note text);"
        #expect(try apply(catalog, text) == ["new ad"])
        #expect(try apply(catalog, text) == ["unchanged ad"])
        try connection.execute("INSERT INTO crm.ad VALUES (1, 'one')")
        #expect(try catalog.dimensions().map(\.version.generation) == [3])
        // Made anew behind our back: seen, and mended by the next apply, which counts it as a change.
        try connection.execute("DROP TABLE crm.ad; CREATE TABLE crm.ad (note text, id int PRIMARY KEY)")
        #expect(throws: ParallaxError.self) { _ = try catalog.dimensionVersions(["ad"]) }
        _ = try apply(catalog, text)
        #expect(try catalog.dimensions().map(\.version.generation) == [4] && catalog.dimensions()[0].isWatched)
        let bad = #expect(throws: ParallaxError.self) {
            _ = try catalog.planApply(
                definitions(
                    text
                        + "CREATE TABLE mine (id int); CREATE TABLE IF NOT EXISTS crm.v (id int); CREATE TABLE IF NOT EXISTS public.made (a int)"
                ))
        }
        #expect(bad?.detail?.contains("\"dimension\".\"mine\" exists, and is not the pipeline's") == true)
        #expect(bad?.detail?.contains("\"crm\".\"v\" is not an ordinary table") == true && bad?.detail?.contains("made") == false)
        #expect(
            try apply(
                catalog, "CREATE FOREIGN TABLE click (id text, at timestamptz) SERVER parallax OPTIONS (event_id 'id', event_time 'at')")
                == ["dropped ad"])
        #expect(try connection.query("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'crm.ad'::regclass").rows[0].int(0) == 0)
    }

    /// A view that is served goes on with its table until the one that takes its place is published.
    @Test func aTableStaysAsLongAsAVersionReadsIt() throws {
        let (connection, catalog) = try database()
        _ = try apply(catalog, Self.source + "CREATE TABLE ad (id int PRIMARY KEY, note text)")
        try connection.execute("UPDATE parallax.partition_position SET next_offset = 5")
        let text = """
            CREATE FOREIGN TABLE click (id text, at timestamptz, ad int) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
            CREATE MATERIALIZED VIEW clicks AS SELECT ad, count(*) AS n FROM click GROUP BY ad;
            """
        #expect(try apply(catalog, text) == ["dropped ad 0 asks"])
        #expect(try catalog.dimensions().map(\.isLeaving) == [true])
        #expect(try apply(catalog, text) == [])
        try connection.execute(
            "UPDATE parallax.view SET active_version_id = (SELECT max(version_id) FROM parallax.view_version); INSERT INTO parallax.publication (source_id, run_id, slice, cut) VALUES (1, 1, 1, '{}')"
        )
        try catalog.cleanUp(source: SourceID(1), keep: 3)
        #expect(try catalog.dimensions().isEmpty)
        #expect(try connection.query("SELECT to_regclass('dimension.ad') IS NULL").rows[0].bool(0) == true)
    }

    @Test func valuesComeAsTheyAre() throws {
        let (connection, catalog) = try database()
        _ = try apply(catalog, Self.source + "CREATE TABLE ad (id int PRIMARY KEY, note text)")
        let texts = ["tab\there", "line\nand\rreturn", "back\\slash \\N", "ünï 💡", "", "\u{1}\u{8}\u{B}\u{C}"]
        for (index, text) in texts.enumerated() {
            try connection.query("INSERT INTO dimension.ad VALUES ($1, $2)", [.int(Int64(index)), .text(text)])
        }
        try connection.execute("INSERT INTO dimension.ad VALUES (99, NULL)")
        let table = try catalog.readDimensions(
            [DimensionDemand(table: "ad", columns: [.init(name: "id", type: .int4), .init(name: "note", type: .text)])],
            limits: DimensionLimits()
        ).tables[0]
        #expect(table.rowCount == texts.count + 1)
        for row in 0..<table.rowCount {
            let id = try #require(Int(table.columns[0].values.string(row)))
            let note = table.columns[1].values
            #expect(id == 99 ? note.isNull(row) : !note.isNull(row) && note.string(row) == texts[id])
        }
    }
}
