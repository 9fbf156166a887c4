import Catalog
import Postgres
import ViewLanguage

/// The statements of a `VersionComparison`. Outputs have generated names (c0…), so that nothing that a user wrote enters the joins.
struct VersionComparisonSQL {
    struct Column {
        var name: String
        /// Its place in the version's outputs.
        var old: Int?
        var new: Int?
    }

    let old: ViewVersion
    let new: ViewVersion
    let run: Int64
    /// The old version's, then those that only the new one has.
    let columns: [Column]
    let keys: [String]?
    let oldTable = "pg_temp.compared_old"
    let newTable = "pg_temp.compared_new"

    init(old: ViewVersion, new: ViewVersion, run: Int64) {
        self.old = old
        self.new = new
        self.run = run
        let newNames = new.plan.outputs.map(\.name)
        let oldNames = old.plan.outputs.map(\.name)
        columns =
            oldNames.enumerated().map { Column(name: $1, old: $0, new: newNames.firstIndex(of: $1)) }
            + newNames.enumerated().filter { !oldNames.contains($1) }.map { Column(name: $1, old: nil, new: $0) }
        let (oldKeys, newKeys) = (old.plan.keyOutputs, new.plan.keyOutputs)
        keys = oldKeys.flatMap { keys in newKeys.map { Set($0) } == Set(keys) ? keys : nil }
    }

    private var shared: [Column] { columns.filter { $0.old != nil && $0.new != nil } }

    /// jsonb has an equality that hash joins take, whatever the types, and the same for equal numbers of two types.
    var createRows: [String] {
        [create(oldTable, old) { $0.old }, create(newTable, new) { $0.new }]
    }

    private func create(_ table: String, _ version: ViewVersion, _ place: (Column) -> Int?) -> String {
        let paired = keys.map { Set($0) }
        let members = shared.filter { paired?.contains($0.name) ?? true }.compactMap(place).map { "q.c\($0)" }
        let key = "jsonb_build_array(\(members.joined(separator: ", ")))"
        // Without pairing, equal rows are told apart by counting them.
        let number = keys == nil ? " || jsonb_build_array(row_number() OVER (PARTITION BY \(key)))" : ""
        return """
            CREATE TEMPORARY TABLE \(table.dropFirst("pg_temp.".count)) ON COMMIT DROP AS
            SELECT \(key)\(number) AS k, q.* FROM (\(MergedViewSQL(version).batchRows(run: run))) q
            """
    }

    private func differs(_ column: Column) -> String {
        guard keys != nil, let old = column.old, let new = column.new else { return "false" }
        return "to_jsonb(o.c\(old)) IS DISTINCT FROM to_jsonb(n.c\(new))"
    }
    var differs: String { (["false"] + shared.map(differs)).joined(separator: " OR ") }

    private var joined: String { "\(oldTable) o FULL JOIN \(newTable) n ON o.k = n.k" }

    var counts: String {
        let both = "o.k IS NOT NULL AND n.k IS NOT NULL"
        let figures =
            [
                "count(o.k)", "count(n.k)", "count(*) FILTER (WHERE n.k IS NULL)", "count(*) FILTER (WHERE o.k IS NULL)",
                "count(*) FILTER (WHERE \(both) AND (\(differs)))",
            ] + columns.map { "count(*) FILTER (WHERE \(both) AND \(differs($0)))" }
        return "SELECT \(figures.joined(separator: ", ")) FROM \(joined)"
    }

    /// Whether the row is in the old one, in the new one; then the old one's values and the new one's.
    func sample(_ condition: String, limit: Int) -> String {
        let values =
            columns.map { $0.old.map { "o.c\($0)::text" } ?? "NULL" } + columns.map { $0.new.map { "n.c\($0)::text" } ?? "NULL" }
        return """
            SELECT \((["o.k IS NOT NULL", "n.k IS NOT NULL"] + values).joined(separator: ", "))
            FROM \(joined) WHERE \(condition) ORDER BY coalesce(o.k, n.k) LIMIT \(limit)
            """
    }
}

extension Plan {
    /// Names of the outputs that tell rows apart; nil where the SELECT list lacks one of them.
    fileprivate var keyOutputs: [String]? {
        var names: [String] = []
        var groups: Set<Int> = []
        var hasWindow = false
        for output in outputs {
            switch output.value {
            case .window, .windowEnd: hasWindow = true
            case .group(let index): groups.insert(index)
            case .measure, .finished: continue
            }
            names.append(output.name)
        }
        return groups.count == self.groups.count && hasWindow == (window != nil) ? names : nil
    }
}
