import EventLog
import ParallaxCore
import ViewLanguage

extension Pipeline {
    var logLimits: EmbeddedLogLimits {
        var limits = EmbeddedLogLimits()
        limits.bytesPerSegment = configuration.integer(.logBytesPerSegment)
        return limits
    }

    /// Opens a source's log for appending, and makes it where it is not there yet.
    func openLog(_ source: SourceDefinition, onRecovery: @escaping @Sendable (LogRecovery) -> Void = { _ in }) throws(ParallaxError)
        -> EmbeddedLog
    {
        try makeStateFolder()
        return try EmbeddedLog(
            directory: logFolder, source: source.topic, partitions: configuration.integer(.logPartitions), limits: logLimits,
            onRecovery: onRecovery)
    }

    /// Each source's number of partitions: what the configuration says, or more where the log has grown before.
    func partitionCounts(_ sources: [SourceDefinition]) throws(ParallaxError) -> [String: Int] {
        var counts: [String: Int] = [:]
        for source in sources { counts[source.name] = try openLog(source).partitions().count }
        return counts
    }
}
