import CPostgres
import ParallaxCore

/// A value for `$n`: PostgreSQL infers or is told the type; values travel as text and are never part of the SQL.
public enum Parameter: Sendable, Hashable {
    case null
    case text(String)
    case int(Int64)
    case bool(Bool)
    case double(Double)
    /// As PostgreSQL array of bigint / text.
    case ints([Int64])
    case texts([String])
    case bytes([UInt8])
}

/// One connection; blocking calls, one user at a time. Every error is a `ParallaxError` with PostgreSQL's own message, DETAIL, HINT and
/// SQLSTATE; `isRetriable` for lost connections, 40001, 40P01, 53xxx, 57Pxx.
public final class Connection {
    public init(_ dsn: String) throws(ParallaxError) { preconditionFailure("not written yet") }

    /// Any number of statements without parameters (simple protocol); the last result.
    @discardableResult
    public func execute(_ sql: String) throws(ParallaxError) -> QueryResult { preconditionFailure("not written yet") }

    /// One statement with parameters (extended protocol, text format).
    @discardableResult
    public func query(_ sql: String, _ parameters: [Parameter] = []) throws(ParallaxError) -> QueryResult {
        preconditionFailure("not written yet")
    }

    /// BEGIN; body; COMMIT. ROLLBACK and rethrow where the body throws. `begin` may be e.g. "BEGIN ISOLATION LEVEL REPEATABLE READ".
    public func transaction<T>(_ begin: String = "BEGIN", _ body: () throws(ParallaxError) -> T) throws(ParallaxError) -> T {
        preconditionFailure("not written yet")
    }

    /// `COPY … FROM STDIN`: the body is called until it returns false and fills the buffer (cleared before each call) with COPY text.
    /// Returns the number of rows copied.
    @discardableResult
    public func copyIn(_ sql: String, _ next: (inout [UInt8]) throws(ParallaxError) -> Bool) throws(ParallaxError) -> Int {
        preconditionFailure("not written yet")
    }

    /// `COPY … TO STDOUT`: each row's bytes as they come.
    public func copyOut(_ sql: String, _ row: (UnsafeRawBufferPointer) throws(ParallaxError) -> Void) throws(ParallaxError) {
        preconditionFailure("not written yet")
    }

    /// A quoted identifier; refuses NUL and invalid text.
    public static func quoteIdentifier(_ name: String) -> String { preconditionFailure("not written yet") }
    /// A quoted string literal, for DDL where no parameter may stand.
    public static func quoteLiteral(_ text: String) -> String { preconditionFailure("not written yet") }

    public func close() {}
}

/// Rows of one result, as PostgreSQL's text.
public struct QueryResult: Sendable {
    public var columns: [String]
    public var rows: [Row]
    /// Rows changed, from the command tag; 0 where it has none.
    public var affectedRows: Int
    public init(columns: [String], rows: [Row], affectedRows: Int) {
        self.columns = columns
        self.rows = rows
        self.affectedRows = affectedRows
    }

    public struct Row: Sendable {
        public var values: [String?]
        public init(values: [String?]) { self.values = values }
        public subscript(_ column: Int) -> String? { values[column] }
        /// Traps on our own mistake (a column that is not a bigint); use where the SQL fixes the type.
        public func int(_ column: Int) -> Int64? {
            guard let text = values[column] else { return nil }
            guard let value = Int64(text) else { preconditionFailure("column \(column) holds \(text), not a bigint") }
            return value
        }
        public func bool(_ column: Int) -> Bool? { values[column].map { $0 == "t" } }
    }
}
