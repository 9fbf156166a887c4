import Archive
import BatchLayer
import BatchWorker
import Catalog
import Disk
import EmbeddedLog
import Foundation
import Logging
import ParallaxCore
import Postgres
import ServingViews
import SpeedLayer
import SpeedWorker
import ViewLanguage

extension Pipeline {
    var speedSettings: SpeedSettings {
        var settings = SpeedSettings()
        settings.rules.flushInterval = configuration.duration(.speedFlushInterval)
        settings.rules.idleAfter = configuration.duration(.speedIdleAfter)
        settings.rules.duplicateHorizon = Int64(configuration.integer(.speedDuplicateHorizon))
        settings.rules.maxFutureSkew = configuration.duration(.speedMaxFutureSkew).microseconds
        settings.lease = configuration.duration(.speedLease)
        settings.dimensionLimits = dimensionLimits
        settings.place = place
        return settings
    }

    var batchSettings: BatchSettings {
        var settings = BatchSettings()
        settings.limits.memoryBytes = configuration.integer(.batchMemory)
        settings.dimensionLimits = dimensionLimits
        settings.keptPublications = configuration.integer(.batchKeepPublications)
        settings.keptComparisons = configuration.integer(.batchKeepComparisons)
        settings.comparedRows = configuration.integer(.batchComparisonRows)
        settings.maxLossPercent = configuration.integer(.batchMaxLoss)
        settings.answersKept = configuration.duration(.serveAuditAge)
        settings.minInputPercent = configuration.integer(.batchMinInput)
        settings.lease = configuration.duration(.speedLease)
        settings.trimsLog = configuration.text(.logRetention) == "processed"
        settings.maxFutureSkew = configuration.duration(.speedMaxFutureSkew).microseconds
        settings.place = place
        settings.keptLogOffsets = Int64(configuration.integer(.speedDuplicateHorizon))
        return settings
    }

    var dimensionLimits: DimensionLimits {
        var limits = DimensionLimits()
        limits.rowsPerTable = configuration.integer(.lookupRows)
        limits.bytesPerTable = configuration.integer(.lookupBytes)
        return limits
    }

    var archiveLimits: ArchiveLimits {
        var limits = ArchiveLimits()
        limits.recordsPerSegment = configuration.integer(.archiveRecordsPerSegment)
        return limits
    }

    /// - Parameter joinsGroup: whether partitions of a topic are shared with other workers by the consumer group's word. A worker that only
    ///   catches up takes what is free.
    func speedWorker(dsn: String, logger: Logger, joinsGroup: Bool = true) -> SpeedWorker {
        warnAboutLibraries(logger)
        return SpeedWorker(
            id: WorkerID(UUID().uuidString.lowercased()), dsn: dsn,
            // Headers are for the archive: no view can read them.
            openLog: { source throws(ParallaxError) in
                try openLog(source, readsHeaders: false, logger: logger, onRecovery: Self.recoveryLogger(logger))
            },
            assignment: { source throws(ParallaxError) in try joinsGroup ? groupMember(source, logger) : nil },
            settings: speedSettings, logger: logger)
    }

    func archiveWriter(_ source: SourceDefinition, log: any EventLog) throws(ParallaxError) -> ArchiveWriter {
        try Disk.closeAsMade(archiveFolder)
        return try ArchiveWriter(directory: archiveFolder, source: source, log: log, limits: archiveLimits)
    }

    /// For one source as the catalog knows it. `observe` may throw to end the run.
    func batchWorker(
        _ source: SourceDefinition, dsn: String, logger: Logger, observe: @escaping BatchWorker.Observer = { (_) throws(ParallaxError) in }
    ) throws(ParallaxError) -> BatchWorker {
        let log = try boundLog(of: source, dsn: dsn, logger)
        let archive = ParquetArchive(
            writer: try archiveWriter(source, log: log), reader: try ArchiveReader(directory: archiveFolder, source: source))
        return BatchWorker(dsn: dsn, log: log, archive: archive, settings: batchSettings, logger: logger, observe: observe) {
            connection throws(ParallaxError) in
            // A publication goes on without a view that PostgreSQL refuses, and without a switch that something of others is in the way of: the merged
            // rows matter more.
            for refusal in try ServingViews.refresh(connection) {
                logger.error(
                    "a view is not as the definitions say",
                    metadata: [
                        "view": "\(refusal.view)",
                        "error": "\([refusal.error.message, refusal.error.detail].compactMap(\.self).joined(separator: "; "))",
                    ])
            }
        }
    }

    private func boundLog(of source: SourceDefinition, dsn: String, _ logger: Logger) throws(ParallaxError) -> any EventLog {
        let connection = try Connection(dsn, applicationName: "parallax batch")
        defer { connection.close() }
        let catalog = Catalog(connection)
        return try openBoundLog(
            try catalog.source(named: source.name), catalog, logger: logger, onRecovery: Self.recoveryLogger(logger))
    }

    static func recoveryLogger(_ logger: Logger) -> @Sendable (LogRecovery) -> Void {
        { recovery in
            logger.warning(
                "recovered the log's end",
                metadata: [
                    "source": "\(recovery.source)", "partition": "\(recovery.partition)", "records_kept": "\(recovery.recordsKept)",
                    "bytes_cut": "\(recovery.bytesCut)", "records_missing": "\(recovery.recordsMissing)",
                ])
        }
    }
}
