import BatchLayer
import Catalog
import Logging
import ParallaxCore
import Postgres
import ViewLanguage

/// Runs the batch layer every so often, where there is something new for it. A run that fails is logged; the next one comes in its time.
///
/// Blocking; one thread at a time, a thread of your own.
public struct BatchSchedule: Sendable {
    public typealias MakeWorker = @Sendable (SourceDefinition, @escaping BatchWorker.Observer) throws(ParallaxError) -> BatchWorker

    private let dsn: String
    private let interval: Duration
    private let logger: Logger
    private let makeWorker: MakeWorker

    /// - Parameter makeWorker: for one source as the catalog knows it; its log and archive are opened for the one run.
    public init(dsn: String, every interval: Duration, logger: Logger, makeWorker: @escaping MakeWorker) {
        self.dsn = dsn
        self.interval = interval
        self.logger = logger
        self.makeWorker = makeWorker
    }

    /// Until the stop signal; the first look comes after the interval. Throws only where no waiting heals it.
    public func run(_ stop: StopSignal) throws(ParallaxError) {
        while true {
            stop.wait(atMost: interval)
            if stop.isSet { return }
            do throws(ParallaxError) {
                try runDue(stop)
            } catch  where error.code == .cancelled {
                return
            } catch {
                try endWhereOutdated(dsn)
                logger.error("the batch layer failed; it is tried again after batch.interval", metadata: ["error": "\(error)"])
            }
        }
    }

    /// One look at all sources, and the runs that are due.
    func runDue(_ stop: StopSignal) throws(ParallaxError) {
        let connection = try Connection(dsn, applicationName: "parallax batch schedule")
        let sources = try Catalog(connection).status()
        connection.close()
        for status in sources {
            switch status.runNeed {
            case .nothing: continue
            case .decision:
                guard let held = status.heldRun else { continue }
                logger.warning(
                    "run \(held.number) is held: nothing is published before parallax batch publish or discard",
                    metadata: ["source": "\(status.source.name)", "because": "\(held.reason)"])
            case .run: try run(status.source, stop)
            }
        }
    }

    private func run(_ source: CatalogSource, _ stop: StopSignal) throws(ParallaxError) {
        do throws(ParallaxError) {
            let worker = try makeWorker(source.definition) { _ throws(ParallaxError) in
                if stop.isSet { throw ParallaxError(.cancelled, "stopped while a batch run was under way") }
            }
            let report = try worker.run(source: source.name, full: false)
            if report.held.isEmpty {
                logger.info(
                    "published", metadata: ["source": "\(report.source)", "run": "\(report.run)", "new_offsets": "\(report.newOffsets)"])
            }
            try say(nil, of: source)
        } catch {
            // The other sources' runs do not wait for this one to be mended.
            if error.code == .cancelled { throw error }
            logger.error(
                "the batch layer failed; it is tried again after batch.interval",
                metadata: ["source": "\(source.name)", "error": "\(error)"])
            try say(error, of: source)
        }
    }

    /// What keeps the batch layer from a source; nil: nothing does.
    private func say(_ failure: ParallaxError?, of source: CatalogSource) throws(ParallaxError) {
        let connection = try Connection(dsn, applicationName: "parallax batch schedule")
        defer { connection.close() }
        guard let failure else { return try Catalog(connection).clearTroubles(.batch, source: source.id) }
        try Catalog(connection).recordTrouble(.batch, source: source.id, subject: "run", failure)
    }
}

extension SourceStatus {
    var runNeed: RunNeed {
        .decide(
            definitionsAsk: hasChanged || views.contains(where: \.needsRun),
            ends: Dictionary(uniqueKeysWithValues: positions.map { ($0.partition, max($0.nextOffset, $0.logEnd)) }), cut: cut,
            isHeld: heldRun != nil)
    }
}

/// Throws where a newer Parallax has changed the control tables: no waiting heals that.
func endWhereOutdated(_ dsn: String) throws(ParallaxError) {
    guard let connection = try? Connection(dsn, applicationName: "parallax") else { return }
    defer { connection.close() }
    do { try Catalog(connection).checkVersion() } catch { if error.code == .configuration { throw error } }
}
