import Disk
import EmbeddedLog
import KafkaLog
import Logging
import ParallaxCore
import ViewLanguage

extension Pipeline {
    enum LogKind { case embedded, kafka }

    var logKind: LogKind { configuration.text(.logKind) == "kafka" ? .kafka : .embedded }

    var logLimits: EmbeddedLogLimits {
        var limits = EmbeddedLogLimits()
        limits.bytesPerSegment = configuration.integer(.logBytesPerSegment)
        return limits
    }

    func kafkaSettings(_ source: SourceDefinition) -> KafkaSettings {
        var properties: [String: String] = [:]
        for key in configuration.kafkaPropertyKeys {
            properties[String(key.path.dropFirst(ConfigurationKey.kafkaPropertyPrefix.count))] = configuration.text(key) ?? ""
        }
        return KafkaSettings(brokers: configuration.text(.logKafkaBrokers) ?? "", topic: source.topic, properties: properties)
    }

    /// Opens a source's log. The embedded one is made where it is not there yet; a topic is not.
    ///
    /// Each caller gets a log of its own: two readers of one Kafka client at different places would hinder one another.
    ///
    /// - Parameter readsHeaders: of a topic's records.
    func openLog(
        _ source: SourceDefinition, readsHeaders: Bool = true, logger: Logger? = nil,
        onRecovery: @escaping @Sendable (LogRecovery) -> Void = Self.sayRecovery
    ) throws(ParallaxError) -> any EventLog {
        switch logKind {
        case .embedded:
            try makeStateFolder()
            try Disk.closeAsMade(logFolder)
            return try EmbeddedLog(
                directory: logFolder, source: source.topic, partitions: configuration.integer(.logPartitions), limits: logLimits,
                onRecovery: onRecovery)
        case .kafka:
            var settings = kafkaSettings(source)
            settings.readsHeaders = readsHeaders
            return try KafkaLog(source: source.topic, settings: settings, listener: Self.kafkaListener(logger))
        }
    }

    /// Whoever opens a log first finds what a crash or a copy left: records that are missing are nothing to keep to oneself.
    static func sayRecovery(_ recovery: LogRecovery) {
        guard recovery.recordsMissing > 0 else { return }
        Terminal.note(
            "note: the log of \"\(recovery.source)\" is a copy that was made while records were appended: partition \(recovery.partition) is cut to "
                + "its last whole record, \(counted(recovery.recordsMissing, "record")) before its former end")
    }

    /// For looking only: nothing is made, locked or recovered; brokers that are away are not waited for.
    func openLogForLooking(_ source: SourceDefinition) throws(ParallaxError) -> any EventLog {
        switch logKind {
        case .embedded: return try EmbeddedLog(readingFrom: logFolder, source: source.topic)
        case .kafka:
            var settings = kafkaSettings(source)
            settings.requestDeadline = .seconds(3)
            return try KafkaLog(source: source.topic, settings: settings)
        }
    }

    /// Each source's number of partitions: what the topic has; or what the configuration says, or more where the embedded log has grown. A log that
    /// cannot be read now is its source's own trouble: the source joins when it can, and the others need not wait for it.
    ///
    /// Throws `.configuration` where no waiting would help.
    func partitionCounts(
        _ sources: [SourceDefinition]
    ) throws(ParallaxError) -> (counts: [String: Int], troubles: [(source: String, error: ParallaxError)]) {
        var counts: [String: Int] = [:]
        var troubles: [(source: String, error: ParallaxError)] = []
        // Brokers that are away are waited for once, not once a source.
        var away: ParallaxError?
        for source in sources {
            let log: any EventLog
            do throws(ParallaxError) { log = try openLog(source) } catch {
                if error.code == .configuration { throw error }
                troubles.append((source.name, error))
                continue
            }
            do throws(ParallaxError) {
                if let away { throw away }
                counts[source.name] = try log.partitions().count
            } catch {
                if error.code == .unavailable { away = error }
                troubles.append((source.name, error))
            }
        }
        return (counts, troubles)
    }

    static func kafkaListener(_ logger: Logger?) -> KafkaListener {
        guard let logger else { return { _ in } }
        return { notice in
            let level: Logger.Level =
                switch notice.level {
                case .error: .error
                case .warning: .warning
                case .info: .info
                case .debug: .debug
                }
            logger.log(level: level, "\(notice.message)", metadata: ["librdkafka": "\(notice.facility)"])
        }
    }

    /// What to say once at the start of a layer.
    func warnAboutLibraries(_ logger: Logger) {
        if logKind == .kafka, let warning = LibraryVersion.loaded.warning { logger.warning("\(warning)") }
    }
}
