import Catalog
import Explanation
import Ingestion
import Logging
import ParallaxCore
import Postgres
import ServingAPI

extension Pipeline {
    /// Nil: off.
    func apiSettings() throws(ParallaxError) -> APISettings? {
        var settings = APISettings()
        guard let listen = try listenAddress(.serveListen) else { return nil }
        settings.listen = listen
        settings.pool.connections = configuration.integer(.serveConnections)
        settings.pool.waiting = configuration.integer(.serveWaiting)
        settings.limits.connections = configuration.integer(.serveClients)
        settings.limits.requestTime = configuration.duration(.serveRequestTime)
        settings.limits.temporaryBytes = configuration.integer(.serveTemporaryBytes)
        settings.auth = configuration.text(.serveAuth).flatMap { AuthPolicy(rawValue: $0) } ?? .auto
        settings.audit.share = configuration.share(.serveAuditSample)
        settings.audit.rows = configuration.integer(.serveAuditRows)
        settings.audit.age = configuration.duration(.serveAuditAge)
        settings.streamsPerToken = configuration.integer(.serveStreams)
        settings.limits.eventBytes = configuration.integer(.serveBody)
        // One body of the largest size always finds room: it is held as it came, decompressed, and cut apart.
        settings.limits.eventMemory = max(configuration.integer(.serveIngestMemory), 3 * settings.limits.eventBytes)
        settings.limits.streams = configuration.integer(.serveMaxStreams)
        settings.limits.heartbeat = configuration.duration(.serveHeartbeat)
        settings.limits.writeTime = configuration.duration(.serveWriteTime)
        settings.limits.range = configuration.optionalDuration(.serveMaxRange)
        settings.corsOrigins = try corsOrigins()
        return settings
    }

    private func corsOrigins() throws(ParallaxError) -> [WebOrigin] {
        try (configuration.text(.serveCORSOrigins) ?? "").split(separator: ",").map { text throws(ParallaxError) in
            do throws(ParallaxError) { return try WebOrigin(String(text).trimmingSpaces) } catch {
                throw ParallaxError(error.code, "serve.cors_origins: \(error.message)", hint: error.hint)
            }
        }
    }

    func apiServer(_ settings: APISettings, dsn: String, desk: RunDesk, logger: Logger) throws(ParallaxError) -> APIServer {
        var services = APIServices(version: parallaxVersion) {
            let connection = try Connection(dsn, applicationName: "parallax serve")
            defer { connection.close() }
            return try StatusReport.gathered(self, connection).json
        }
        services.runs = desk.services(self, dsn: dsn, logger: logger)
        services.appends = logAppends(logger)
        services.events = { question, deadline, goesOn in
            let connection = try Connection(dsn, applicationName: "parallax serve")
            defer { connection.close() }
            var limits = ExplanationLimits()
            limits.deadline = deadline
            limits.bytesPerPage = Self.explainedBytes
            return try eventsBehindRow(question, Catalog(connection), limits: limits, goesOn: goesOn)
        }
        return try APIServer(
            dsn: dsn, settings: settings, services: services, logger: logger, onListening: Self.writing(apiAddress, logger))
    }

    /// Payloads of one page of the API's.
    private static let explainedBytes = 8 << 20

    /// What the API appends to.
    private func logAppends(_ logger: Logger) -> LogAppends {
        var limits = EventBody.Limits()
        limits.bytes = configuration.integer(.serveBody)
        limits.recordBytes = configuration.integer(.logMaxRecordBytes)
        return LogAppends(limits) { source throws(ParallaxError) in
            try openLog(source, logger: logger, onRecovery: Self.recoveryLogger(logger))
        }
    }
}
