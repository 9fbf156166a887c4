import Archive
import Catalog
import EventLog
import Logging
import ParallaxCore
import Postgres
import SpeedWorker
import ViewLanguage

extension Pipeline {
    /// Archives what is due, of all sources, until it is stopped. A failure is logged and tried again: nothing is lost meanwhile, the log
    /// keeps what is not archived.
    func archiver(dsn: String, logger: Logger, pause: Duration = .seconds(1)) -> ThreadService {
        let pipeline = self
        return ThreadService(name: "archive") { stop in
            var patience = Patience()
            var parts: [Int64: SourceArchiver] = [:]
            while !stop.isSet {
                do throws(ParallaxError) {
                    let connection = try Connection(dsn, applicationName: "parallax archive")
                    while !stop.isSet {
                        try pipeline.archiveOnce(Catalog(connection), &parts, tail: pipeline.tailPolicy, logger, stop)
                        patience.reset()
                        stop.wait(atMost: pause)
                    }
                } catch  where error.code == .cancelled {
                    return
                } catch {
                    try Self.endWhereOutdated(dsn)
                    logger.error("archiving failed, trying again", metadata: ["error": "\(error)"])
                    patience.wait(stop)
                }
            }
        }
    }

    private var tailPolicy: TailPolicy {
        .when(records: configuration.integer(.archiveRecordsPerSegment), age: configuration.duration(.archiveMinimumAge))
    }

    /// Every source that is due, once. `stop` ends it after the row group that is being written.
    ///
    /// A source that cannot be archived keeps no other from it: their logs go on giving up records. It is tried again after a while of its own.
    /// Returns the first that failed now.
    @discardableResult
    func archiveOnce(
        _ catalog: Catalog, _ parts: inout [Int64: SourceArchiver], tail: TailPolicy, _ logger: Logger, _ stop: StopSignal? = nil
    ) throws(ParallaxError) -> ParallaxError? {
        var first: ParallaxError?
        for source in try catalog.sources() {
            var part = parts[source.id] ?? SourceArchiver()
            guard part.retryAt.map({ ContinuousClock.now >= $0 }) ?? true else { continue }
            do throws(ParallaxError) {
                try archive(source, catalog, &part, tail: tail, logger, stop)
                if part.failure != nil { logger.info("the source is archived again", metadata: ["source": "\(source.name)"]) }
                if part.failure != nil || !part.hasSucceeded { try catalog.clearTroubles(.archive, source: source.id) }
                part.succeeded()
            } catch {
                guard error.code != .cancelled, catalog.connection.isOpen else { throw error }
                // Once, not at every attempt.
                if part.failure != error {
                    logger.error(
                        "a source cannot be archived now; it is tried again", metadata: ["source": "\(source.name)", "error": "\(error)"])
                }
                try catalog.recordTrouble(.archive, source: source.id, subject: "log", error)
                part.failed(error)
                first = first ?? error
            }
            parts[source.id] = part
        }
        return first
    }

    private func archive(
        _ source: CatalogSource, _ catalog: Catalog, _ part: inout SourceArchiver, tail: TailPolicy, _ logger: Logger, _ stop: StopSignal?
    ) throws(ParallaxError) {
        let writer: ArchiveWriter
        if let known = part.writer, known.source == source.definition {
            writer = known
        } else {
            writer = try archiveWriter(source.definition, log: try openBoundLog(source, catalog, logger: logger))
            part.writer = writer
            part.recorded = Cut()
        }
        let summary: ArchiveSummary
        do throws(ParallaxError) {
            try writer.checkLog()
            summary = try writer.archive(upTo: nil, tail: tail) { _ throws(ParallaxError) in
                if stop?.isSet ?? Interrupt.isRequested { throw ParallaxError(.cancelled, "stopped while archiving") }
            }
        } catch {
            // One partition's trouble: what was archived of the others counts.
            if let archived = try? writer.archived() { try record(archived, source, catalog, &part) }
            // Another log may be there the next time: then it is opened anew.
            if error.code == .anotherLog || error.code == .missing { part.writer = nil }
            throw error
        }
        try record(summary.archived, source, catalog, &part)
        if summary.records > 0 {
            logger.info(
                "archived",
                metadata: [
                    "source": "\(source.name)", "records": "\(summary.records)", "segments": "\(summary.segments.count)",
                    "bytes": "\(summary.bytes)",
                ])
        }
    }

    private func record(
        _ archived: Cut, _ source: CatalogSource, _ catalog: Catalog, _ part: inout SourceArchiver
    ) throws(ParallaxError) {
        guard archived != part.recorded, let writer = part.writer else { return }
        try catalog.recordGaps(try writer.acceptedGaps(), source: source.id)
        try catalog.recordArchived(source: source.id, archived)
        part.recorded = archived
    }

