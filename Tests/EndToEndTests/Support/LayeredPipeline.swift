import Archive
import BatchWorker
import Catalog
import Logging
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing
import ViewLanguage

@testable import SpeedWorker

/// Both layers in this process, over a log in memory and a database of its own: each is moved by the test, one step at a time.
final class LayeredPipeline {
    struct View {
        var name: String
        var select: String
        /// What PostgreSQL is asked where the dialect has a word of its own.
        var oracle: String?

        /// What stands in WITH (…).
        var options: String?

        init(_ name: String, _ select: String, oracle: String? = nil, options: String? = nil) {
            self.options = options
            self.name = name
            self.select = select
            self.oracle = oracle
        }
    }

    static let sourceSQL = """
        CREATE FOREIGN TABLE page_view (
          event_id text, event_time timestamptz, visitor text, page text, amount numeric(12,2), duration_ms bigint, quantity integer,
          score double precision, ok boolean
        ) SERVER parallax OPTIONS (topic 'page_view', event_id 'event_id', event_time 'event_time',
                                   out_of_orderness '5 seconds', lateness '1 hour');

        """

    let dsn: String
    let connection: Connection
    let log: MemoryLog
    let folder: TemporaryFolder
    let views: [View]
    private(set) var definitions: Definitions
    var archiveLimits = ArchiveLimits()
    var batchSettings = BatchSettings()
    private var source: SourceDefinition { definitions.sources[0] }

    /// - Parameter sourceSQL: the CREATE FOREIGN TABLE of the one source; its topic has its name.
    convenience init(
        partitions: Int, sourceSQL: String = LayeredPipeline.sourceSQL, views: [View], clock: (@Sendable (Int) -> Instant)? = nil
    ) throws {
        try self.init(partitions: partitions, definitions: try Self.compiled(views, sourceSQL: sourceSQL), views: views, clock: clock)
    }

    /// When the n-th call appends.
    static let appendClock: @Sendable (Int) -> Instant = { Instant(microseconds: 1_767_225_600_000_000 + Int64($0)) }

    /// Other definitions of the same source.
    func apply(_ changed: Definitions, partitions: Int) throws {
        try Catalog(connection).apply(changed, partitions: [changed.sources[0].name: partitions]) { (connection) throws(ParallaxError) in
            if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
        }
        definitions = changed
    }

    /// - Parameters:
    ///   - definitions: of one source.
    ///   - views: those of the definitions that are compared with the oracle.
    init(partitions: Int, definitions: Definitions, views: [View], clock: (@Sendable (Int) -> Instant)? = nil) throws {
        dsn = try TestCluster.shared.freshDatabase()
        connection = try Connection(dsn)
        // Appended in 2026: no event lies in the future, so every one moves the watermark.
        self.definitions = definitions
        log = MemoryLog(source: definitions.sources[0].name, partitions: partitions, clock: clock ?? Self.appendClock)
        folder = try TemporaryFolder()
        self.views = views
        try Catalog.migrate(connection)
        try apply()
    }

    func apply() throws { try apply(definitions, partitions: log.partitions().count) }

    deinit {
        connection.close()
        try? TestCluster.shared.drop(dsn)
    }

