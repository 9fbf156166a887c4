import Disk
import Logging
import ParallaxCore
import Postgres
import ServiceLifecycle
import ServingAPI

extension Pipeline {
    /// Nil: off.
    func apiSettings() throws(ParallaxError) -> APISettings? {
        var settings = APISettings()
        let text = configuration.text(.serveListen) ?? "off"
        if text == "off" { return nil }
        guard let listen = ListenAddress(text) else {
            throw ParallaxError(
                .configuration, "serve.listen: \"\(text)\" is no address",
                hint: "a host and a port, as in 127.0.0.1:8321 or [::1]:8321, or off")
        }
        settings.listen = listen
        settings.pool.connections = configuration.integer(.serveConnections)
        settings.pool.waiting = configuration.integer(.serveWaiting)
        settings.limits.connections = configuration.integer(.serveClients)
        settings.limits.requestTime = configuration.duration(.serveRequestTime)
        settings.auth = configuration.text(.serveAuth).flatMap { AuthPolicy(rawValue: $0) } ?? .auto
        settings.streamsPerToken = configuration.integer(.serveStreams)
        return settings
    }

    func apiServer(_ settings: APISettings, dsn: String, desk: RunDesk, logger: Logger) throws(ParallaxError) -> APIServer {
        var services = APIServices(version: parallaxVersion) {
            let connection = try Connection(dsn, applicationName: "parallax serve")
            defer { connection.close() }
            return try StatusReport.gathered(self, connection).json
        }
        services.runs = desk.services(self, dsn: dsn, logger: logger)
        return try APIServer(dsn: dsn, settings: settings, services: services, logger: logger) { [apiAddress] address in
            try? Disk.write(Array("\(address)\n".utf8), to: apiAddress)
        }
    }
}

/// The API beside the layers: what keeps it from listening keeps nothing else from working.
struct APIService: Service {
    let server: APIServer
    let address: String
    let logger: Logger

    private static let pause = Duration.seconds(5)

    func run() async throws {
        defer { try? Disk.removeFile(address) }
        while true {
            do { return try await server.run() } catch let error as ParallaxError {
                logger.error(
                    "the API does not listen, and tries again",
                    metadata: ["error": "\([error.message, error.detail, error.hint].compactMap(\.self).joined(separator: "; "))"])
                // A shutdown ends the wait.
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.pause) }
                if Interrupt.isRequested { return }
            }
        }
    }
}