    /// Runs the batch layer every so often, where there is something new for it. A run that fails is logged; the next one comes in its time.
    func batchSchedule(dsn: String, every interval: Duration, logger: Logger) -> ThreadService {
        let pipeline = self
        return ThreadService(name: "batch") { stop in
            while true {
                stop.wait(atMost: interval)
                if stop.isSet { return }
                do throws(ParallaxError) {
                    try pipeline.runDueBatches(dsn: dsn, logger, stop)
                } catch  where error.code == .cancelled {
                    return
                } catch {
                    try Self.endWhereOutdated(dsn)
                    logger.error("the batch layer failed; it is tried again after batch.interval", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Throws where a newer Parallax has changed the control tables: no waiting heals that.
    private static func endWhereOutdated(_ dsn: String) throws(ParallaxError) {
        guard let connection = try? Connection(dsn, applicationName: "parallax") else { return }
        defer { connection.close() }
        do { try Catalog(connection).checkVersion() } catch { if error.code == .configuration { throw error } }
    }

    private func runDueBatches(dsn: String, _ logger: Logger, _ stop: StopSignal) throws(ParallaxError) {
        let connection = try Connection(dsn, applicationName: "parallax batch schedule")
        let due = try Catalog(connection).status().filter(isDue)
        connection.close()
        for status in due {
            if let held = status.heldRun {
                logger.warning(
                    "run \(held.number) is held: nothing is published before parallax batch publish or discard",
                    metadata: ["source": "\(status.source.name)", "because": "\(held.reason)"])
                continue
            }
            do throws(ParallaxError) {
                let worker = try batchWorker(status.source.definition, dsn: dsn, logger: logger) { _ throws(ParallaxError) in
                    if stop.isSet { throw ParallaxError(.cancelled, "stopped while a batch run was under way") }
                }
                let report = try worker.run(source: status.source.name, full: false)
                if report.held.isEmpty {
                    logger.info(
                        "published",
                        metadata: ["source": "\(report.source)", "run": "\(report.run)", "new_offsets": "\(report.newOffsets)"])
                }
                try say(nil, of: status.source, dsn)
            } catch {
                // The other sources' runs do not wait for this one to be mended.
                if error.code == .cancelled { throw error }
                logger.error(
                    "the batch layer failed; it is tried again after batch.interval",
                    metadata: ["source": "\(status.source.name)", "error": "\(error)"])
                try say(error, of: status.source, dsn)
            }
        }
    }

    /// What keeps the batch layer from a source; nil: nothing does.
    private func say(_ failure: ParallaxError?, of source: CatalogSource, _ dsn: String) throws(ParallaxError) {
        let connection = try Connection(dsn, applicationName: "parallax batch schedule")
        defer { connection.close() }
        guard let failure else { return try Catalog(connection).clearTroubles(.batch, source: source.id) }
        try Catalog(connection).recordTrouble(.batch, source: source.id, subject: "run", failure)
    }

    private func isDue(_ status: SourceStatus) -> Bool {
        if status.hasChanged || status.views.contains(where: \.needsRun) { return true }
        return status.positions.contains { max($0.nextOffset, $0.logEnd) > status.cut[$0.partition] }
    }

    /// Demo traffic, in real time, for as long as the source's log can be opened; where it cannot, it is tried again. A failed append is made up for by
    /// the next.
    func traffic(_ source: SourceDefinition, logger: Logger) -> ThreadService {
        let pipeline = self
        return ThreadService(name: "generate") { stop in
            var patience = Patience()
            var last: ParallaxError?
            /// Says a failure once, not at every attempt.
            func failed(_ error: ParallaxError) {
                if last != error { logger.error("the demo traffic cannot be appended, trying again", metadata: ["error": "\(error)"]) }
                last = error
                patience.wait(stop)
            }
            var opened: (any EventLog)?
            while opened == nil && !stop.isSet {
                do throws(ParallaxError) { opened = try pipeline.openLog(source, logger: logger) } catch { failed(error) }
            }
            guard let log = opened else { return }
            let rate = pipeline.configuration.integer(.generatorRate)
            let start = systemClock().rawValue
            var generator = TrafficGenerator(
                maker: EventMaker(source), seed: UInt64(pipeline.configuration.integer(.generatorSeed)), startMicroseconds: start,
                rate: rate)
            while !stop.isSet {
                let due = Int(Double(systemClock().rawValue - start) / 1e6 * Double(rate))
                if due <= generator.count {
                    stop.wait(atMost: .milliseconds(20))
                    continue
                }
                let records = generator.records(upTo: min(due, generator.count + GenerateCommand.recordsPerAppend))
                while !stop.isSet {
                    do throws(ParallaxError) {
                        try log.append(records, to: nil)
                        patience.reset()
                        last = nil
                        break
                    } catch { failed(error) }
                }
            }
        }
    }
}

/// One source's archiver, kept between its rounds.
struct SourceArchiver {
    /// Nil before the log could be opened.
    var writer: ArchiveWriter?
    /// What the catalog was told last.
    var recorded = Cut()
    /// Why it does not go on; nil: it does.
    private(set) var failure: ParallaxError?
    private(set) var retryAt: ContinuousClock.Instant?
    private(set) var hasSucceeded = false
    private var patience = Patience()

    mutating func succeeded() {
        (failure, retryAt, hasSucceeded) = (nil, nil, true)
        patience.reset()
    }

    mutating func failed(_ error: ParallaxError) {
        failure = error
        retryAt = .now + patience.next()
    }
}