    static func compiled(_ views: [View], sourceSQL: String = LayeredPipeline.sourceSQL) throws -> Definitions {
        let text =
            sourceSQL
            + views.map { "CREATE MATERIALIZED VIEW \($0.name)\($0.options.map { " WITH (\($0))" } ?? "") AS \($0.select);\n" }.joined()
        let compilation = compile([SQLFile(path: "views.sql", text: text)])
        return try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered).joined(separator: "\n"))")
    }

    private static var logger: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    /// The speed layer reads all that the log holds.
    func speed() throws { try worker().work(.untilCaughtUp) }

    func worker(_ number: Int = 1) -> SpeedWorker {
        var settings = SpeedSettings()
        settings.rules.flushInterval = .milliseconds(20)
        settings.rules.duplicateHorizon = 5_000
        settings.rules.limits.recordsPerRead = 300
        settings.pollInterval = .milliseconds(2)
        settings.discoveryInterval = .milliseconds(20)
        let log = log
        return SpeedWorker(
            id: WorkerID("00000000-0000-0000-0000-00000000000\(number)"), dsn: dsn, openLog: { _ throws(ParallaxError) in log },
            settings: settings,
            clock: SystemClock(), logger: Self.logger)
    }

    @discardableResult
    func batch(
        full: Bool = false, observe: @escaping BatchWorker.Observer = { (_) throws(ParallaxError) in }
    ) throws -> RunReport { try batchWorker(observe: observe).run(source: source.name, full: full) }

    func revert(to run: RunNumber) throws { try batchWorker().revert(source: source.name, to: run) }

    private func batchWorker(
        observe: @escaping BatchWorker.Observer = { (_) throws(ParallaxError) in }
    ) throws -> BatchWorker {
        let archive = ParquetArchive(
            writer: try ArchiveWriter(directory: folder.path, source: source, log: log, limits: archiveLimits),
            reader: try ArchiveReader(directory: folder.path, source: source))
        return BatchWorker(
            dsn: dsn, log: log, archive: archive, settings: batchSettings, logger: Self.logger,
            observe: observe
        ) { (connection) throws(ParallaxError) in _ = try ServingViews.refresh(connection) }
    }

    func revert(to run: Int64) throws {
        let catalog = Catalog(connection)
        try catalog.revert(source: try catalog.source(named: "page_view"), to: RunNumber(run)) { (connection) throws(ParallaxError) in
            _ = try ServingViews.refresh(connection)
        }
    }

    func rows(_ sql: String) throws -> [String] { Oracle.lines(try connection.query(sql)) }

    /// - Parameters:
    ///   - records: what PostgreSQL reads where it cannot read the log's own (columns from inside of objects).
    ///   - keepsCopies: for records that are loaded later and all count.
    func oracle(over records: MemoryLog? = nil, keepsCopies: Bool = false) throws -> Oracle {
        let oracle = try Oracle(
            dsn: dsn, source: source.name,
            columns: source.columns.map { Oracle.Column($0.name, $0.type.sqlName, isRequired: $0.isNotNull) },
            identity: (id: source.columns[source.eventIDColumn].name, time: source.columns[source.eventTimeColumn].name),
            keepsCopies: keepsCopies)
        try oracle.load(records ?? log)
        try oracle.parse()
        return oracle
    }

    func served(_ view: View) throws -> [String] { Oracle.lines(try servedRows(view)) }

    /// The values of the view's outputs, row by row.
    func served(values view: View) throws -> [[String?]] { try servedRows(view).rows.map(\.values) }

    private func servedRows(_ view: View) throws -> QueryResult {
        let definition = try #require(definitions.views.first { $0.name == view.name })
        let columns = definition.plan.outputs.map { Connection.quoteIdentifier($0.name) }.joined(separator: ", ")
        return try connection.query(
            "SELECT \(columns) FROM serving.\(view.name) ORDER BY \(definition.plan.outputs.indices.map { "\($0 + 1)" }.joined(separator: ", "))"
        )
    }

    /// One for each view.
    func followers() throws -> [Follower] { try views.map { try Follower(dsn, view: $0.name) } }

    /// Every view's rows are what PostgreSQL makes of the same records with the same SELECT.
    func expectEqualToOracle(_ note: String, only names: Set<String>? = nil, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let oracle = try oracle()
        for view in views where names?.contains(view.name) ?? true {
            let found = difference(try served(view), try oracle.rows(view.oracle ?? view.select))
            #expect(found == nil, "\(note), view \(view.name): \(found ?? "")", sourceLocation: sourceLocation)
        }
    }
}

/// Each has its view's rows when it has asked for what changed.
func expectFollowed(_ followers: [Follower], _ note: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    for follower in followers {
        if let wrong = try follower.follow() { Issue.record("\(note): \(wrong)", sourceLocation: sourceLocation) }
    }
}
