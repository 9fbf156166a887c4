import ViewLanguage

/// The rows of a table that belong to the events of a batch.
struct JoinedRows {
    let table: LookupTable
    /// For each row of the batch the row of the table, or -1; meaningless for rows that were not looked up.
    var rows: [Int32]
}

extension Evaluator {
    /// Looks the given rows of the batch up. Returns those that the join keeps: INNER without those that have no match.
    mutating func join(_ lookup: Plan.Lookup, _ table: LookupTable, _ rows: [Int32]) -> [Int32] {
        var keys: [Vector] = []
        for key in lookup.keys { keys.append(evaluate(key.expression, rows).spread(rows.count)) }
        let found = table.rows(of: keys, count: rows.count)
        var places = [Int32](repeating: -1, count: batch.count)
        for (position, row) in rows.enumerated() { places[Int(row)] = found[position] }
        joined.append(JoinedRows(table: table, rows: places))
        guard lookup.kind == .inner, found.contains(where: { $0 < 0 }) else { return rows }
        return rows.indices.filter { found[$0] >= 0 }.map { rows[$0] }
    }

    func looked(up lookup: Int, _ column: Int, _ rows: [Int32]) -> Vector {
        joined[lookup].table.values(column, gather(joined[lookup].rows, rows))
    }
}
