import CPostgres
import Glibc
import ParallaxCore

/// A row in libpq's memory, as PostgreSQL's text. Valid inside the closure that visits it, and not beyond.
public struct VisitedRow {
    let result: OpaquePointer?
    let row: Int32

    /// The bytes of a column's text; nil for null.
    public subscript(_ column: Int) -> UnsafeRawBufferPointer? {
        let column = Int32(column)
        if PQgetisnull(result, row, column) == 1 { return nil }
        guard let bytes = PQgetvalue(result, row, column) else { return nil }
        return UnsafeRawBufferPointer(start: bytes, count: Int(PQgetlength(result, row, column)))
    }
}

/// The names that statements have in one session, by their text.
struct PreparedStatements {
    /// A session's memory for plans is the server's. Beyond so many, all are forgotten: whoever sends that many different texts gains nothing from them.
    static let maxCount = 256
    var names: [String: String] = [:]
    /// In this session, ever: each has a name of its own.
    private(set) var made = 0
    /// How many were made before all were forgotten last.
    private var forgotten = 0

    /// Counted by what was made, not by `names`: the session also keeps statements whose names were forgotten here.
    var areTooMany: Bool { made - forgotten >= Self.maxCount }

    mutating func newName() -> String {
        made += 1
        return "p\(made)"
    }

    mutating func forgetAll() {
        names = [:]
        forgotten = made
    }
}

extension Connection {
    public struct Field: Sendable, Hashable {
        public var name: String
        /// PostgreSQL's object id of the type.
        public var type: UInt32
        public init(name: String, type: UInt32) {
            self.name = name
            self.type = type
        }
    }

    public enum RowDelivery: Sendable {
        /// For answers that fit into memory: a microsecond a row cheaper.
        case atOnce
        /// As they come: nothing is kept here.
        case oneByOne
    }

    /// One statement, prepared at its first use in the session. `fields` is called once, before the first row and also where there is none.
    ///
    /// Throws `.unavailable`, with the SQLSTATE of a statement that takes too long (57014), where no answer came before the deadline; the connection is
    /// closed then, since nobody knows what it is doing. It is closed, too, where a closure throws before the last row. A statement whose plan died with what it reads (SQLSTATE 0A000) is forgotten, and the error is
    /// retriable.
    public func visit(
        _ sql: String, _ parameters: [Parameter] = [], rows delivery: RowDelivery = .atOnce, until deadline: ContinuousClock.Instant? = nil,
        fields: ([Field]) throws(ParallaxError) -> Void, row: (VisitedRow) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        let name = try prepared(sql, until: deadline)
        let encoded = try EncodedParameters(parameters)
        let connection = try usable(sql)
        let isSent = encoded.withPointers { values in
            PQsendQueryPrepared(connection, name, encoded.count, values, nil, nil, 0) == 1
        }
        guard isSent else { throw lostWhileSending() }
        if delivery == .oneByOne { PQsetSingleRowMode(connection) }
        do {
            try receive(sql, until: deadline) { result throws(ParallaxError) in
                try fields(result.fields)
            } visit: { result throws(ParallaxError) in
                for index in 0..<result.rowCount { try row(VisitedRow(result: result.pointer, row: Int32(index))) }
            }
        } catch {
            if error.sqlState == SQLState.featureNotSupported || error.sqlState == SQLState.invalidSQLStatementName {
                statements.names[sql] = nil
                var again = error
                again.isRetriable = true
                throw again
            }
            throw error
        }
    }

    /// As `query`, prepared at its first use: for statements that are asked again and again.
    @discardableResult
    public func queryPrepared(
        _ sql: String, _ parameters: [Parameter] = [], until deadline: ContinuousClock.Instant? = nil
    ) throws(ParallaxError) -> QueryResult {
        var result = QueryResult(columns: [], rows: [], affectedRows: 0)
        try visit(sql, parameters, until: deadline) { fields throws(ParallaxError) in
            result.columns = fields.map(\.name)
            result.types = fields.map(\.type)
        } row: { row throws(ParallaxError) in
            let values = result.types.indices.map { row[$0].map { String(decoding: $0, as: UTF8.self) } }
            result.rows.append(QueryResult.Row(columns: result.columns, values: values))
        }
        return result
    }

