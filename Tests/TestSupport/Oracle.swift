import ParallaxCore
import Postgres

/// The judge: raw records in PostgreSQL, parsed, deduplicated and aggregated by PostgreSQL itself, with the view's own SELECT.
///
/// It knows Parallax's rules for what is an event (written anew in PL/pgSQL, from the documentation, not from our decoder) and nothing
/// of slices, sketches or states. It lives in a schema `oracle` of any database.
public final class Oracle {
    public struct Column: Sendable {
        public var name: String
        /// PostgreSQL's type, e.g. `numeric(12,2)`.
        public var type: String
        public var isRequired: Bool
        public init(_ name: String, _ type: String, isRequired: Bool = false) {
            self.name = name
            self.type = type
            self.isRequired = isRequired
        }

        /// JSON kinds that fit the column; strings may hold a number in PostgreSQL's own syntax.
        fileprivate var isCharacters: Bool { type.hasPrefix("text") || type.hasPrefix("character") }

        /// The value as PostgreSQL assigns it to the column: what is too long is an error, where an explicit cast would cut it.
        fileprivate func value(_ field: String, _ text: String) -> String {
            if type.hasSuffix("[]") {
                let element = type.dropLast(2)
                let kind = element == "boolean" ? "'boolean'" : element == "text" || element == "uuid" ? "'string'" : "'number', 'string'"
                return """
                    (SELECT array_agg(CASE WHEN json_typeof(e) = 'null' THEN NULL WHEN json_typeof(e) IN (\(kind)) THEN (e #>> '{}')::\(element)
                            ELSE (1 / (n - n))::text::\(element) END ORDER BY n) FROM json_array_elements(\(field)) WITH ORDINALITY AS x (e, n))
                    """
            }
            if type.hasPrefix("character") { return text }
            return type == "jsonb" ? "(\(field))::jsonb" : "(\(text))::\(type)"
        }

        fileprivate var kinds: String {
            if type.hasSuffix("[]") { return "'array'" }
            if type.hasPrefix("character") { return "'string'" }
            return switch type {
            case "boolean": "'boolean'"
            case "jsonb": "'object', 'array', 'string', 'number', 'boolean'"
            case "time", "interval": "'string'"
            case "text", "uuid", "timestamptz", "timestamp", "date": "'string'"
            default: "'number', 'string'"
            }
        }
    }

    private let connection: Connection
    private let source: String
    private let identity: (id: String, time: String)

    /// - Parameters:
    ///   - source: the source's name: the table that the view's SELECT reads.
    ///   - identity: event id and event time columns.
    ///   - keepsCopies: whoever loads records has left out what does not count.
    public init(
        dsn: String, source: String, columns: [Column], identity: (id: String, time: String), keepsCopies: Bool = false
    ) throws(ParallaxError) {
        connection = try Connection(dsn)
        self.source = source
        self.identity = identity
        let table = Connection.quoteIdentifier(source)
        let list = columns.map { "\(Connection.quoteIdentifier($0.name)) \($0.type)\($0.isCharacters ? " COLLATE \"C\"" : "")" }
        try connection.execute(
            """
            DROP SCHEMA IF EXISTS oracle CASCADE;
            CREATE SCHEMA oracle;
            SET search_path = oracle, dimension, public;
            CREATE TABLE raw (partition int, record_offset bigint, payload bytea);
            CREATE TYPE event AS (\(list.joined(separator: ", ")));
            CREATE FUNCTION tumble(t timestamptz, size interval) RETURNS timestamptz IMMUTABLE
                LANGUAGE sql AS $$ SELECT date_bin(size, t, 'epoch'::timestamptz) $$;
            CREATE FUNCTION tumble(t timestamptz, size interval, origin timestamptz) RETURNS timestamptz IMMUTABLE
                LANGUAGE sql AS $$ SELECT date_bin(size, t, origin) $$;
            CREATE FUNCTION hop(t timestamptz, slide interval, size interval) RETURNS SETOF timestamptz IMMUTABLE
                LANGUAGE sql AS $$
                SELECT s FROM generate_series(
                    date_bin(slide, t, 'epoch'::timestamptz) - ceil(extract(epoch FROM size) / extract(epoch FROM slide))::int * slide,
                    date_bin(slide, t, 'epoch'::timestamptz), slide) s
                WHERE s > t - size $$;
            """)
        var body = ""
        for column in columns {
            let field = "j -> \(Connection.quoteLiteral(column.name))"
            let text = "j ->> \(Connection.quoteLiteral(column.name))"
            body += """
                k := coalesce(json_typeof(\(field)), 'null');
                IF k <> 'null' THEN
                    IF k NOT IN (\(column.kinds)) THEN RAISE 'wrong type'; END IF;
                    r.\(Connection.quoteIdentifier(column.name)) := \(column.value(field, text));
                """
            if column.type.hasSuffix("[]") {
                body += "r.\(Connection.quoteIdentifier(column.name)) := coalesce(r.\(Connection.quoteIdentifier(column.name)), '{}');\n"
            }
            if column.type == "numeric" {
                let digits = "replace(replace(r.\(Connection.quoteIdentifier(column.name))::text, '-', ''), '.', '')"
                body +=
                    "IF length(ltrim(\(digits), '0')) > 38 OR scale(r.\(Connection.quoteIdentifier(column.name))) > 38 THEN RAISE 'digits'; END IF;\n"
            }
            if column.type == "double precision" || column.type == "real" {
                body +=
                    "IF r.\(Connection.quoteIdentifier(column.name)) IN ('NaN', 'Infinity', '-Infinity') THEN RAISE 'not finite'; END IF;\n"
            }
            if column.type.hasPrefix("numeric"), !column.type.hasSuffix("[]") {
                body += "IF r.\(Connection.quoteIdentifier(column.name)) = 'NaN' THEN RAISE 'not a number'; END IF;\n"
            }
            body +=
                column.isRequired || column.name == identity.id || column.name == identity.time
                ? "ELSE RAISE 'missing'; END IF;\n" : "END IF;\n"
        }
        try connection.execute(
            """
            CREATE FUNCTION parse(payload bytea) RETURNS event LANGUAGE plpgsql STABLE AS $body$
            DECLARE j json; k text; r event;
            BEGIN
                j := convert_from(payload, 'UTF8')::json;
                IF json_typeof(j) <> 'object' THEN RETURN NULL; END IF;
                \(body)
                RETURN r;
            EXCEPTION WHEN OTHERS THEN RETURN NULL;
            END $body$;
            CREATE TABLE parsed AS SELECT partition, record_offset, parse(payload) AS e FROM raw;
            CREATE VIEW \(table) AS SELECT (e).* FROM (
                SELECT \(keepsCopies ? "" : "DISTINCT ON ((e).\(Connection.quoteIdentifier(identity.id)), (e).\(Connection.quoteIdentifier(identity.time)))") e
                FROM parsed WHERE (e).\(Connection.quoteIdentifier(identity.id)) IS NOT NULL
                ORDER BY (e).\(Connection.quoteIdentifier(identity.id)), (e).\(Connection.quoteIdentifier(identity.time)), partition, record_offset) d
            """)
    }

