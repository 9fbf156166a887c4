import CPostgres
import Glibc
import ParallaxCore

extension Connection {
    /// Seconds, where the DSN has no `connect_timeout`. A server that starts or is under load answers within it; a wrong address does not.
    static let defaultConnectTimeout = 10
    /// Eleven days: what a DSN says beyond it cannot be meant.
    static let maxConnectTimeout = 1_000_000

    /// Connects step by step (`PQconnectPoll`) rather than in one call, because only so can libpq be told, before the server answers,
    /// to include the SQLSTATE in its message: a failed connection has no `PGresult` to ask.
    static func connected(_ dsn: String, applicationName: String, notices: NoticeReceiver) throws(ParallaxError) -> OwnedConnection {
        guard !dsn.utf8.contains(0) else {
            throw ParallaxError(.configuration, "the PostgreSQL connection string contains a NUL character")
        }
        try checkSyntax(of: dsn)
        // What stands before `dbname` is a default for what the DSN does not say; what stands behind it is our will.
        let keywords: [(String, String)] = [
            ("connect_timeout", String(defaultConnectTimeout)), ("application_name", applicationName),
            // A host that vanished is noticed within about a minute, not after two hours.
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"), ("tcp_user_timeout", "60000"),
            ("dbname", dsn), ("client_encoding", "UTF8"),
        ]
        let pointer = withCStrings(keywords.map(\.0)) { names in
            withCStrings(keywords.map(\.1)) { values in PQconnectStartParams(names, values, 1) }
        }
        guard let pointer else { throw ParallaxError(.limit, "no memory for a connection to PostgreSQL") }
        let owned = OwnedConnection(pointer)
        notices.attach(to: pointer)
        PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
        let answered = PQstatus(pointer) != CONNECTION_BAD && waitUntilConnected(pointer)
        guard answered, PQstatus(pointer) == CONNECTION_OK else { throw connectionFailure(pointer, timedOut: !answered) }
        PQsetErrorVerbosity(pointer, PQERRORS_DEFAULT)
        return owned
    }

    /// False when the time is up. `connect_timeout` counts for each host of the DSN, here for all of them together.
    private static func waitUntilConnected(_ connection: OpaquePointer) -> Bool {
        let seconds = option("connect_timeout", of: connection).flatMap { Int($0) } ?? defaultConnectTimeout
        let hosts = (option("host", of: connection) ?? "").split(separator: ",").count
        let deadline: ContinuousClock.Instant? = seconds > 0 ? .now + .seconds(min(seconds, maxConnectTimeout) * max(1, hosts)) : nil
        var events = Int16(POLLOUT)
        while true {
            guard waitForSocket(PQsocket(connection), events: events, until: deadline) else { return false }
            switch PQconnectPoll(connection) {
            case PGRES_POLLING_READING: events = Int16(POLLIN)
            case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
            default: return true
            }
        }
    }

    private static func connectionFailure(_ connection: OpaquePointer, timedOut: Bool) -> ParallaxError {
        let target = describe(connection)
        let raw = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
        if timedOut {
            return ParallaxError(
                .unavailable, "cannot connect to PostgreSQL \(target): no answer within the connect timeout",
                detail: raw.trimmingNewlines.isEmpty ? nil : raw.trimmingNewlines,
                hint: "Check the address and that the server runs.")
        }
        let (words, state) = separatingSQLState(raw)
        // Without a SQLSTATE nobody answered, or what answered was no PostgreSQL server.
        let (code, isRetriable) = classify(sqlState: state, connectionLost: state == nil)
        return ParallaxError(
            code, "cannot connect to PostgreSQL \(target)", detail: words.isEmpty ? nil : words,
            hint: state == nil ? "Check the address and that the server runs." : nil, isRetriable: isRetriable, sqlState: state)
    }

    /// `FATAL:  28P01: password …\nLOCATION:  auth_failed, auth.c:326` → the words alone, and `28P01`.
    static func separatingSQLState(_ verbose: String) -> (words: String, sqlState: String?) {
        var state: String?
        var lines: [String] = []
        for line in verbose.split(separator: "\n", omittingEmptySubsequences: true) {
            if line.hasPrefix("LOCATION:") { continue }
            if let match = line.firstMatch(of: #/:  ([0-9A-Z]{5}):\s/#) {
                state = String(match.1)
                lines.append(String(line.replacing(match.0, with: ":  ", maxReplacements: 1)))
            } else {
                lines.append(String(line))
            }
        }
        return (lines.joined(separator: "\n"), state)
    }

    /// `database "x" at host:port as user "y"`: what the DSN means, without its password.
    private static func describe(_ connection: OpaquePointer) -> String {
        func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
        let database = text(PQdb(connection))
        let host = text(PQhost(connection))
        return "database \"\(database)\" at \(host.isEmpty ? "the default socket" : host):\(text(PQport(connection)))"
            + " as user \"\(text(PQuser(connection)))\""
    }

    private static func option(_ keyword: String, of connection: OpaquePointer) -> String? {
        guard let options = PQconninfo(connection) else { return nil }
        defer { PQconninfoFree(options) }
        var option = options
        while let name = option.pointee.keyword {
            if String(cString: name) == keyword { return option.pointee.val.map { String(cString: $0) } }
            option += 1
        }
        return nil
    }
}

/// Waits for poll(2)'s events (or an error, which the next read reports) on a socket; false at the deadline. Nil: for ever.
func waitForSocket(_ socket: Int32, events: Int16, until deadline: ContinuousClock.Instant?) -> Bool {
    var entry = pollfd(fd: socket, events: events, revents: 0)
    while true {
        var milliseconds: Int32 = -1
        if let deadline {
            let (seconds, attoseconds) = max(.zero, deadline - .now).components
            // Rounded up, so that the last millisecond is slept and not spun through.
            milliseconds = Int32(
                clamping: min(seconds, Int64(Int32.max)) * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
        }
        let count = poll(&entry, 1, milliseconds)
        if count > 0 { return true }
        if count == 0 { return false }
        // An invalid socket shows itself in the next libpq call; only an interrupted wait is repeated.
        if errno != EINTR { return true }
    }
}

/// The strings as an array of C strings that ends in a null pointer.
func withCStrings<R>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R) -> R {
    var arena: [CChar] = []
    var starts: [Int] = []
    for string in strings {
        starts.append(arena.count)
        arena.append(contentsOf: string.utf8CString)
    }
    return arena.withUnsafeBufferPointer { arena in
        var pointers: [UnsafePointer<CChar>?] = starts.map { start in arena.baseAddress.map { $0 + start } }
        pointers.append(nil)
        // The array has at least the null pointer, so it has an address.
        return pointers.withUnsafeBufferPointer { buffer in body(buffer.baseAddress.unsafelyUnwrapped) }
    }
}
