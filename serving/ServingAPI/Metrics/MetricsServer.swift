import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ParallaxCore
import ServiceLifecycle

/// `/metrics`, on a port of its own: whoever scrapes needs no token, and gets figures alone.
public struct MetricsServer: Service {
    private let listen: ListenAddress
    private let logger: Logger
    private let gathering: Gathering
    private let onListening: @Sendable (ListenAddress) -> Void

    /// - Parameters:
    ///   - gather: the figures of now; may block.
    ///   - onListening: is told the address, with the port that was free where 0 was asked for.
    public init(
        listen: ListenAddress, logger: Logger, onListening: @escaping @Sendable (ListenAddress) -> Void = { _ in },
        gather: @escaping @Sendable () throws -> [Metric]
    ) {
        self.listen = listen
        self.logger = logger
        self.onListening = onListening
        gathering = Gathering(gather)
    }

    public func run() async throws {
        var limits = APILimits()
        limits.connections = Self.maxConnections
        try await HTTPListener(
            listen: listen, setting: "serve.metrics_listen", limits: limits, hangUps: HangUps(),
            responder: MetricsResponder(gathering: gathering, logger: logger), logger: logger, onListening: onListening
        ).run()
    }

    /// A few that scrape, and a person who looks.
    private static let maxConnections = 64
}

/// One gathering at a time, whatever the number of those who ask; what is a second old is good enough for the next.
private actor Gathering {
    static let believedFor = Duration.seconds(1)

    private let gather: @Sendable () throws -> [Metric]
    private var last: (text: String, at: ContinuousClock.Instant)?
    private var running: Task<String, any Error>?

    init(_ gather: @escaping @Sendable () throws -> [Metric]) { self.gather = gather }

    func text() async throws -> String {
        if let last, ContinuousClock.now - last.at < Self.believedFor { return last.text }
        if let running { return try await running.value }
        let gather = gather
        let task = Task { try await onOwnThread(name: "metrics") { PrometheusText.text(try gather()) } }
        running = task
        defer { running = nil }
        let text = try await task.value
        last = (text, ContinuousClock.now)
        return text
    }
}

private struct MetricsResponder: HTTPResponder {
    let gathering: Gathering
    let logger: Logger

    func respond(to request: Request, context: APIContext) async throws -> Response {
        guard request.uri.path == "/metrics", request.method == .get || request.method == .head else {
            return Response(status: .notFound, body: ResponseBody(byteBuffer: ByteBuffer(string: "there is /metrics here\n")))
        }
        do {
            let response = Response.text(try await gathering.text(), type: PrometheusText.mediaType)
            return request.method == .head ? response.createHeadResponse() : response
        } catch {
            // A scrape that fails is seen where it is counted.
            logger.warning("metrics could not be gathered", metadata: ["error": "\(error)"])
            return Response(
                status: .internalServerError, body: ResponseBody(byteBuffer: ByteBuffer(string: "metrics could not be gathered\n")))
        }
    }
}
