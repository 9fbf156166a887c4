import Catalog
import HTTPTypes
import Hummingbird
import Ingestion
import Logging
import NIOCore
import ParallaxCore
import Postgres
import ServiceLifecycle
import ServingViews
import Synchronization

/// The serving API: HTTP over the merged views.
///
/// `run()` serves until the group shuts down: no new connection is taken then, requests under way finish, and streams end.
public struct APIServer: Service {
    private let settings: APISettings
    private let logger: Logger
    let pool: ConnectionPool
    private let table: RouteTable
    private let crossOrigin: CrossOrigin
    let metrics: APIMetrics
    private let access: TokenAccess
    let streams: StreamSlots
    let written = WriteFigures()
    let live: LiveViews
    let hangUps = HangUps()
    /// Nil: no answer is kept.
    let audit: AnswerAudit?
    private let onListening: @Sendable (ListenAddress) -> Void

    /// - Parameters:
    ///   - dsn: a connection string; may hold a password.
    ///   - onListening: is told the address, with the port that was free where 0 was asked for.
    public init(
        dsn: String, settings: APISettings = APISettings(), services: APIServices, logger: Logger,
        onListening: @escaping @Sendable (ListenAddress) -> Void = { _ in }
    ) throws(ParallaxError) {
        if !settings.listen.isLoopback { try Self.requireTokens(settings, dsn) }
        var settings = settings
        settings.limits = Self.fittingOpenFiles(settings.limits, logger)
        self.settings = settings
        self.logger = logger
        self.onListening = onListening
        var limits = settings.pool
        limits.wait = min(limits.wait, settings.limits.requestTime)
        let requests = settings.limits
        pool = try ConnectionPool(limits, name: "api") { () throws(ParallaxError) in try Self.connect(dsn, requests) }
        metrics = APIMetrics()
        // Beyond the loopback a token is asked for whatever happens to the table of them.
        let policy = settings.listen.isLoopback ? settings.auth : .tokens
        access = TokenAccess(policy, pool: pool, logger: logger) { token in
            let connection = try Connection(dsn, applicationName: "parallax serve")
            defer { connection.close() }
            try Catalog(connection).noteUse(ofToken: token)
        }
        streams = StreamSlots(
            limit: settings.limits.streams, perAddress: settings.limits.streamsPerAddress, perToken: settings.streamsPerToken)
        let views = ServedViews()
        let snapshots = Snapshots(pool: pool, limits: settings.limits)
        // Requests read as a role that can write nothing; what is kept of their answers is written, and compared, as the role that Parallax works as.
        let connectAsOwner: ConnectionPool.Connect = { () throws(ParallaxError) in
            try Connection(dsn, applicationName: "parallax serve answers")
        }
        audit = settings.audit.share > 0 ? AnswerAudit(settings.audit, logger: logger, connect: connectAsOwner) : nil
        // Looks stand in no line with requests: those who follow hear of a flush, however many ask for rows.
        limits.connections = max(1, limits.connections / 2)
        let looks = try ConnectionPool(limits, name: "look") { () throws(ParallaxError) in try Self.connect(dsn, requests) }
        live = LiveViews(
            snapshots: Snapshots(pool: looks, limits: settings.limits), reader: ChangesReader(views: views), logger: logger
        ) { () throws(ParallaxError) in try Connection(dsn, applicationName: "parallax serve live") }
        let rows = RowsEndpoint(
            snapshots: snapshots, views: views, limits: requests, writes: WriteWatch(pool: pool), audit: audit)
        let routes = Self.routes(
            rows, AnswerRoutes(snapshots: snapshots, views: views, connect: connectAsOwner), live, streams, services, written)
        // The OpenAPI text is for programs, and pages of other sites ask the API alone: the dashboard's files are in neither.
        table = RouteTable(routes: routes + PageRoutes().routes)
        crossOrigin = CrossOrigin(settings.corsOrigins, routes: routes)
    }

    private static func routes(
        _ rows: RowsEndpoint, _ answers: AnswerRoutes, _ live: LiveViews, _ streams: StreamSlots, _ services: APIServices,
        _ written: WriteFigures
    ) -> [Route] {
        let (snapshots, views) = (rows.snapshots, rows.views)
        let (pool, limits) = (snapshots.pool, snapshots.limits)
        let reader = ChangesReader(views: views)
        // The other half of the connections is for looks, and for those who ask for rows.
        let turnstile = Turnstile(places: max(1, pool.limits.connections / 2))
        let following = FollowingRoutes(
            changes: ChangesEndpoint(snapshots: snapshots, live: live, reader: reader, streams: streams, turnstile: turnstile),
            live: LiveEndpoint(snapshots: snapshots, live: live, reader: reader, turnstile: turnstile))
        let explain = ExplainEndpoint(
            snapshots: snapshots, views: views, events: services.events, gate: ExplanationGate(places: limits.explanations))
        var routes =
            ViewRoutes(snapshots: snapshots, views: views, rows: rows, explain: explain).routes + answers.routes + following.routes
            + SystemRoutes(snapshots: snapshots, services: services).routes + ControlRoutes(snapshots: snapshots).routes
        if let appends = services.appends {
            routes +=
                WritingRoutes(
                    events: EventsEndpoint(snapshots: snapshots, appends: appends, limits: limits, figures: written), limits: limits
                ).routes
        }
        if let runs = services.runs {
            let progress = RunProgressStream(watch: RunWatch(pool: pool), services: runs)
            routes += RunRoutes(snapshots: snapshots, services: runs, progress: progress).routes
        }
        return routes + [openAPI(routes, version: services.version)]
    }