    deinit { connection.close() }

    /// Adds records; null payloads are never events.
    public func load(_ batch: RecordBatch) throws(ParallaxError) {
        var row = 0
        try connection.copyIn("COPY oracle.raw FROM STDIN") { (buffer) throws(ParallaxError) -> Bool in
            guard row < batch.count else { return false }
            let end = min(batch.count, row + 1_000)
            while row < end {
                buffer += Array("\(batch.partition)\t\(batch.offsets[row])\t".utf8)
                if batch.payloads.isNull(row) {
                    buffer += Array("\\N\n".utf8)
                } else {
                    buffer += Array("\\\\x".utf8)
                    for byte in batch.payloads[row] {
                        buffer.append(Self.digits[Int(byte >> 4)])
                        buffer.append(Self.digits[Int(byte & 15)])
                    }
                    buffer.append(UInt8(ascii: "\n"))
                }
                row += 1
            }
            return true
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    /// Loads everything that a log holds between two offsets a partition; missing entries mean the log's own bounds.
    public func load(_ log: any EventLog, from start: Cut? = nil, to end: Cut? = nil) throws(ParallaxError) {
        for partition in try log.partitions() {
            let bounds = try log.bounds(of: partition)
            var next = max(bounds.lowerBound, start?[partition] ?? bounds.lowerBound)
            let last = min(bounds.upperBound, end.map { $0[partition] } ?? bounds.upperBound)
            while next < last {
                let batch = try log.read(partition, from: next, maxRecords: Int(min(10_000, last - next)), maxBytes: 32 << 20)
                guard !batch.isEmpty else { break }
                try load(batch)
                next = batch.nextOffset
            }
        }
    }

    /// Parses what was loaded. Call after the last `load`, before `rows`.
    public func parse() throws(ParallaxError) {
        try connection.execute(
            "SET search_path = oracle, dimension, public; TRUNCATE parsed; INSERT INTO parsed SELECT partition, record_offset, parse(payload) FROM raw; ANALYZE parsed"
        )
    }

    /// The SELECT's rows as text, each row's values joined by `|`, sorted.
    public func rows(_ select: String) throws(ParallaxError) -> [String] {
        try connection.execute("SET search_path = oracle, dimension, public")
        return Self.lines(try connection.query(select))
    }

    /// What else a test asks of PostgreSQL, in the oracle's schema: the raw records are in `raw`, parsed ones in `parsed`.
    public func query(_ sql: String) throws(ParallaxError) -> QueryResult {
        try connection.execute("SET search_path = oracle, dimension, public")
        return try connection.query(sql)
    }

    /// The same without a result; several statements may stand in it.
    public func execute(_ sql: String) throws(ParallaxError) {
        try connection.execute("SET search_path = oracle, dimension, public")
        try connection.execute(sql)
    }

    /// How many records are events, and how many different ones.
    public func counts() throws(ParallaxError) -> (records: Int64, events: Int64, distinct: Int64) {
        try connection.execute("SET search_path = oracle, dimension, public")
        let row = try connection.query(
            "SELECT (SELECT count(*) FROM raw), (SELECT count(*) FROM parsed WHERE (e).\(Connection.quoteIdentifier(identity.id)) IS NOT NULL), (SELECT count(*) FROM \(Connection.quoteIdentifier(source)))"
        ).rows[0]
        return (try row.int(0), try row.int(1), try row.int(2))
    }

    /// A result as sorted lines, for comparison.
    public static func lines(_ result: QueryResult) -> [String] {
        result.rows.map { $0.values.map { $0 ?? "∅" }.joined(separator: "|") }.sorted()
    }
}

/// The first few lines in which two results differ, for a test's message; nil where they are equal.
public func difference(_ ours: [String], _ oracle: [String], limit: Int = 5) -> String? {
    guard ours != oracle else { return nil }
    let onlyOurs = Set(ours).subtracting(oracle).sorted().prefix(limit)
    let onlyOracle = Set(oracle).subtracting(ours).sorted().prefix(limit)
    return
        "\(ours.count) rows against \(oracle.count) of the oracle\n  only ours:\n    \(onlyOurs.joined(separator: "\n    "))\n  only the oracle's:\n    \(onlyOracle.joined(separator: "\n    "))"
}
