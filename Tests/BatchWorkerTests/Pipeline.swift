import Archive
import BatchLayer
import Catalog
import Columns
import Foundation
import Logging
import MergeLaw
import Operators
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing
import ViewLanguage

@testable import BatchWorker

/// A log, an archive and a database of one test's own, with views of every kind.
final class Pipeline {
    static let sourceSQL = """
        CREATE FOREIGN TABLE page_view (
          event_id text, event_time timestamptz, visitor text, page text, country text, amount numeric(12,2), duration_ms bigint,
          score double precision
        ) SERVER parallax OPTIONS (topic 'page_view', event_id 'event_id', event_time 'event_time',
                                   out_of_orderness '5 seconds', lateness '10 minutes');

        """
    static let byPage = """
        SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS views, count(DISTINCT visitor) AS visitors,
               sum(amount) AS revenue, avg(amount) AS average, min(duration_ms) AS fastest, max(amount) AS largest, count(score) AS scores
        FROM page_view GROUP BY minute, page
        """
    static let abroad = """
        SELECT tumble(event_time, '5 minutes') AS start, count(*) FILTER (WHERE amount > 0) AS purchases, max(page) AS page,
               min(event_time) AS earliest
        FROM page_view WHERE country <> 'ZZ' GROUP BY start
        """
    static let byCountry = """
        SELECT country, sum(score) AS score, avg(duration_ms) AS average, count(*) AS n FROM page_view GROUP BY country
        """
    static let totals = "SELECT count(*) AS n, sum(amount) AS revenue, count(DISTINCT page) AS pages FROM page_view"
    static let standard = [("by_page", byPage), ("abroad", abroad), ("by_country", byCountry), ("totals", totals)]

    let dsn: String
    let connection: Connection
    let log: MemoryLog
    let folder: TemporaryFolder
    private(set) var source: SourceDefinition
    private(set) var views: [(name: String, select: String)]
    var settings = BatchSettings()
    var archiveLimits = ArchiveLimits()

    var catalog: Catalog { Catalog(connection) }

    init(partitions: Int, views: [(String, String)] = Pipeline.standard, recordsPerSegment: Int = 700) throws {
        dsn = try TestCluster.shared.freshDatabase()
        connection = try Connection(dsn)
        log = MemoryLog(partitions: partitions)
        folder = try TemporaryFolder()
        archiveLimits.recordsPerSegment = recordsPerSegment
        archiveLimits.recordsPerRowGroup = max(1, recordsPerSegment / 3)
        self.views = []
        source = try Self.compiled([]).sources[0]
        try Catalog.migrate(connection)
        try apply(views)
    }

    deinit {
        connection.close()
        try? TestCluster.shared.drop(dsn)
    }

    private static func compiled(_ views: [(String, String)]) throws -> Definitions {
        let text = sourceSQL + views.map { "CREATE MATERIALIZED VIEW \($0) AS \($1);\n" }.joined()
        let compilation = compile([SQLFile(path: "views.sql", text: text)])
        return try #require(compilation.definitions, "\(compilation.diagnostics)")
    }

    func apply(_ views: [(String, String)]) throws {
        let definitions = try Self.compiled(views)
        self.views = views
        try catalog.apply(definitions, partitions: ["page_view": try log.partitions().count]) { (connection) throws(ParallaxError) in
            if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
        }
    }

    func worker(observe: @escaping BatchWorker.Observer = { (_) throws(ParallaxError) in }) throws -> BatchWorker {
        let archive = ParquetArchive(
            writer: try ArchiveWriter(directory: folder.path, source: source, log: log, limits: archiveLimits),
            reader: try ArchiveReader(directory: folder.path, source: source))
        var logger = Logger(label: "batch")
        logger.logLevel = .critical
        return BatchWorker(
            dsn: dsn, log: log, archive: archive, settings: settings, logger: logger, observe: observe
        ) { (connection) throws(ParallaxError) in _ = try ServingViews.refresh(connection) }
    }

    @discardableResult
    func run(full: Bool = false) throws -> RunReport { try worker().run(source: "page_view", full: full) }

    func rows(_ sql: String) throws -> [String] { Oracle.lines(try connection.query(sql)) }
    func value(_ sql: String) throws -> String { try connection.query(sql).rows.first?[0] ?? "null" }

    /// What every merged view shows, as one list of lines.
    func served() throws -> [String] {
        var lines: [String] = []
        for view in views { lines += try servedRows(view.name).map { "\(view.name): \($0)" } }
        return lines
    }

    func servedRows(_ view: String) throws -> [String] {
        let definition = try #require(try Self.compiled(views).views.first { $0.name == view })
        let columns = definition.plan.outputs.map { Connection.quoteIdentifier($0.name) }.joined(separator: ", ")
        return try rows("SELECT \(columns) FROM serving.\(view)")
    }

    /// What PostgreSQL makes of the log below a cut (nil: all of it): raw events in, the view's own SELECT over them.
    func oracle(below cut: Cut? = nil) throws -> Oracle {
        let oracle = try Oracle(
            dsn: dsn, source: "page_view",
            columns: source.columns.map { Oracle.Column($0.name, $0.type.sqlName, isRequired: $0.isNotNull) },
            identity: (id: "event_id", time: "event_time"))
        try oracle.load(log, to: cut)
        try oracle.parse()
        return oracle
    }

    /// Every served view equals the oracle's rows over the whole log.
    func expectServedEqualsOracle(_ message: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let oracle = try oracle()
        for view in views {
            let found = difference(try servedRows(view.name), try oracle.rows(view.select))
            #expect(found == nil, "\(message), view \(view.name): \(found ?? "")", sourceLocation: sourceLocation)
        }
    }

    func tables(_ view: String) throws -> StateTables {
        let id = try catalog.source(named: "page_view").id
        return StateTables(try #require(try catalog.versions(ofSource: id).last { $0.viewName == view }))
    }

    func decoded(_ records: RecordBatch) -> EventBatch { EventDecoder(source).decode(records) }

    func batchTable(_ view: String) throws -> String { try tables(view).batchTable }
}

extension Pipeline {
    /// The archive's segments in the order of their names.
    func segmentPaths() throws -> [String] {
        try worker().archive.segments(below: Cut([Partition(0): log.bounds(of: Partition(0)).upperBound])).map(\.name).sorted()
    }

    /// Turns one bit in the middle of a file; twice leaves it as it was.
    func flipByte(of path: String) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
    }
}
