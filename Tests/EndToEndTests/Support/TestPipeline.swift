import EmbeddedLog
import Foundation
import ParallaxCore
import Postgres
import PrivatePostgres
import TestSupport
import ViewLanguage

/// A pipeline folder with a private PostgreSQL that this test keeps up, driven by the binary.
final class TestPipeline {
    let folder: TemporaryFolder
    let server: PrivatePostgres
    let dsn: String
    let connection: Connection
    var path: String { folder.path }

    static let pageViewColumns = [
        Oracle.Column("event_id", "uuid"), Oracle.Column("event_time", "timestamptz"), Oracle.Column("visitor", "text"),
        Oracle.Column("page", "text"),
        Oracle.Column("country", "text"), Oracle.Column("amount", "numeric(12,2)"), Oracle.Column("duration_ms", "bigint"),
    ]

    /// - Parameters:
    ///   - lateness: of page_view; the default is later than anything.
    ///   - configuration: the text of parallax.yaml.
    init(sql: String, configuration: String) throws {
        folder = try TemporaryFolder()
        try Data(sql.utf8).write(to: URL(fileURLWithPath: folder.path + "/views.sql"))
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: folder.path + "/parallax.yaml"))
        try ServerTemplates.copyPrivatePostgres(to: folder.path + "/.parallax/postgres")
        let applied = try Program.run(["apply", "--yes", "--pipeline", folder.path])
        guard applied.status == 0 else { throw ParallaxError(.internalInconsistency, "apply: \(applied.errors)") }
        server = PrivatePostgres(folder: folder.path + "/.parallax/postgres")
        dsn = try server.acquire()
        connection = try Connection(dsn)
    }

    /// A pipeline that is there already, applied.
    init(existing folder: TemporaryFolder) throws {
        self.folder = folder
        server = PrivatePostgres(folder: folder.path + "/.parallax/postgres")
        dsn = try server.acquire()
        connection = try Connection(dsn)
    }

    /// What `parallax init` makes, applied.
    static func demo() throws -> TestPipeline {
        let folder = try TemporaryFolder()
        try ServerTemplates.copyPrivatePostgres(to: folder.path + "/.parallax/postgres")
        for command in [["init", folder.path], ["apply", "--yes", "--pipeline", folder.path]] {
            let result = try Program.run(command)
            guard result.status == 0 else { throw ParallaxError(.internalInconsistency, "\(command[0]): \(result.errors)") }
        }
        return try TestPipeline(existing: folder)
    }

    deinit {
        connection.close()
        _ = try? Program.run(["down", "--pipeline", folder.path])
        try? server.release()
        try? server.stop(force: true)
    }

    static func pageViews(lateness: String = "70000000 hours", views: String) -> String {
        """
        CREATE FOREIGN TABLE page_view (
          event_id uuid, event_time timestamptz, visitor text, page text, country text, amount numeric(12,2), duration_ms bigint
        ) SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time', out_of_orderness '5 seconds', lateness '\(lateness)');
        \(views)
        """
    }

    @discardableResult
    func run(_ arguments: String..., environment: [String: String] = [:], expecting status: Int32? = 0) throws -> Program.Result {
        let result = try Program.run(arguments + ["--pipeline", path], environment: environment)
        if let status, result.status != status {
            throw ParallaxError(
                .internalInconsistency, "parallax \(arguments.joined(separator: " ")) ended with \(result.status), not \(status)",
                detail: result.errors + result.output)
        }
        return result
    }

    func start(_ arguments: String..., environment: [String: String] = [:]) throws -> Program.Running {
        try Program.start(arguments + ["--pipeline", path], environment: environment)
    }

    /// Set where the pipeline's log is not the embedded one.
    var openLog: ((String) throws -> any EventLog)?

    func log(_ source: String = "page_view") throws -> EmbeddedLog {
        try EmbeddedLog(readingFrom: path + "/.parallax/log", source: source)
    }

    /// Writes the definitions anew; nothing is applied.
    func define(_ sql: String) throws { try Data(sql.utf8).write(to: URL(fileURLWithPath: path + "/views.sql")) }

    func ingest(_ source: String, _ lines: String) throws {
        let result = try Program.run(["ingest", source, "-", "--pipeline", path], input: Data(lines.utf8))
        guard result.status == 0 else { throw ParallaxError(.internalInconsistency, "ingest: \(result.errors)") }
    }

    func value(_ sql: String) throws -> Int64 { try connection.value(sql) }

    /// Loads the whole log into the oracle and compares every view.
    /// - Parameter columns: what of each view is compared (by default everything that is not an estimate).
    func compare(
        _ views: [(name: String, select: String, columns: String)], source: String = "page_view",
        oracle columns: [Oracle.Column] = pageViewColumns, topic: String? = nil,
        identity: (id: String, time: String) = ("event_id", "event_time")
    ) throws -> [String] {
        let oracle = try Oracle(dsn: dsn, source: source, columns: columns, identity: identity)
        try oracle.load(try openLog?(topic ?? source) ?? log(topic ?? source))
        try oracle.parse()
        var differences: [String] = []
        for view in views {
            let ours = Oracle.lines(try connection.query("SELECT \(view.columns) FROM serving.\(Connection.quoteIdentifier(view.name))"))
            let theirs = try oracle.rows("SELECT \(view.columns) FROM (\(view.select)) q")
            if let text = difference(ours, theirs) { differences.append("\(view.name): \(text)") }
        }
        return differences
    }
}

extension Connection {
    /// One number; a sum of nothing is 0. A query without a row is an error, and not the end of all tests.
    func value(_ sql: String) throws -> Int64 {
        guard let row = try query(sql).rows.first else { throw ParallaxError(.internalInconsistency, "no row: \(sql)") }
        return try row.optionalInt(0) ?? 0
    }
}
