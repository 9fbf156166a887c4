import BatchWorker
import Catalog
import Disk
import Logging
import ParallaxCore
import Postgres
import ServiceLifecycle
import ServingAPI
import SpeedWorker
import Synchronization

/// What `/metrics` says: of the catalog, which all processes share, and of the parts of this process.
struct PipelineFigures: Sendable {
    let dsn: String
    /// Nil: no speed worker in this process.
    var speed: SpeedWorker?
    /// Nil: no API in this process.
    var api: APIServer?
    private let trouble = LastTrouble()

    init(dsn: String, speed: SpeedWorker? = nil, api: APIServer? = nil) {
        self.dsn = dsn
        self.speed = speed
        self.api = api
    }

    func gathered(_ logger: Logger) -> [Metric] {
        var metrics = [
            Metric("parallax_build_info", .gauge, "Always 1; the version is in the label.", [.init(1, [("version", parallaxVersion)])])
        ]
        do throws(ParallaxError) {
            let connection = try Connection(dsn, applicationName: "parallax metrics")
            defer { connection.close() }
            let found = try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { () throws(ParallaxError) in
                try CatalogFigures(Catalog(connection)).metrics
            }
            metrics.append(Self.database(1))
            metrics += found
            _ = trouble.isNew(nil)
        } catch {
            // The other figures are worth more then, not less. A server that answers with an error is not away.
            metrics.append(Self.database(error.code == .unavailable ? 0 : 1))
            let words = [error.message, error.detail].compactMap(\.self).joined(separator: "; ")
            if trouble.isNew(words) { logger.warning("the catalog's figures cannot be had", metadata: ["error": "\(words)"]) }
        }
        if let speed { metrics += Self.figures(speed.statistics) }
        if let api { metrics += api.figures }
        return metrics
    }

    private static func database(_ isUp: Double) -> Metric {
        Metric("parallax_database_up", .gauge, "Whether PostgreSQL answered when the figures were asked for.", isUp)
    }

    private static func figures(_ speed: SpeedStatistics) -> [Metric] {
        [
            Metric("parallax_speed_flushes_total", .counter, "Flushes of this process's speed worker.", Double(speed.flushes)),
            Metric(
                "parallax_speed_failed_flushes_total", .counter, "Flushes that failed; their records were read again.",
                Double(speed.failedFlushes)),
            Metric(
                "parallax_speed_fenced_flushes_total", .counter,
                "Flushes that were refused because a partition belonged to another worker by then.",
                Double(speed.fencedFlushes)),
            Metric(
                "parallax_speed_last_flush_duration_seconds", .gauge, "How long the last flush took.", speed.lastFlushDuration.inSeconds),
            Metric("parallax_speed_groups_written_total", .counter, "State rows that flushes wrote.", Double(speed.groups)),
            Metric(
                "parallax_speed_reconnections_total", .counter, "Connections to PostgreSQL that were made anew.",
                Double(speed.reconnections)),
            Metric(
                "parallax_speed_partitions_owned", .gauge, "Partitions that this process's speed worker owns.",
                Double(speed.partitionsOwned)),
        ]
    }
}

/// What was said of it last: at every scrape it would fill the log.
private final class LastTrouble: Sendable {
    private let words = Mutex<String?>(nil)

    /// - Parameter words: nil: there is none.
    func isNew(_ words: String?) -> Bool {
        self.words.withLock { last in
            defer { last = words }
            return words != nil && last != words
        }
    }
}

/// From one snapshot.
private struct CatalogFigures {
    let sources: [SourceStatus]
    /// The newest run of each source that has ended.
    let lastRuns: [String: RunStatus]
    /// Of each source's published run.
    let drift: [String: [DriftStatus]]
    let troubles: [LayerTrouble]

    init(_ catalog: Catalog) throws(ParallaxError) {
        sources = try catalog.status()
        troubles = try catalog.troubles()
        var runs: [String: RunStatus] = [:]
        var drift: [String: [DriftStatus]] = [:]
        for status in sources {
            let name = status.source.name
            // At most one is under way.
            runs[name] = try catalog.runs(source: name, limit: 2).first { $0.finishedAt != nil }
            let published = status.source.published.run
            if published != .none { drift[name] = try catalog.drift(run: published) }
        }
        lastRuns = runs
        self.drift = drift
    }

    private typealias Sample = Metric.Sample

    /// One sample a source, where it has a value.
    private func each(_ value: (SourceStatus) -> Double?) -> [Sample] {
        sources.compactMap { status in value(status).map { Sample($0, [("source", status.source.name)]) } }
    }

    private func sum(_ value: (SourceStatus.Position) -> Int64) -> [Sample] {
        each { Double($0.positions.reduce(0) { $0 + value($1) }) }
    }

    var metrics: [Metric] { speed + publication + runs }

