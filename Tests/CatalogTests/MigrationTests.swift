import Postgres
import TestSupport
import Testing

@testable import Catalog

@Suite struct MigrationTests {
    private static func schemas(_ connection: Connection) throws -> [String] {
        try connection.query("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')")
            .rows.compactMap { $0[0] }.sorted()
    }

    @Test func everySchemaThatWeMakeIsUsed() throws {
        let connection = try Connection(try TestCluster.shared.freshDatabase())
        try Catalog.migrate(connection)
        #expect(try Self.schemas(connection) == ["batch", "comparison", "dimension", "parallax", "serving", "speed"])
    }

    /// What a database from before migration 14 has (now migration 18 makes it, and fills it): dropped where it is empty, left where somebody has put something there.
    @Test(arguments: [false, true]) func anEmptySchemaGoesAndAUsedOneStays(isUsed: Bool) throws {
        let connection = try Connection(try TestCluster.shared.freshDatabase())
        try Catalog.migrate(connection)
        try connection.execute("DELETE FROM parallax.migration WHERE number = 14")
        if isUsed { try connection.execute("CREATE TABLE comparison.mine (n integer)") }
        #expect(try Catalog.migrate(connection) == ["14 no empty schema for comparisons"])
        #expect(try Self.schemas(connection).contains("comparison") == isUsed)
    }
}