    private static let schemas =
        ViewRoutes.schemas + AnswerRoutes.schemas + RunRoutes.schemas + WritingRoutes.schemas + FollowingRoutes.schemas

    /// What a server of this version answers, without one: the OpenAPI text, and the reference for people.
    public static func reference(version: String) throws(ParallaxError) -> (openAPI: JSONText, markdown: String) {
        let pool = try ConnectionPool { () throws(ParallaxError) in throw ParallaxError(.unavailable, "no server") }
        defer { pool.close() }
        var services = APIServices(version: version) { .null }
        services.runs = RunServices.nobody
        services.appends = LogAppends { (_) throws(ParallaxError) in throw ParallaxError(.unavailable, "no server") }
        let views = ServedViews()
        let snapshots = Snapshots(pool: pool, limits: APILimits())
        let live = LiveViews(snapshots: snapshots, reader: ChangesReader(views: views), logger: Logger(label: "reference")) {
            () throws(ParallaxError) in throw ParallaxError(.unavailable, "no server")
        }
        let rows = RowsEndpoint(snapshots: snapshots, views: views, limits: APILimits(), writes: WriteWatch(pool: pool), audit: nil)
        let answers = AnswerRoutes(snapshots: snapshots, views: views) { () throws(ParallaxError) in
            throw ParallaxError(.unavailable, "no server")
        }
        let routes = routes(rows, answers, live, StreamSlots(limit: 0, perAddress: 0, perToken: 0), services, WriteFigures())
        let document = OpenAPI(routes: routes, version: version)
        return (document.json(schemas: schemas), document.markdown)
    }

    private static func fittingOpenFiles(_ limits: APILimits, _ logger: Logger) -> APILimits {
        let files = OpenFiles.raiseLimit(to: limits.connections + APILimits.otherFiles)
        let fitting = limits.fitting(openFiles: files)
        if fitting.connections < limits.connections {
            logger.warning(
                "the API takes fewer clients than serve.max_clients: this process may open \(files) files",
                metadata: [
                    "clients": "\(fitting.connections)", "max_clients": "\(limits.connections)", "streams": "\(fitting.streams)",
                    "hint":
                        "let it open \(limits.connections + APILimits.otherFiles): ulimit -Hn, LimitNOFILE= of systemd, ulimits of Compose",
                ])
        }
        return fitting
    }

    /// Whoever reaches an address that others reach has to say who they are.
    private static func requireTokens(_ settings: APISettings, _ dsn: String) throws(ParallaxError) {
        let problem: String
        if settings.auth == .off {
            problem = "serve.auth is off"
        } else {
            let connection = try Connection(dsn, applicationName: "parallax serve")
            defer { connection.close() }
            if try Catalog(connection).tokens().contains(where: \.isValid) { return }
            problem = "there is no valid token"
        }
        throw ParallaxError(
            .configuration, "serve.listen is \(settings.listen), which other machines reach, and \(problem)",
            hint: "make a token first: parallax token create; or listen on 127.0.0.1")
    }

    /// A session that can change nothing, and that ends what takes too long: where it can, as a role that may only read, and that row security holds for.
    private static func connect(_ dsn: String, _ limits: APILimits) throws(ParallaxError) -> Connection {
        let connection = try Connection(dsn, applicationName: "parallax serve")
        // Superusers alone may set it, and those that one of them has let (GRANT SET ON PARAMETER).
        let mayLimit = try connection.query(
            """
            SELECT rolsuper OR has_parameter_privilege(current_user, 'temp_file_limit', 'SET') FROM pg_catalog.pg_roles WHERE rolname = current_user
            """
        ).rows[0].bool(0)
        if mayLimit { try connection.execute("SET temp_file_limit = \(limits.temporaryBytes >> 10)") }
        try connection.execute(
            """
            SET default_transaction_read_only = on; SET statement_timeout = \(limits.requestTime.microseconds / 1_000); \
            SET idle_in_transaction_session_timeout = 60000; SET jit = off
            """)
        try Catalog(connection).readAsServingOwner()
        return connection
    }

    private static func openAPI(_ routes: [Route], version: String) -> Route {
        var route = Route(
            method: .get, path: "/openapi.json", operation: "getOpenAPI", summary: "What this server answers, as OpenAPI 3.1", scope: .open,
            answers: [.init(status: 200, words: "The document.", content: [("application/json", .map(.any))])]
        ) { _ in .text("") }
        let text = OpenAPI(routes: routes + [route], version: version).json(schemas: schemas).text() + "\n"
        let etag = "\"\(StableHash.text(of: [text]))\""
        route.handle = { request in
            if ETags.matches(request.header(.ifNoneMatch), etag) {
                return Response(status: .notModified, headers: [.eTag: etag, .cacheControl: "no-cache"])
            }
            return Response(
                status: .ok, headers: [.contentType: "application/json", .eTag: etag, .cacheControl: "no-cache"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
        return route
    }

    public func run() async throws {
        let responder = APIResponder(
            table: table, access: access, limits: settings.limits, logger: logger, metrics: metrics, hangUps: hangUps, streams: streams,
            crossOrigin: crossOrigin, isLoopback: settings.listen.isLoopback)
        try await HTTPListener(
            listen: settings.listen, setting: "serve.listen", limits: settings.limits, hangUps: hangUps, responder: responder,
            logger: logger,
            onListening: onListening, services: [Following(live: live, access: access, streams: streams)] + [audit].compactMap(\.self)
        ).run()
    }
}

/// What serves those who follow, beside their requests.
private struct Following: Service {
    let live: LiveViews
    let access: TokenAccess
    let streams: StreamSlots

    func run() async throws { try await live.run { await access.endStreams(streams) } }
}
