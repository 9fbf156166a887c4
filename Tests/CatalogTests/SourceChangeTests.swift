import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Catalog

/// Sources that change while the views over them stay.
@Suite struct SourceChangeTests {
    private static func definitions(_ columns: String, options: String = "", views: String = byPage) throws -> Definitions {
        let text = """
            CREATE FOREIGN TABLE orders (\(columns)) SERVER parallax OPTIONS (event_id 'id', event_time 'at'\(options)); \(views)
            """
        let compilation = compile([SQLFile(path: "v.sql", text: text)])
        return try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered).joined(separator: "\n"))")
    }
    private static let columns = "id text, at timestamptz, page text"
    private static let byPage = "CREATE MATERIALIZED VIEW by_page AS SELECT page, count(*) AS n FROM orders GROUP BY page;"

    private func fixture() throws -> (dsn: String, Connection) {
        let dsn = try TestCluster.shared.freshDatabase()
        return (dsn, try Connection(dsn))
    }

    @Test func aVersionStaysWhereItsColumnsDoAndItsStoredPlanFollowsTheSource() throws {
        let (dsn, connection) = try fixture()
        defer {
            connection.close()
            try? TestCluster.shared.drop(dsn)
        }
        try Catalog.migrate(connection)
        let catalog = Catalog(connection)
        func apply(_ definitions: Definitions) throws -> [String] {
            let plan = try catalog.planApply(definitions)
            try catalog.apply(definitions, partitions: ["orders": 1]) { _ in }
            return plan.changes.map { "\($0.action) \($0.name)" }
        }
        _ = try apply(try Self.definitions(Self.columns))
        let id = try catalog.source(named: "orders").id
        let first = try #require(try catalog.versions(ofSource: id).first)
        // The source has been read: a new version would need a slice of its own.
        try connection.execute("UPDATE parallax.partition_position SET next_offset = 5")

        let wider = try Self.definitions("referrer text, id text, at timestamptz, page text", options: ", lateness '2 hours'")
        #expect(try apply(wider) == ["changed orders", "unchanged by_page"])
        let version = try catalog.versions(ofSource: id)
        #expect(version.map(\.id) == [first.id])
        #expect(version.first?.plan == wider.views[0].plan)
        #expect(version.first?.plan != first.plan)
        #expect(try catalog.requestedSlice(source: id) == .first)

        // A version that waits for its first run and the one that is served follow alike.
        let changed = "CREATE MATERIALIZED VIEW by_page AS SELECT page, count(*) AS n, max(at) AS last FROM orders GROUP BY page;"
        _ = try apply(try Self.definitions("referrer text, id text, at timestamptz, page text", views: changed))
        let last = try Self.definitions(Self.columns, views: changed)
        _ = try apply(last)
        let plans = try catalog.versions(ofSource: id).map(\.plan)
        #expect(plans.count == 2 && plans.allSatisfy { $0.source == last.sources[0] })
        #expect(plans[0].version == first.plan.version)

        // Columns that a version read and that are gone: it keeps the form that it was compiled for.
        let narrow = try Self.definitions(
            "id text, at timestamptz", views: "CREATE MATERIALIZED VIEW by_page AS SELECT count(*) AS n FROM orders;")
        _ = try apply(narrow)
        let left = try catalog.versions(ofSource: id)
        #expect(left.map(\.plan.source.columns.count) == [3, 2])
    }

    /// What an earlier release stored goes on under its new names: nothing is computed again.
    @Test func versionsOfTheFirstReleaseAreNamedAnewAndNotRebuilt() throws {
        let (dsn, connection) = try fixture()
        defer {
            connection.close()
            try? TestCluster.shared.drop(dsn)
        }
        let definitions = try Self.definitions("referrer text, \(Self.columns)")
        let catalog = Catalog(connection)
        try connection.execute("CREATE SCHEMA parallax; CREATE SCHEMA batch; CREATE SCHEMA speed")
        try connection.execute(
            "CREATE TABLE parallax.migration (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        try connection.execute(migration1.sql)
        try connection.execute("INSERT INTO parallax.migration VALUES (1, 'control tables')")
        try connection.query(
            "INSERT INTO parallax.source (name, definition) VALUES ('orders', $1::jsonb)",
            [.text(try catalog.encodeStored(definitions.sources[0]))])
        try connection.execute("INSERT INTO parallax.published VALUES (1, 3, 4); INSERT INTO parallax.watermark VALUES (1, NULL)")
        try connection.execute("INSERT INTO parallax.publication VALUES (1, 3, 4, '{}')")
        try connection.execute("INSERT INTO parallax.view (source_id, name) VALUES (1, 'by_page')")
        try connection.query(
            """
            INSERT INTO parallax.view_version (view_id, hash, plan, select_text, state_table, first_slice)
            VALUES (1, 'anotherrule0', $1::jsonb, '', 'by_page_1', 1), (1, 'unreadable00', '{}', '', 'by_page_2', 1)
            """, [.text(try catalog.encodeStored(definitions.views[0].plan))])

        #expect(try Catalog.migrate(connection).contains("3 changing definitions, held runs, retention"))
        let hashes = try connection.query("SELECT hash FROM parallax.view_version ORDER BY version_id").rows.map { $0[0] ?? "" }
        #expect(hashes == [definitions.views[0].version, "unreadable00"])
        #expect(
            try connection.query("SELECT source_form FROM parallax.publication").rows.map { $0[0] } == [definitions.sources[0].form])
        try connection.execute("DELETE FROM parallax.view_version WHERE version_id = 2")
        #expect(try catalog.planApply(definitions).isEmpty)
    }
}
