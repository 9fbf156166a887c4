import ViewLanguage

/// States of several windows, or of several groups, become one.
///
///     state(bucket, fewer groups) = state₁ ⊕ state₂ ⊕ …        over the rows of both layers whose windows and groups are in it
///
/// Never by adding results: how many different visitors an hour had is not the sum of its minutes'. What a law can tell from several states, and with which
/// error, it says in `MeasureLaw.rolledUp`, `finished` and `estimate`.
public enum RollUpSQL {
    /// What rows are put together by.
    public struct Key {
        /// The column in the result: `window_start`, `g0` …
        public var name: String
        /// SQL over a row of a state table.
        public var expression: (_ alias: String) -> String

        public init(name: String, expression: @escaping (_ alias: String) -> String) {
            self.name = name
            self.expression = expression
        }
    }

    /// One row for each combination of the keys: keys, then per measure the columns that `StateSQL.Row.rolledUp` reads, then `speed_rows`. Without
    /// keys one row always. Of sessions `window_start` and `session_last` stand beside the keys, which are groups alone there.
    ///
    /// - Parameters:
    ///   - measures: those that are read.
    ///   - fromBatch, fromSpeed: FROM and WHERE of the rows, `b` and `s`, without the word FROM.
    public static func states(
        _ tables: StateTables, keys: [Key], measures: Set<Int>, fromBatch: String, fromSpeed: String
    ) -> String {
        // Several may choose their value by the tag of one.
        let read = measures.union(measures.compactMap { tables.plan.measures[$0].sharedTag })
        let columns = StateSQL.mergedColumns(tables, measures: read) { $0.rolledUp($1) }
        if let gap = tables.plan.window?.kind.sessionGap {
            return SessionSQL.merged(tables, columns, gap: gap, fromBatch: fromBatch, fromSpeed: fromSpeed, keys: keys)
        }
        let stored = tables.speed.keys.map(\.name)
        let places = keys.indices.map { "\($0 + 1)" }.joined(separator: ", ")
        return """
            SELECT \((keys.map { "\($0.expression("u")) AS \($0.name)" } + columns.merged).joined(separator: ", "))
            FROM (SELECT \((stored.map { "b.\($0)" } + columns.ofBatch).joined(separator: ", "))
                  FROM \(fromBatch)
                  UNION ALL
                  SELECT \((stored.map { "s.\($0)" } + columns.ofSpeed).joined(separator: ", "))
                  FROM \(fromSpeed)) u (\((stored + columns.names).joined(separator: ", ")))\
            \(keys.isEmpty ? "" : "\nGROUP BY \(places)")
            """
    }
}
