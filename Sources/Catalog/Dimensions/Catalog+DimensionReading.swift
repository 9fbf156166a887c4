import Columns
import ParallaxCore
import Postgres
import ViewLanguage

/// How much of a table may be in memory. Each worker and each run holds its own copy.
public struct DimensionLimits: Hashable, Sendable {
    /// 5 million rows are read in about ten seconds, and no batch of events is processed meanwhile.
    public var rowsPerTable = 5_000_000
    /// Bytes of the values as text, in the columns that views read; in memory a table takes up to three times as much.
    public var bytesPerTable = 512 << 20
    public init() {}
}

/// Tables as one snapshot of the database has them.
public struct DimensionSnapshot: Sendable {
    public static let empty = DimensionSnapshot(tables: [], versions: [:])
    public var tables: [TextTable]
    /// By the table's name.
    public var versions: [String: DimensionVersion]
}

extension Catalog {
    /// Reads the columns that are asked for, of all tables in one snapshot. Outside a transaction.
    ///
    /// Throws `.definition`, retriable, where a table is missing or not as it was declared, `.limit` where it is too large: never a part of it.
    public func readDimensions(_ demands: [DimensionDemand], limits: DimensionLimits) throws(ParallaxError) -> DimensionSnapshot {
        guard !demands.isEmpty else { return .empty }
        let names = demands.map(\.table)
        let known = try dimensions()
        var places: [String: String] = [:]
        for dimension in known { places[dimension.name] = Self.place(dimension.definition) }
        // Says which is missing.
        _ = try dimensionVersions(names)
        do {
            return try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") { () throws(ParallaxError) in
                // The locks come before the snapshot: a TRUNCATE that commits in between would leave an empty table to an older snapshot.
                try connection.execute("SET LOCAL lock_timeout = '5s'")
                try connection.execute("LOCK TABLE \(names.compactMap { places[$0] }.joined(separator: ", ")) IN ACCESS SHARE MODE")
                let versions = try dimensionVersions(names)
                var tables: [TextTable] = []
                for demand in demands { tables.append(try read(demand, from: places[demand.table] ?? "", limits)) }
                return DimensionSnapshot(tables: tables, versions: versions)
            }
        } catch {
            guard error.code == .database else { throw error }
            throw Self.unreadable(names, error)
        }
    }

    private static func unreadable(_ names: [String], _ error: ParallaxError) -> ParallaxError {
        ParallaxError(
            .definition, "the tables \(names.map { "\"\($0)\"" }.joined(separator: ", ")) cannot be read: \(error.message)",
            detail: error.detail, hint: error.hint ?? "parallax apply compares them with their declarations", isRetriable: true)
    }

    /// Quoted, with its schema.
    public static func place(_ dimension: DimensionDefinition) -> String {
        "\(Connection.quoteIdentifier(dimension.schema)).\(Connection.quoteIdentifier(dimension.name))"
    }

    private func read(_ demand: DimensionDemand, from place: String, _ limits: DimensionLimits) throws(ParallaxError) -> TextTable {
        var names: [String] = []
        for column in demand.columns where !names.contains(column.name) { names.append(column.name) }
        var reader = CopyTextReader(columns: names.count)
        let list = names.map { Connection.quoteIdentifier($0) }.joined(separator: ", ")
        try connection.copyOut("COPY (SELECT \(list) FROM ONLY \(place)) TO STDOUT") { (row) throws(ParallaxError) in
            reader.append(row)
            guard reader.rowCount <= limits.rowsPerTable else {
                throw ParallaxError(
                    .limit, "table \"\(demand.table)\" has more than \(limits.rowsPerTable) rows, which lookup.max_rows allows",
                    hint: "raise lookup.max_rows where the machine has the memory: each worker and each run holds the table",
                    isRetriable: true)
            }
            guard reader.byteCount <= limits.bytesPerTable else {
                throw ParallaxError(
                    .limit,
                    "table \"\(demand.table)\" has more than \(limits.bytesPerTable) bytes in the columns that views read, which "
                        + "lookup.max_bytes allows",
                    hint: "raise lookup.max_bytes where the machine has the memory: each worker and each run holds the table",
                    isRetriable: true)
            }
        }
        return TextTable(
            name: demand.table, rowCount: reader.rowCount,
            columns: zip(names, reader.columns).map { TextTable.TextColumn(name: $0, values: $1) })
    }
}

/// Lines of COPY's text format by columns. Source: PostgreSQL documentation, COPY, "Text Format".
struct CopyTextReader {
    private struct Values {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        var nulls: [UInt8] = []
        var hasNull = false
    }
    private var values: [Values]
    private(set) var rowCount = 0

    init(columns: Int) { values = Array(repeating: Values(), count: columns) }

    var byteCount: Int { values.reduce(0) { $0 + $1.bytes.count } }

    var columns: [ByteColumn] {
        values.map { ByteColumn(bytes: $0.bytes, ends: $0.ends, nulls: $0.hasNull ? $0.nulls : []) }
    }

    /// One line, with its end.
    mutating func append(_ line: UnsafeRawBufferPointer) {
        var end = line.count
        if end > 0, line[end - 1] == UInt8(ascii: "\n") { end -= 1 }
        var start = 0
        for column in values.indices {
            var stop = start
            while stop < end, line[stop] != UInt8(ascii: "\t") { stop += 1 }
            appendField(UnsafeRawBufferPointer(rebasing: line[start..<stop]), to: column)
            start = stop + 1
        }
        rowCount += 1
    }

    private mutating func appendField(_ field: UnsafeRawBufferPointer, to column: Int) {
        let isNull = field.count == 2 && field[0] == UInt8(ascii: "\\") && field[1] == UInt8(ascii: "N")
        if isNull {
            values[column].hasNull = true
        } else if !field.contains(UInt8(ascii: "\\")) {
            values[column].bytes.append(contentsOf: field)
        } else {
            var position = 0
            while position < field.count {
                var byte = field[position]
                if byte == UInt8(ascii: "\\"), position + 1 < field.count {
                    position += 1
                    byte = Self.escaped(field[position])
                }
                values[column].bytes.append(byte)
                position += 1
            }
        }
        values[column].ends.append(values[column].bytes.count)
        values[column].nulls.append(isNull ? 1 : 0)
    }

    private static func escaped(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 8
        case UInt8(ascii: "t"): 9
        case UInt8(ascii: "n"): 10
        case UInt8(ascii: "v"): 11
        case UInt8(ascii: "f"): 12
        case UInt8(ascii: "r"): 13
        default: letter
        }
    }
}
