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

    /// Every source once. `stop` ends it after the row group that is being written.
    func archiveOnce(
        _ catalog: Catalog, _ parts: inout [Int64: SourceArchiver], tail: TailPolicy, _ logger: Logger, _ stop: StopSignal? = nil
    ) throws(ParallaxError) {
        var first: ParallaxError?
        for source in try catalog.sources() {
            do { try archive(source, catalog, &parts, tail: tail, logger, stop) } catch {
                // A source that cannot be archived must not keep the others from it: their logs go on giving up records.
                guard error.code != .cancelled, catalog.connection.isOpen else { throw error }
                logger.error("a source was not archived", metadata: ["source": "\(source.name)", "error": "\(error)"])
                first = first ?? error
            }
        }
        if let first { throw first }
    }

    private func archive(
        _ source: CatalogSource, _ catalog: Catalog, _ parts: inout [Int64: SourceArchiver], tail: TailPolicy, _ logger: Logger,
        _ stop: StopSignal?
    ) throws(ParallaxError) {
        if parts[source.id]?.writer.source != source.definition {
            let log = try openLog(source.definition, logger: logger)
            parts[source.id] = SourceArchiver(writer: try archiveWriter(source.definition, log: log))
        }
        guard let part = parts[source.id] else { return }
        let summary = try part.writer.archive(upTo: nil, tail: tail) { _ throws(ParallaxError) in
            if stop?.isSet ?? Interrupt.isRequested { throw ParallaxError(.cancelled, "stopped while archiving") }
        }
        if summary.archived != part.recorded {
            try catalog.recordGaps(try part.writer.acceptedGaps(), source: source.id)
            try catalog.recordArchived(source: source.id, summary.archived)
            parts[source.id]?.recorded = summary.archived
        }
        if summary.records > 0 {
            logger.info(
                "archived",
                metadata: [
                    "source": "\(source.name)", "records": "\(summary.records)", "segments": "\(summary.segments.count)",
                    "bytes": "\(summary.bytes)",
                ])
        }
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
                guard report.held.isEmpty else { continue }
                logger.info(
                    "published", metadata: ["source": "\(report.source)", "run": "\(report.run)", "new_offsets": "\(report.newOffsets)"])
            } catch {
                // The other sources' runs do not wait for this one to be mended.
                if error.code == .cancelled { throw error }
                logger.error(
                    "the batch layer failed; it is tried again after batch.interval",
                    metadata: ["source": "\(status.source.name)", "error": "\(error)"])
            }
        }
    }

    private func isDue(_ status: SourceStatus) -> Bool {
        if status.hasChanged || status.views.contains(where: \.needsRun) { return true }
        return status.positions.contains { max($0.nextOffset, $0.logEnd) > status.cut[$0.partition] }
    }

    /// Demo traffic, in real time. A failed append is made up for by the next.
    func traffic(_ source: SourceDefinition, logger: Logger) throws(ParallaxError) -> ThreadService {
        let log = try openLog(source, logger: logger)
        let rate = configuration.integer(.generatorRate)
        let seed = UInt64(configuration.integer(.generatorSeed))
        return ThreadService(name: "generate") { stop in
            let start = systemClock().rawValue
            var generator = TrafficGenerator(maker: EventMaker(source), seed: seed, startMicroseconds: start, rate: rate)
            var patience = Patience()
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
                        break
                    } catch {
                        logger.error("the demo traffic cannot be appended, trying again", metadata: ["error": "\(error)"])
                        patience.wait(stop)
                    }
                }
            }
        }
    }
}

/// One source's archiver, kept between its rounds.
struct SourceArchiver {
    var writer: ArchiveWriter
    /// What the catalog was told last.
    var recorded = Cut()
}
