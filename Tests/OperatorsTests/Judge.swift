import Columns
import ParallaxCore
import Postgres
import TestSupport
import ViewLanguage

@testable import Operators

/// Events of `everyType` in PostgreSQL, and PostgreSQL's answers about them.
final class Judge {
    let connection: Connection
    let oracle: Oracle

    init(_ batch: RecordBatch, source: SourceDefinition = everyType) throws {
        let dsn = try TestCluster.shared.freshDatabase()
        oracle = try Oracle(
            dsn: dsn, source: source.name,
            columns: source.columns.map { .init($0.name, $0.type.sqlName == "timestamptz" ? "timestamptz" : $0.type.sqlName) },
            identity: ("id", "at"))
        try oracle.load(batch)
        try oracle.parse()
        connection = try Connection(dsn)
        try connection.execute("CREATE EXTENSION hll; SET search_path = oracle, public; SET timezone = 'UTC'")
    }

    /// For each record whether PostgreSQL takes it for an event.
    func accepted() throws -> [Bool] {
        try connection.query("SELECT (e).id IS NOT NULL FROM parsed ORDER BY record_offset").rows.map { try $0.bool(0) }
    }

    /// The lines of COPY's text format, sorted.
    func copyLines(_ select: String) throws -> [String] {
        var lines: [String] = []
        try connection.copyOut("COPY (\(select)) TO STDOUT") { (row) throws(ParallaxError) in
            lines.append(String(decoding: row.last == 10 ? row[..<(row.count - 1)] : row[...], as: UTF8.self))
        }
        return lines.sorted()
    }
}

/// Events whose ids differ, so that no judge takes two for one.
func randomEvents(_ count: Int, seed: UInt64) -> RecordBatch {
    var random = SeededGenerator(seed: seed)
    return records((0..<count).map { _ in randomPayload(&random) })
}
