import Columns
import ParallaxCore
import ViewLanguage

/// A table in memory, as one kind of join needs it: the columns that are read, and an index over the key. Immutable: another version of the
/// table is another value.
///
/// row(keys) = the row whose key columns are equal to the keys, as PostgreSQL's `=` has it; none where a key is null.
public final class LookupTable: Sendable {
    /// What it is built for: lookups that differ only in the event's side, or in INNER and LEFT, share one.
    struct Shape: Hashable {
        var table: String
        var columns: [Plan.Lookup.Column]
        var keyColumns: [Int]
        var keyTypes: [ScalarType]

        init(_ lookup: Plan.Lookup) {
            table = lookup.table
            columns = lookup.columns
            keyColumns = lookup.keys.map(\.column)
            keyTypes = lookup.keys.map(\.type)
        }
    }

    /// In the order of the shape's columns, one entry a row.
    let columns: [Vector]
    private let rowCount: Int
    private let keyColumns: [GroupKeyColumn]
    private let index: GroupTable
    /// The row of each key in the index; nil: they have the same numbers.
    private let rowOfKey: [Int32]?

    /// - Parameter columns: those of the shape.
    /// Throws where two rows have the same key: each event would count several times.
    init(_ shape: Shape, columns: [Vector], rowCount: Int) throws(ParallaxError) {
        self.columns = columns
        self.rowCount = rowCount
        var cast = Evaluator.detached
        let all = (0..<rowCount).map { Int32($0) }
        var keys: [Vector] = []
        for (column, type) in zip(shape.keyColumns, shape.keyTypes) { keys.append(cast.cast(columns[column], to: type, all)) }
        let rows = Self.rowsWithoutNulls(keys, rowCount)
        if let rows { keys = keys.map { $0.at(rows) } }
        var keyColumns = shape.keyTypes.map { GroupKeyColumn($0) }
        let stride = keyColumns.reduce(0) { $0 + $1.width }
        let count = rows?.count ?? rowCount
        var words = [UInt64](repeating: 0, count: count * stride)
        var offset = 0
        for position in keyColumns.indices {
            keyColumns[position].pack(keys[position], into: &words, offset: offset, stride: stride)
            offset += keyColumns[position].width
        }
        var index = GroupTable(width: stride)
        let found = index.groups(of: words, rows: count)
        if index.count < count, let second = found.indices.first(where: { Int(found[$0]) != $0 }) {
            throw Self.duplicate(shape, keys, second, isInError: !cast.errors.isEmpty)
        }
        self.keyColumns = keyColumns
        self.index = index
        rowOfKey = rows
    }

    /// Nil: all of them. A row with a null in its key is equal to nothing.
    private static func rowsWithoutNulls(_ keys: [Vector], _ count: Int) -> [Int32]? {
        guard keys.contains(where: { $0.nulls.contains(1) }) else { return nil }
        return (0..<count).filter { row in !keys.contains { $0.isNull(row) } }.map { Int32($0) }
    }

    private static func duplicate(_ shape: Shape, _ keys: [Vector], _ row: Int, isInError: Bool) -> ParallaxError {
        let names = shape.keyColumns.map { shape.columns[$0].name }.joined(separator: ", ")
        let values = keys.map { String(decoding: StateRows.text(of: $0, row), as: UTF8.self) }.joined(separator: ", ")
        return ParallaxError(
            .definition, "table \"\(shape.table)\" has several rows with (\(names)) = (\(values)): a join must not multiply events",
            hint: "make the columns unique in PostgreSQL again, or declare another key, and run parallax apply", isRetriable: true)
    }

    /// The row for each set of keys; -1 where there is none.
    /// - Parameter keys: one vector a key column, in the key's types, with `count` entries.
    func rows(of keys: [Vector], count: Int) -> [Int32] {
        let stride = index.width
        var words = [UInt64](repeating: 0, count: count * stride)
        var offset = 0
        for (column, key) in zip(keyColumns, keys) {
            column.packKnown(key, into: &words, offset: offset, stride: stride)
            offset += column.width
        }
        var found = index.known(words, rows: count)
        if let rowOfKey {
            for position in found.indices where found[position] >= 0 { found[position] = rowOfKey[Int(found[position])] }
        }
        for key in keys where !key.nulls.isEmpty {
            for position in found.indices where key.nulls[position] != 0 { found[position] = -1 }
        }
        return found
    }

    /// The values of a column for some rows, which may be -1: null.
    func values(_ column: Int, _ rows: [Int32]) -> Vector {
        let source = columns[column]
        guard rowCount > 0 else { return .null(source.type) }
        guard rows.contains(where: { $0 < 0 }) else { return source.at(rows) }
        var result = source.at(rows.map { max($0, 0) })
        if result.nulls.isEmpty { result.nulls = [UInt8](repeating: 0, count: rows.count) }
        for position in rows.indices where rows[position] < 0 { result.nulls[position] = 1 }
        return result
    }
}
