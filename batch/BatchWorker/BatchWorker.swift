import BatchLayer
import Catalog
import Foundation
import Glibc
import Logging
import ParallaxCore
import Postgres
import ViewLanguage

/// Performs runs of one source: asks for the cut, archives, recomputes, stages, compares, publishes.
///
/// I2  until `publish` commits, no reader sees anything of a run; from then on, all of it.
/// I5  every transaction of a run begins with the fence: a run that lost its source writes nothing more.
///
/// Not promised: that a run that began also ends. What a dead run left behind is erased by the next one's first act.
///
/// Blocking; one thread at a time, a thread of your own.
public final class BatchWorker {
    /// Called when a phase begins and as its records pass. What it throws ends the run (and is how a run is cancelled); after the
    /// publication it can only cut the clean-up short.
    public typealias Observer = (RunProgress) throws(ParallaxError) -> Void

    let dsn: String
    let log: any EventLog
    let archive: any RunArchive
    let settings: BatchSettings
    let logger: Logger
    let observe: Observer
    let refreshServing: (Connection) throws(ParallaxError) -> Void

    /// - Parameters:
    ///   - log, archive: of the source that will be run.
    ///   - refreshServing: writes the merged views; called inside the publishing transaction where a version is served for the first time.
    public init(
        dsn: String, log: any EventLog, archive: any RunArchive, settings: BatchSettings, logger: Logger,
        observe: @escaping Observer = { (_) throws(ParallaxError) in },
        refreshServing: @escaping (Connection) throws(ParallaxError) -> Void
    ) {
        self.dsn = dsn
        self.log = log
        self.archive = archive
        self.settings = settings
        self.logger = logger
        self.observe = observe
        self.refreshServing = refreshServing
    }

    /// One run, from the request to the publication. Throws `.busy` where another run holds the source, `.fenced` where one took it over
    /// meanwhile, `.offsetGone` or `.corrupt` where records below the cut cannot be read, `.limit` where memory does not suffice: then
    /// what was published before is served on.
    public func run(source name: String, full: Bool) throws(ParallaxError) -> RunReport {
        let connection = try Connection(dsn, applicationName: "parallax batch")
        defer { connection.close() }
        // A server that works on a long statement notices that this process was killed, and lets its source go. Not every system can ask.
        _ = try? connection.execute("SET client_connection_check_interval = '2s'")
        let catalog = Catalog(connection, patience: patience)
        try catalog.checkVersion()
        let id = WorkerID(UUID().uuidString)
        try catalog.registerWorker(id, layer: "batch", host: Heartbeat.host(), pid: getpid(), lease: settings.lease)
        let heartbeat = heartbeat(id)
        defer {
            heartbeat.stop()
            try? catalog.forgetWorker(id)
        }
        let source = try catalog.source(named: name)
        guard log.source == source.definition.topic else {
            throw ParallaxError(
                .internalInconsistency,
                "a run of source \"\(name)\" (topic \"\(source.definition.topic)\") was given the log of \"\(log.source)\"")
        }
        // Plans number the columns of the catalog's form, and the archive was opened before this look at the catalog.
        guard archive.source.decodesLike(source.definition) else {
            throw ParallaxError(
                .busy, "the definition of source \"\(name)\" changed while the run began", hint: "run the batch layer again")
        }
        try checkLog(catalog, source)
        // Before the slice is asked for: a partition that the log gained begins in the slice that ends at this cut.
        try catalog.ensurePartitions(source: source.id, try log.partitions())
        // Before too: events behind this time will be late for every record above the cut, because the speed layer only moves on.
        let sketchHorizon = try catalog.sketchHorizon(of: source)
        // And a table that is gone should not cost the speed layer's records a run that cannot come.
        _ = try catalog.computable(try catalog.versions(ofSource: source.id).filter { !$0.isRetired })
        let run = try catalog.beginRun(source: source, isFull: full)
        logger.info("run began", metadata: ["run": "\(run.number)", "source": "\(name)", "slice": "\(run.slice)"])
        do { try checkBinding(catalog, source) } catch {
            try? catalog.endRun(run, error: error)
            throw error
        }
        let execution = RunExecution(worker: self, catalog: catalog, source: source, run: run, sketchHorizon: sketchHorizon)
        do {
            let report = try execution.perform()
            try? catalog.endRun(run)
            return report
        } catch {
            // The first error is the news. Where this fails too (the connection is gone), the next run finds the records as they are.
            try? catalog.endRun(run, error: error)
            logger.error("run failed", metadata: ["run": "\(run.number)", "error": "\(error.message)"])
            throw error
        }
    }

    /// A run works until it ends: its thread need not tick.
    private func heartbeat(_ id: WorkerID) -> Heartbeat {
        let logger = logger
        let heartbeat = Heartbeat(dsn: dsn, worker: id, lease: settings.lease) { logger.warning("\($0.words(of: "run"))") }
        heartbeat.worksThroughout()
        return heartbeat
    }

    /// As the settings say; a run that waits says so, and can be stopped.
    private var patience: LockPatience {
        var patience = settings.patience
        let (wait, logger) = (patience.wait, logger)
        patience.wait = { trouble throws(ParallaxError) in
            logger.warning(
                "readers or other runs hold what this run changes; it tries again",
                metadata: ["tries": "\(trouble.failedTries) of \(trouble.tries)", "held_by": "\(trouble.holders.joined(separator: "; "))"])
            try wait(trouble)
        }
        return patience
    }

    /// Serves an earlier publication that is still kept; live rows since its cut are merged with it again.
    public func revert(source name: String, to run: RunNumber) throws(ParallaxError) {
        let connection = try Connection(dsn, applicationName: "parallax batch")
        defer { connection.close() }
        let catalog = Catalog(connection)
        try catalog.revert(source: try catalog.source(named: name), to: run, refreshServing: refreshServing)
    }
}
