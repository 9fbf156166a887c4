import CPostgres

/// The owner of a `PGconn`. libpq lets one thread at a time use it; whoever owns this is that one.
struct OwnedConnection: ~Copyable {
    /// Nil once closed.
    private(set) var pointer: OpaquePointer?

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    mutating func close() {
        if let pointer { PQfinish(pointer) }
        pointer = nil
    }

    // PQfinish frees memory and puts a five-byte goodbye into the socket's buffer; it waits for no answer.
    deinit { if let pointer { PQfinish(pointer) } }
}

/// The owner of a `PGresult`. `PQclear` and every question below accept a null pointer (libpq gives one when memory runs out or
/// the connection is gone), so this does too.
struct OwnedResult: ~Copyable {
    let pointer: OpaquePointer?

    init(_ pointer: OpaquePointer?) { self.pointer = pointer }
    deinit { PQclear(pointer) }

    var status: ExecStatusType { PQresultStatus(pointer) }
    var rowCount: Int { Int(PQntuples(pointer)) }
    var columnCount: Int { Int(PQnfields(pointer)) }
    /// As in `INSERT 0 5`; empty where there is none.
    var commandTag: String { PQcmdStatus(pointer).map { String(cString: $0) } ?? "" }
    /// From the command tag; 0 where it has no number.
    var affectedRows: Int { PQcmdTuples(pointer).flatMap { Int(String(cString: $0)) } ?? 0 }

    func field(_ code: Character) -> String? {
        guard let ascii = code.asciiValue, let text = PQresultErrorField(pointer, Int32(ascii)) else { return nil }
        return String(cString: text)
    }

    func value(row: Int, column: Int) -> String? {
        let (row, column) = (Int32(row), Int32(column))
        if PQgetisnull(pointer, row, column) == 1 { return nil }
        guard let bytes = PQgetvalue(pointer, row, column) else { return nil }
        let length = Int(PQgetlength(pointer, row, column))
        return String(decoding: UnsafeRawBufferPointer(start: bytes, count: length), as: UTF8.self)
    }

    /// A copy of everything, independent of libpq's memory.
    func copied() -> QueryResult {
        let columnCount = columnCount
        let names = (0..<columnCount).map { PQfname(pointer, Int32($0)).map { String(cString: $0) } ?? "" }
        var rows: [QueryResult.Row] = []
        rows.reserveCapacity(rowCount)
        for row in 0..<rowCount {
            var values: [String?] = []
            values.reserveCapacity(columnCount)
            for column in 0..<columnCount { values.append(value(row: row, column: column)) }
            rows.append(QueryResult.Row(columns: names, values: values))
        }
        let types = (0..<columnCount).map { PQftype(pointer, Int32($0)) }
        return QueryResult(columns: names, types: types, rows: rows, affectedRows: affectedRows)
    }
}
