import CPostgres
import ParallaxCore

extension Connection {
    /// The most that one protocol message carries of a COPY; libpq's buffer grows to the largest message and stays so.
    private static let bytesPerCopyMessage = 65_536

    /// `COPY … FROM STDIN`: the body is called until it returns false and fills the buffer (cleared before each call) with COPY text;
    /// what it wrote in the call that returns false is sent too. Rows may be cut anywhere. Where the body throws, the COPY is abandoned
    /// without a row and its error rethrown. Returns the number of rows copied.
    @discardableResult
    public func copyIn(_ sql: String, _ next: (inout [UInt8]) throws(ParallaxError) -> Bool) throws(ParallaxError) -> Int {
        let connection = try usable(sql)
        let started = OwnedResult(PQexec(connection, sql))
        guard started.status == PGRES_COPY_IN else { throw notACopy(started, sql: sql, expected: "FROM STDIN") }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(Self.bytesPerCopyMessage)
        do {
            var goesOn = true
            // The server may give up at any row; libpq then refuses more data and the end below fetches the reason.
            var isTaken = true
            while goesOn && isTaken {
                buffer.removeAll(keepingCapacity: true)
                goesOn = try next(&buffer)
                isTaken = send(buffer, to: connection)
            }
        } catch {
            PQputCopyEnd(connection, "the client gave up")
            drain(connection)
            throw error
        }
        PQputCopyEnd(connection, nil)
        return try lastResult(connection, sql: sql).affectedRows
    }

    /// `COPY … TO STDOUT`: each row's bytes as they come, with the newline. Where the body throws, the rest is cancelled.
    public func copyOut(_ sql: String, _ row: (UnsafeRawBufferPointer) throws(ParallaxError) -> Void) throws(ParallaxError) {
        let connection = try usable(sql)
        let started = OwnedResult(PQexec(connection, sql))
        guard started.status == PGRES_COPY_OUT else { throw notACopy(started, sql: sql, expected: "TO STDOUT") }
        while true {
            var bytes: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(connection, &bytes, 0)
            guard length > 0 else { break }
            defer { PQfreemem(bytes) }
            do {
                try row(UnsafeRawBufferPointer(start: bytes, count: Int(length)))
            } catch {
                try? canceller().cancel()
                leaveCopy(PGRES_COPY_OUT)
                throw error
            }
        }
        _ = try lastResult(connection, sql: sql)
    }

    private func send(_ bytes: [UInt8], to connection: OpaquePointer) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var start = 0
            while start < buffer.count {
                let end = min(start + Self.bytesPerCopyMessage, buffer.count)
                let message = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
                guard PQputCopyData(connection, message.bindMemory(to: CChar.self).baseAddress, Int32(message.count)) == 1 else {
                    return false
                }
                start = end
            }
            return true
        }
    }

    /// The first failure, or else the last result; the connection is idle afterwards.
    private func lastResult(_ connection: OpaquePointer, sql: String) throws(ParallaxError) -> OwnedResult {
        var last = OwnedResult(nil)
        while let pointer = PQgetResult(connection) {
            last = OwnedResult(pointer)
            guard last.status == PGRES_COMMAND_OK else {
                let error = failure(last, sql: sql)
                drain(connection)
                throw error
            }
        }
        guard last.pointer != nil else { throw failure(last, sql: sql) }
        return last
    }

    private func notACopy(_ result: borrowing OwnedResult, sql: String, expected: String) -> ParallaxError {
        switch result.status {
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: leaveCopy(result.status)
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: break
        default: return failure(result, sql: sql)
        }
        return ParallaxError(.internalInconsistency, "the statement is no COPY … \(expected)", detail: sql)
    }

    /// Ends a COPY that nobody wants, so that the connection can be used again.
    func leaveCopy(_ status: ExecStatusType) {
        guard let connection = owner.pointer else { return }
        if status == PGRES_COPY_OUT {
            var bytes: UnsafeMutablePointer<CChar>?
            while PQgetCopyData(connection, &bytes, 0) > 0 {
                PQfreemem(bytes)
                bytes = nil
            }
        } else {
            PQputCopyEnd(connection, "the client did not expect COPY")
        }
        drain(connection)
    }

    private func drain(_ connection: OpaquePointer) {
        while let pointer = PQgetResult(connection) {
            let result = OwnedResult(pointer)
            // A further COPY in the same statement text: end it, or libpq gives the same result for ever.
            switch result.status {
            case PGRES_COPY_IN, PGRES_COPY_BOTH: PQputCopyEnd(connection, "the client did not expect COPY")
            case PGRES_COPY_OUT:
                var bytes: UnsafeMutablePointer<CChar>?
                while PQgetCopyData(connection, &bytes, 0) > 0 {
                    PQfreemem(bytes)
                    bytes = nil
                }
            default: break
            }
        }
    }
}