    private var speed: [Metric] {
        let watermark = each { $0.watermark.map { Double($0.rawValue) / 1e6 } }
        let freshness = each { status in
            status.positions.compactMap(\.newestAppendedAt).max().map { Double(max(0, status.now.rawValue - $0.rawValue)) / 1e6 }
        }
        return [
            Metric("parallax_source_events_total", .counter, "Events that the speed layer has processed.", sum(\.events)),
            Metric("parallax_source_late_events_total", .counter, "Those of them that were left to the batch layer.", sum(\.late)),
            Metric("parallax_source_duplicate_events_total", .counter, "Copies of events that the speed layer knew.", sum(\.duplicates)),
            Metric(
                "parallax_source_lag_records", .gauge,
                "Records in the log that the speed layer has not processed, as far as its workers have looked.",
                sum { max(0, $0.logEnd - $0.nextOffset) }),
            Metric(
                "parallax_archive_lag_records", .gauge, "Records in the log that are not archived.",
                sum { max(0, max($0.logEnd, $0.nextOffset) - $0.archivedOffset) }),
            Metric("parallax_source_partitions", .gauge, "Partitions of the source's log.", each { Double($0.positions.count) }),
            Metric(
                "parallax_source_unowned_partitions", .gauge, "Partitions that no living speed worker reads.",
                each { Double($0.positions.count { !$0.isOwned }) }),
            Metric(
                "parallax_source_freshness_seconds", .gauge, "Now minus the append time of the newest record in the live views.", freshness),
            Metric(
                "parallax_source_watermark_timestamp_seconds", .gauge, "The event time up to which everything is believed seen.", watermark),
            Metric(
                "parallax_source_troubles", .gauge, "What layers cannot do for the source now.",
                sources.flatMap { status in
                    LayerTrouble.Layer.allCases.map { layer in
                        Sample(
                            Double(troubles.count { $0.source == status.source.name && $0.layer == layer }),
                            [("source", status.source.name), ("layer", layer.rawValue)])
                    }
                }),
            Metric(
                "parallax_source_stopped_partitions", .gauge, "Problems that keep partitions from being read.",
                each { Double($0.problems.count) }),
        ]
    }

    private var publication: [Metric] {
        let missing = each { Double($0.holes.reduce(0) { $0 + ($1.offsets.upperBound - $1.offsets.lowerBound) }) }
        return [
            Metric("parallax_missing_records", .gauge, "Offsets that are in no answer before the next publication.", missing),
            Metric("parallax_late_waiting_events", .gauge, "Late events that wait for a run.", each { Double($0.lateWaiting) }),
            Metric(
                "parallax_rejected_records", .gauge,
                "Records that were rejected, by reason; view is empty where the record is no event. Exact below the published cut, live above it.",
                sources.flatMap { status in
                    status.rejected.map {
                        Sample(Double($0.count), [("source", status.source.name), ("view", $0.view), ("reason", $0.reason)])
                    }
                }),
            Metric("parallax_published_run", .gauge, "The run that is published.", each { Double($0.source.published.run.rawValue) }),
            Metric(
                "parallax_publication_timestamp_seconds", .gauge, "When it was published.",
                each { $0.publishedAt.map { Double($0.rawValue) / 1e6 } }),
            Metric(
                "parallax_drift_differing_groups", .gauge,
                "Groups of which the merged view had said something else than the published run found.",
                eachOutput { Double($0.differing) }),
            Metric(
                "parallax_drift_share_ratio", .gauge, "That difference as a part of the true values.", eachOutput { $0.share }),
        ]
    }

    private func eachOutput(_ value: (OutputDrift) -> Double?) -> [Sample] {
        drift.sorted { $0.key < $1.key }.flatMap { source, drift in
            drift.compactMap { row in
                value(row.drift).map { Sample($0, [("source", source), ("view", row.view), ("output", row.drift.output)]) }
            }
        }
    }

    private var runs: [Metric] {
        func last(_ value: (RunStatus) -> Double?) -> [Sample] { each { status in lastRuns[status.source.name].flatMap(value) } }
        return [
            Metric(
                "parallax_run_held", .gauge, "1 while a run waits for a person to publish or discard it.",
                each { $0.heldRun == nil ? 0 : 1 }),
            Metric(
                "parallax_run_last_failed", .gauge, "1 where the run that ended last had failed.",
                last { $0.state == RunState.failed.rawValue ? 1 : 0 }),
            Metric(
                "parallax_run_last_duration_seconds", .gauge, "How long the run took that ended last.",
                last { run in run.finishedAt.map { Double($0.rawValue - run.startedAt.rawValue) / 1e6 } }),
            Metric(
                "parallax_run_last_end_timestamp_seconds", .gauge, "When it ended.",
                last { $0.finishedAt.map { Double($0.rawValue) / 1e6 } }),
        ]
    }
}

extension Pipeline {
    func metricsService(_ listen: ListenAddress, _ figures: PipelineFigures, logger: Logger) -> ListeningService {
        let server = MetricsServer(
            listen: listen, logger: logger, onListening: Self.writing(metricsAddressFile, logger), gather: { figures.gathered(logger) })
        return ListeningService(
            server: server, name: "the server of metrics", file: metricsAddressFile, pause: .seconds(30), level: .warning, logger: logger)
    }
}