    /// What the statement answers with, without running it.
    public func describe(_ sql: String, until deadline: ContinuousClock.Instant? = nil) throws(ParallaxError) -> [Field] {
        let name = try prepared(sql, until: deadline)
        let connection = try usable(sql)
        guard PQsendDescribePrepared(connection, name) == 1 else { throw lostWhileSending() }
        var found: [Field] = []
        try receive(
            sql, until: deadline, fields: { result throws(ParallaxError) in found = result.fields }, visit: { _ throws(ParallaxError) in })
        return found
    }

    private func prepared(_ sql: String, until deadline: ContinuousClock.Instant?) throws(ParallaxError) -> String {
        // Before the look-up: a session that works only in transactions sends nothing outside of one but their BEGIN, which is known already. In one, an
        // error would end the caller's work.
        if statements.areTooMany, !isInTransaction {
            let forget = "DEALLOCATE ALL"
            guard PQsendQuery(try usable(forget), forget) == 1 else { throw lostWhileSending() }
            try receiveNothing(forget, until: deadline)
            statements.forgetAll()
        }
        if let name = statements.names[sql] { return name }
        let name = statements.newName()
        let connection = try usable(sql)
        guard PQsendPrepare(connection, name, sql, 0, nil) == 1 else { throw lostWhileSending() }
        try receiveNothing(sql, until: deadline)
        statements.names[sql] = name
        return name
    }

    private func receiveNothing(_ sql: String, until deadline: ContinuousClock.Instant?) throws(ParallaxError) {
        try receive(sql, until: deadline, fields: { _ throws(ParallaxError) in }, visit: { _ throws(ParallaxError) in })
    }

    private func lostWhileSending() -> ParallaxError {
        let words = connectionMessage.trimmingNewlines
        close()
        return ParallaxError(.unavailable, "lost the connection to PostgreSQL", detail: words.isEmpty ? nil : words)
    }

    /// Everything that the server answers to what was sent, to its end.
    private func receive(
        _ sql: String, until deadline: ContinuousClock.Instant?, fields: (borrowing OwnedResult) throws(ParallaxError) -> Void,
        visit: (borrowing OwnedResult) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        var hasFields = false
        var failed: ParallaxError?
        while true {
            let result = try next(sql, until: deadline)
            guard result.pointer != nil else { break }
            switch result.status {
            case PGRES_SINGLE_TUPLE, PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                do {
                    if !hasFields { try fields(result) }
                    hasFields = true
                    try visit(result)
                } catch {
                    // The rest may be long, and nobody wants it.
                    close()
                    throw error
                }
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                close()
                throw ParallaxError(.input, "COPY from or to the client cannot run as a plain statement", hint: "Use a query instead.")
            default:
                // The server says one error a statement, and then nothing more.
                failed = failed ?? failure(result, sql: sql)
            }
        }
        if let failed { throw failed }
    }

    /// The next result; one without a pointer at the end.
    private func next(_ sql: String, until deadline: ContinuousClock.Instant?) throws(ParallaxError) -> OwnedResult {
        let connection = try usable(sql)
        while true {
            let pending = PQflush(connection)
            guard pending >= 0 else { throw lostWhileSending() }
            if pending == 0 && PQisBusy(connection) == 0 { return OwnedResult(PQgetResult(connection)) }
            let events = Int16(POLLIN) | (pending == 1 ? Int16(POLLOUT) : 0)
            guard waitForSocket(PQsocket(connection), events: events, until: deadline) else {
                close()
                throw ParallaxError(
                    .unavailable, "PostgreSQL did not answer in time", hint: "ask for less, or look at what the server is doing",
                    isRetriable: false, sqlState: SQLState.queryCanceled)
            }
            // A lost connection shows itself as the next result, in the server's or libpq's words.
            _ = PQconsumeInput(connection)
        }
    }
}

extension OwnedResult {
    fileprivate var fields: [Connection.Field] {
        (0..<columnCount).map { column in
            Connection.Field(
                name: PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? "", type: PQftype(pointer, Int32(column)))
        }
    }
}
