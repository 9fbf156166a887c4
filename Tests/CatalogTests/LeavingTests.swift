import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Catalog

/// Sources that are dropped, and what another version of Parallax stored.
@Suite struct LeavingTests {
    private static func source(_ name: String) -> String {
        "CREATE FOREIGN TABLE \(name) (id text, at timestamptz, page text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');\n"
    }
    private static func view(_ name: String, _ source: String) -> String {
        "CREATE MATERIALIZED VIEW \(name) AS SELECT page, count(*) AS n FROM \(source) GROUP BY page;\n"
    }
    private static let both = source("click") + source("sale") + view("clicks", "click") + view("sales", "sale")

    private func catalog() throws -> Catalog {
        let connection = try Connection(try TestCluster.shared.freshDatabase())
        try Catalog.migrate(connection)
        return Catalog(connection, patience: LockPatience(tries: 1))
    }

    private func definitions(_ text: String) throws -> Definitions {
        let compilation = compile([SQLFile(path: "p.sql", text: text)])
        return try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered))")
    }

    /// What the plan says, a line a change that is one.
    @discardableResult
    private func apply(_ catalog: Catalog, _ text: String) throws -> [String] {
        let definitions = try definitions(text)
        let changes = try catalog.planApply(definitions).changes.filter { $0.action != .unchanged }
        try catalog.apply(definitions, partitions: [:]) { (_) throws(ParallaxError) in }
        return changes.map {
            "\($0.action) \($0.kind) \($0.name)" + ($0.needsConsent ? " asks" : "") + ($0.isUnreadable ? " unreadable" : "")
                + ($0.isServedUnreadable ? " served" : "")
        }
    }

    @Test func aSourceThatNoDefinitionNamesGoesWithEverythingThatIsKeptForIt() throws {
        let catalog = try catalog()
        try apply(catalog, Self.both)
        let source = try catalog.source(named: "sale")
        // A bit of everything: a publication, a held run, a boundary, rejections, a gap, drift.
        let run = try catalog.beginRun(source: source, isFull: false)
        _ = try catalog.completeBoundaries(run, logEnds: [Partition(0): Offset(7)])
        for version in try catalog.versions(for: run) { try catalog.markFirstRun(version, run) }
        try catalog.publish(run, cut: Cut(try catalog.boundaries(of: run))) { _ in }
        try catalog.endRun(run)
        let held = try catalog.beginRun(source: try catalog.source(named: "sale"), isFull: false)
        try catalog.hold(held, because: "drift", statistics: "{}")
        try catalog.endRun(held)
        try catalog.recordGaps(
            [AcceptedGap(partition: Partition(0), offsets: Offset(0)..<Offset(1), acceptedAt: Instant(microseconds: 0))], source: source.id)
        try catalog.connection.execute(
            """
            INSERT INTO parallax.rejected_live VALUES (\(source.id), 1, '', 'malformed_json', 1), (\(source.id), 1, 'sales', 'x', 1);
            INSERT INTO parallax.rejected_record (source_id, partition, record_offset, reason, message) VALUES (\(source.id), 0, 0, 'x', 'y');
            INSERT INTO parallax.drift SELECT 1, version_id, 'n', 1, 0, 0, 0 FROM parallax.view_version;
            INSERT INTO parallax.touched_window SELECT version_id, '-infinity', 1 FROM parallax.view_version;
            """)
        let change = try #require(try catalog.planApply(definitions(Self.source("click"))).changes.first { $0.action == .dropped })
        #expect(change.kind == .source && change.name == "sale" && change.source == source.definition && change.needsConsent)

        #expect(
            try apply(catalog, Self.source("click") + Self.view("clicks", "click"))
                == ["dropped source sale asks", "dropped view sales asks"])
        #expect(try catalog.sources().map(\.name) == ["click"])
        let columns = try catalog.connection.query(
            """
            SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'parallax'::regnamespace AND c.relkind = 'r' AND a.attname IN ('source_id', 'version_id', 'run_id')
            """
        ).rows
        #expect(columns.count > 12)
        for row in columns {
            let (table, column) = (row[0] ?? "", row[1] ?? "")
            // Source 1 and version 1 are those of clicks; both runs were of sale.
            let left = try catalog.connection.query(
                "SELECT count(*) FROM parallax.\(table) WHERE \(column) > \(column == "run_id" && table != "drift" ? 0 : 1)"
            ).rows[0].int(0)
            #expect(left == 0, "\(table).\(column)")
        }
        #expect(try catalog.connection.query("SELECT tablename FROM pg_tables WHERE schemaname IN ('batch', 'speed')").rows.count == 2)
        // A run of it that is under way, and a worker, hear that it is gone.
        let fenced = #expect(throws: ParallaxError.self) { try catalog.checkFence(held) }
        let worker = #expect(throws: ParallaxError.self) { _ = try catalog.control(source: source.id) }
        #expect(fenced?.code == .fenced && worker?.code == .fenced)
        // It may come back, and begins with its log.
        #expect(try apply(catalog, Self.both) == ["new source sale", "new view sales"])
        #expect(try catalog.versions(ofSource: catalog.source(named: "sale").id).map(\.isActive) == [true])
    }

    @Test func aPlanThatCannotBeReadIsBuiltAnew() throws {
        let catalog = try catalog()
        try apply(catalog, Self.both)
        // Not the first: a new version would begin with the log.
        try catalog.connection.execute("UPDATE parallax.partition_position SET next_offset = 5")
        let before = try catalog.connection.query("SELECT state_table, hash FROM parallax.view_version ORDER BY 1").rows
        try catalog.connection.execute(
            "UPDATE parallax.view_version SET plan = '{\"of\": \"tomorrow\"}' WHERE state_table LIKE 'clicks%'")
        let workers = #expect(throws: ParallaxError.self) { _ = try catalog.versions(ofSource: catalog.source(named: "click").id) }
        #expect(workers?.code == .corrupt && workers?.hint?.contains("parallax apply") == true)
        #expect(try apply(catalog, Self.both) == ["changed view clicks asks unreadable served"])
        let after = try catalog.connection.query("SELECT state_table, hash FROM parallax.view_version ORDER BY 1").rows
        // The same definition has the same name, and other tables; the other view is left alone.
        #expect(after.map { $0[1] } == before.map { $0[1] } && after[0][0] != before[0][0] && after[1][0] == before[1][0])
        let version = try #require(try catalog.versions(ofSource: catalog.source(named: "click").id).first)
        #expect(!version.isActive && version.firstSlice == SliceNumber(2))
        #expect(try apply(catalog, Self.both) == [])

        // Only the version that waits: what is served stays served.
        let changed = Self.both.replacing("SELECT page, count(*) AS n FROM sale", with: "SELECT page, count(*) AS m FROM sale")
        #expect(try apply(catalog, changed) == ["changed view sales asks"])
        try catalog.connection.execute(
            "UPDATE parallax.view_version SET plan = '[]' WHERE version_id = (SELECT max(version_id) FROM parallax.view_version)")
        #expect(try apply(catalog, changed) == ["changed view sales asks unreadable"])
        #expect(try catalog.versions(ofSource: catalog.source(named: "sale").id).map(\.isActive) == [true, false])

        // Sources and tables likewise.
        let withTable = changed + "CREATE TABLE ad (id int PRIMARY KEY)"
        try apply(catalog, withTable)
        try catalog.connection.execute(
            "UPDATE parallax.source SET definition = '{}' WHERE name = 'sale'; UPDATE parallax.dimension SET definition = '{}'")
        #expect(try apply(catalog, withTable) == ["changed source sale asks unreadable", "changed table ad"])
        #expect(try apply(catalog, withTable) == [])
        try catalog.connection.execute("UPDATE parallax.source SET definition = '{}' WHERE name = 'sale'")
        #expect(
            try apply(catalog, Self.source("click") + Self.view("clicks", "click"))
                == ["dropped source sale asks", "dropped table ad asks", "dropped view sales asks"])
    }

    /// The version that was replaced is still there: no clean-up has met it since the publication.
    @Test func aDefinitionThatWasReplacedComesBackBeforeAnyCleanUp() throws {
        let catalog = try catalog()
        try apply(catalog, Self.both)
        let source = try catalog.source(named: "sale")
        let first = try #require(try catalog.versions(ofSource: source.id).first)
        // Not the first: a new version would begin with the log.
        try catalog.connection.execute("UPDATE parallax.partition_position SET next_offset = 5")
        let changed = Self.both.replacing("SELECT page, count(*) AS n FROM sale", with: "SELECT page, count(*) AS m FROM sale")
        #expect(try apply(catalog, changed) == ["changed view sales asks"])
        let run = try catalog.beginRun(source: try catalog.source(named: "sale"), isFull: false)
        _ = try catalog.completeBoundaries(run, logEnds: [:])
        for version in try catalog.versions(for: run) { try catalog.markFirstRun(version, run) }
        try catalog.publish(run, cut: Cut(try catalog.boundaries(of: run))) { _ in }
        try catalog.endRun(run)
        #expect(try catalog.versions(ofSource: source.id).map(\.isActive) == [false, true])

        #expect(try apply(catalog, Self.both) == ["changed view sales asks"])
        let versions = try catalog.versions(ofSource: source.id)
        #expect(versions.map(\.isActive) == [true, false])
        let again = try #require(versions.last)
        #expect(again.hash == first.hash && again.id != first.id && again.firstRun == nil && again.firstSlice > run.slice)
        for schema in ["batch", "speed"] {
            let tables = try catalog.connection.query(
                "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename LIKE 'sales%' ORDER BY 1", [.text(schema)]
            ).rows.compactMap { $0[0] }
            #expect(tables == versions.map(\.stateTable).sorted(), "\(schema)")
        }
    }

    /// Dropped by an apply between the caller's look and its transaction.
    @Test func aSourceThatIsGoneIsNamedToARunAndARevert() throws {
        let catalog = try catalog()
        try apply(catalog, Self.both)
        let source = try catalog.source(named: "sale")
        try apply(catalog, Self.source("click") + Self.view("clicks", "click"))
        let run = #expect(throws: ParallaxError.self) { _ = try catalog.beginRun(source: source, isFull: false) }
        let revert = #expect(throws: ParallaxError.self) { try catalog.revert(source: source, to: RunNumber(1)) { _ in } }
        let slice = #expect(throws: ParallaxError.self) { _ = try catalog.requestSlice(source: source.id) }
        #expect(run == Catalog.sourceIsGone(source.id) && revert == run && slice == run)
    }

    @Test func aCatalogOfAnotherVersionIsNamed() throws {
        let catalog = try catalog()
        try apply(catalog, Self.both)
        try catalog.checkVersion()
        let newest = try #require(migrations.last).number
        let before = try #require(migrations.dropLast().last).number
        try catalog.connection.execute("DELETE FROM parallax.migration WHERE number = \(newest)")
        let older = #expect(throws: ParallaxError.self) { try catalog.checkVersion() }
        #expect(
            older?.code == .configuration
                && older?.message.hasSuffix("at version \(before), this binary needs version \(newest)") == true)
        #expect(older?.hint?.contains("parallax apply") == true)
        try catalog.connection.execute("INSERT INTO parallax.migration VALUES (\(newest), ''), (\(newest + 1), '')")
        let newer = #expect(throws: ParallaxError.self) { try catalog.checkVersion() }
        #expect(newer?.message.hasSuffix("at version \(newest + 1), this binary knows version \(newest)") == true)
        // Everybody who asks for what they work on hears it.
        let worker = #expect(throws: ParallaxError.self) { _ = try catalog.control(source: SourceID(1)) }
        let others = #expect(throws: ParallaxError.self) { _ = try catalog.sources() }
        #expect(worker == newer && others == newer)
        // Also where they lack one in the middle, which the newest number does not show.
        let middle = migrations[migrations.count / 2]
        try catalog.connection.execute("DELETE FROM parallax.migration WHERE number IN (\(newest + 1), \(middle.number))")
        let hole = #expect(throws: ParallaxError.self) { try catalog.checkVersion() }
        #expect(
            hole?.code == .configuration && hole?.message.contains("lack what version \(middle.number) brought (\(middle.name))") == true,
            "\(String(describing: hole))")
        #expect(hole?.hint?.contains("parallax apply") == true)
        let inHole = #expect(throws: ParallaxError.self) { _ = try catalog.control(source: SourceID(1)) }
        let ofHole = #expect(throws: ParallaxError.self) { _ = try catalog.sources() }
        #expect(inHole == hole && ofHole == hole)
        // Half of them: the rest was never run.
        try catalog.connection.execute("DELETE FROM parallax.migration WHERE number > \(middle.number)")
        let half = #expect(throws: ParallaxError.self) { try catalog.checkVersion() }
        #expect(half?.message.hasSuffix("at version \(middle.number - 1), this binary needs version \(newest)") == true)
        let empty = Catalog(try Connection(try TestCluster.shared.freshDatabase()))
        let missing = #expect(throws: ParallaxError.self) { try empty.checkVersion() }
        #expect(missing?.code == .missing)
    }
}
