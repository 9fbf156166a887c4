import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ParallaxCore
import ServiceLifecycle

/// Hummingbird's server with our limits on what a client may do to a connection.
struct HTTPListener<Responder: HTTPResponder>: Sendable where Responder.Context == APIContext {
    let listen: ListenAddress
    /// The setting that says where it listens.
    let setting: String
    let limits: APILimits
    let hangUps: HangUps
    let responder: Responder
    let logger: Logger
    let onListening: @Sendable (ListenAddress) -> Void
    /// Begin before it, and end after it.
    var services: [any Service] = []

    /// Until the group shuts down. Throws `.unavailable` where the address cannot be had.
    func run() async throws {
        let (limits, hangUps) = (limits, hangUps)
        var configuration = HTTP1Channel.Configuration(additionalChannelHandlers: [RequestClock(limits, hangUps: hangUps)])
        configuration.httpDecoder = .init(
            maxHeaderFieldSize: limits.headBytes, maxHeaderListSize: limits.headBytes, maxHeaderFieldCount: limits.headFields)
        // Hummingbird's own words are for those who look for trouble in it.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let application = Application(
            responder: responder, server: .http1(configuration: configuration),
            configuration: ApplicationConfiguration(
                address: .hostname(listen.host, port: listen.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections)),
            services: services,
            onServerRunning: { channel in
                let address = ListenAddress(host: listen.host, port: channel.localAddress?.port ?? listen.port)
                onListening(address)
                logger.info("listening", metadata: ["address": "\(address)"])
            }, logger: quiet)
        do { try await application.run() } catch let error as IOError {
            throw ParallaxError(
                .unavailable, "cannot listen on \(listen)", detail: "\(error)",
                hint: "another program may have the port: set \(setting) to another one")
        }
    }
}
