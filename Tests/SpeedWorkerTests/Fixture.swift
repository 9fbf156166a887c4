import Catalog
import Foundation
import Glibc
import Logging
import ParallaxCore
import Postgres
import ServingViews
import SpeedLayer
import Synchronization
import TestSupport
import Testing
import ViewLanguage

@testable import SpeedWorker

/// A pipeline of one source over a log in memory, in a database of its own.
final class Fixture: Sendable {
    let dsn: String
    let log: MemoryLog
    let partitions: Int

    static let source = """
        CREATE FOREIGN TABLE page_view (
          event_id text, event_time timestamptz, visitor text, page text, amount numeric(12,2), duration_ms bigint
        ) SERVER parallax OPTIONS (topic 'page_view', event_id 'event_id', event_time 'event_time',
                                   out_of_orderness '5 seconds', lateness '1 hour');
        """
    static let traffic = """
        CREATE MATERIALIZED VIEW traffic AS
        SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS views, sum(amount) AS revenue, avg(duration_ms) AS mean,
               min(duration_ms) AS shortest, max(amount) AS largest
        FROM page_view WHERE page <> '/hidden' GROUP BY minute, page;
        """
    static let totals = """
        CREATE MATERIALIZED VIEW totals AS SELECT page, count(*) AS views, sum(amount) AS revenue FROM page_view GROUP BY page;
        """

    init(partitions: Int = 1, definitions: [String] = [source, traffic, totals], clock: (@Sendable (Int) -> Instant)? = nil) throws {
        dsn = try TestCluster.shared.freshDatabase()
        self.partitions = partitions
        log =
            if let clock { MemoryLog(partitions: partitions, clock: clock) } else { MemoryLog(partitions: partitions) }
        let connection = try Connection(dsn)
        defer { connection.close() }
        try Catalog.migrate(connection)
        try apply(definitions)
    }

    deinit { try? TestCluster.shared.drop(dsn) }

    func apply(_ definitions: [String]) throws {
        let compiled = compile([SQLFile(path: "views.sql", text: definitions.joined(separator: "\n"))])
        let all = try #require(compiled.definitions, "\(compiled.diagnostics)")
        let connection = try Connection(dsn)
        defer { connection.close() }
        try Catalog(connection).apply(all, partitions: ["page_view": partitions]) { connection throws(ParallaxError) in
            if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
        }
    }

    /// Quick to notice things, with a short warm-up.
    static var settings: SpeedSettings {
        var settings = SpeedSettings()
        settings.rules.flushInterval = .milliseconds(20)
        settings.rules.duplicateHorizon = 5_000
        settings.rules.limits.recordsPerRead = 300
        settings.pollInterval = .milliseconds(2)
        settings.discoveryInterval = .milliseconds(20)
        settings.minimumBackoff = .milliseconds(5)
        settings.maximumBackoff = .milliseconds(50)
        settings.maximumRefusalWait = .milliseconds(50)
        return settings
    }

    static func id(_ number: Int) -> WorkerID { WorkerID("00000000-0000-0000-0000-" + String(format: "%012d", number)) }

    func worker(
        _ number: Int = 1, settings: SpeedSettings = Fixture.settings, clock: any WorkerClock = SystemClock(),
        onOpenLog: @escaping @Sendable () -> Void = {}
    ) -> SpeedWorker {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let log = log
        return SpeedWorker(
            id: Self.id(number), dsn: dsn,
            openLog: { _ throws(ParallaxError) in
                onOpenLog()
                return log
            }, settings: settings, clock: clock, logger: logger)
    }

    /// One worker's life, on this thread.
    func catchUp(_ number: Int = 1, settings: SpeedSettings = Fixture.settings) throws -> SpeedStatistics {
        let worker = worker(number, settings: settings)
        try worker.work(.untilCaughtUp)
        return worker.statistics
    }

    func rows(_ sql: String) throws -> [String] {
        let connection = try Connection(dsn)
        defer { connection.close() }
        return Oracle.lines(try connection.query(sql))
    }

    func value(_ sql: String) throws -> String { try rows(sql).first ?? "no row" }

    func execute(_ sql: String) throws {
        let connection = try Connection(dsn)
        defer { connection.close() }
        try connection.execute(sql)
    }

    func withCatalog<R>(_ body: (Catalog, _ source: SourceID) throws -> R) throws -> R {
        let connection = try Connection(dsn)
        defer { connection.close() }
        let catalog = Catalog(connection)
        return try body(catalog, try catalog.source(named: "page_view").id)
    }

    /// Every row of both views equals what PostgreSQL computes over the raw records.
    func expectEqualToOracle(_ note: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let oracle = try Oracle(
            dsn: dsn, source: "page_view",
            columns: [
                .init("event_id", "text"), .init("event_time", "timestamptz"), .init("visitor", "text"), .init("page", "text"),
                .init("amount", "numeric(12,2)"), .init("duration_ms", "bigint"),
            ], identity: ("event_id", "event_time"))
        try oracle.load(log)
        try oracle.parse()
        for (view, definition) in [("traffic", Self.traffic), ("totals", Self.totals)] {
            let select = try #require(definition.firstRange(of: "SELECT").map { String(definition[$0.lowerBound...].dropLast()) })
            let columns = view == "traffic" ? "minute, page, views, revenue, mean, shortest, largest" : "page, views, revenue"
            let expected = try oracle.rows(select.trimmingCharacters(in: .whitespacesAndNewlines.union([";"])))
            let found = try rows("SELECT \(columns) FROM serving.\(view)")
            if let difference = difference(found, expected) {
                Issue.record("\(note): \(view): \(difference)", sourceLocation: sourceLocation)
            }
        }
    }
}

/// A worker on a thread of its own.
final class RunningWorker: Sendable {
    let worker: SpeedWorker
    private let ended = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<Void, ParallaxError>?>(nil)

    init(_ worker: SpeedWorker, _ goal: Goal = .untilStopped) {
        self.worker = worker
        let ended = ended
        Thread.detachNewThread { [self] in
            let outcome = Result { () throws(ParallaxError) in try worker.work(goal) }
            result.withLock { $0 = outcome }
            ended.signal()
        }
    }

    var statistics: SpeedStatistics { worker.statistics }

    /// Waits for the end of `run`, after asking for it.
    func stop() throws {
        worker.stop()
        try join()
    }

    func join() throws {
        guard ended.wait(timeout: .now() + 60) == .success else {
            Issue.record("the worker did not end within 60 s")
            return
        }
        ended.signal()
        try result.withLock { $0 }?.get()
    }
}

func waitFor(
    _ what: String, within limit: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
) throws {
    let deadline = ContinuousClock.now + limit
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("waited \(limit) for \(what)", sourceLocation: sourceLocation)
            throw ParallaxError(.internalInconsistency, "waited \(limit) for \(what)")
        }
        // Lets the worker have the processor.
        poll(nil, 0, 2)
    }
}
