import CPostgres
import ParallaxCore

/// One connection; blocking calls, one user at a time, on a thread of your own. Every error is a `ParallaxError` with PostgreSQL's own
/// message, DETAIL, HINT and SQLSTATE, and for SQL the line with a caret; `isRetriable` for lost connections, 40001, 40P01, 53xxx,
/// 57Pxx. A retry after a lost connection needs a new `Connection`.
///
/// The session speaks UTF-8, with `TimeZone` UTC, `DateStyle` ISO, `IntervalStyle` postgres and `standard_conforming_strings` on,
/// whatever the server, the database or the role have for defaults.
public final class Connection {
    var owner: OwnedConnection
    let notices: NoticeReceiver
    /// What others know this session by, where somebody has given it a number. It ends with the session.
    public var sessionNumber: Int64?
    var statements = PreparedStatements()

    /// `dsn`: `postgresql://…` or `key=value …`, as libpq takes them. Throws `.configuration` where it cannot be read, `.unavailable`
    /// where nobody answers, `.database` where the server refuses (password, no such database). Waits at most `connect_timeout` seconds
    /// (10 where the DSN does not say).
    public init(_ dsn: String, applicationName: String = "parallax") throws(ParallaxError) {
        notices = NoticeReceiver()
        owner = try Self.connected(dsn, applicationName: applicationName, notices: notices)
        try execute(
            """
            SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; \
            SET standard_conforming_strings = on; SET bytea_output = 'hex'; SET client_min_messages = 'notice'
            """)
    }

    /// Where the server's notices and warnings go; nowhere by default (never to stderr). Called inside the call that causes them.
    public var onNotice: ((Notice) -> Void)? {
        get { notices.handler }
        set { notices.handler = newValue }
    }

    /// False once the connection is closed or known to be lost.
    public var isOpen: Bool { owner.pointer.map { PQstatus($0) == CONNECTION_OK } ?? false }

    /// The server's process that serves this connection, as in `pg_stat_activity.pid`; 0 when closed.
    public var serverProcess: Int32 { owner.pointer.map { PQbackendPID($0) } ?? 0 }

    /// As in 150020 for 15.20; 0 when closed.
    public var serverVersion: Int { owner.pointer.map { Int(PQserverVersion($0)) } ?? 0 }

    /// Any number of statements without parameters (simple protocol); the last result.
    @discardableResult
    public func execute(_ sql: String) throws(ParallaxError) -> QueryResult { try run(sql).copied() }

    /// One statement with parameters (extended protocol, text format).
    @discardableResult
    public func query(_ sql: String, _ parameters: [Parameter] = []) throws(ParallaxError) -> QueryResult {
        let encoded = try EncodedParameters(parameters)
        let connection = try usable(sql)
        let result = encoded.withPointers { values in
            PQexecParams(connection, sql, encoded.count, nil, values, nil, nil, 0)
        }
        return try checked(OwnedResult(result), sql: sql).copied()
    }

    /// A second use throws `.unavailable`. Closing twice is fine.
    public func close() { owner.close() }

    func run(_ sql: String) throws(ParallaxError) -> OwnedResult {
        let connection = try usable(sql)
        return try checked(OwnedResult(PQexec(connection, sql)), sql: sql)
    }

    /// The connection, if it is there to be used with this text.
    func usable(_ sql: String) throws(ParallaxError) -> OpaquePointer {
        guard let pointer = owner.pointer else {
            throw ParallaxError(.unavailable, "the connection to PostgreSQL is closed")
        }
        guard !sql.utf8.contains(0) else {
            throw ParallaxError(.input, "a statement contains a NUL character, which PostgreSQL's text cannot hold")
        }
        return pointer
    }

    func checked(_ result: consuming OwnedResult, sql: String) throws(ParallaxError) -> OwnedResult {
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            return result
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            leaveCopy(result.status)
            throw ParallaxError(.input, "COPY from or to the client cannot run as a plain statement", hint: "Use a query instead.")
        default:
            throw failure(result, sql: sql)
        }
    }

    func failure(_ result: borrowing OwnedResult, sql: String?) -> ParallaxError {
        // 57P01 comes with the server's words before the socket closes; either tells that the connection is gone.
        result.error(sql: sql, connectionLost: !isOpen, connectionMessage: connectionMessage)
    }

    var connectionMessage: String {
        owner.pointer.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? "the connection is closed"
    }
}

/// What libpq calls with notices; kept alive by its `Connection`, which outlives the `PGconn`.
final class NoticeReceiver {
    var handler: ((Notice) -> Void)?

    func attach(to connection: OpaquePointer) {
        PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context, let handler = Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue().handler else { return }
                handler(Notice(borrowing: result))
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}
