import Columns
import ViewLanguage

/// first(x, t) and last(x, t), and the rows of DISTINCT ON: the value, and the (order, partition, offset) of its row, which are null where no row was. The
/// value with the smaller or larger tag stays. Measures that share a tag have one in common.
struct TaggedLaw: MeasureLaw {
    /// The columns of a tag, in the order in which they are compared.
    static let tagParts = ["k", "a", "b"]

    let measure: Plan.Measure
    let index: Int

    /// The measure that has the tag.
    private var tag: Int { measure.sharedTag ?? index }
    private var value: String { "m\(index)_v" }

    func columns(_ layer: StateLayout.Layer) -> [StateColumn] {
        let value = StateColumn(measure: index, "v", measure.argument?.type.stateSQLName ?? "bigint")
        guard measure.sharedTag == nil else { return [value] }
        let types = [measure.order?.type.stateSQLName ?? "timestamptz", "integer", "bigint"]
        return [value] + zip(Self.tagParts, types).map { StateColumn(measure: index, $0, $1) }
    }

    func added(_ column: StateColumn, to old: String, _ new: String) -> String {
        func all(_ row: String) -> String { "(" + Self.tagParts.map { "\(row).m\(tag)_\($0)" }.joined(separator: ", ") + ")" }
        let order = measure.function == .first ? "<" : ">"
        let newWins = "\(new).m\(tag)_a IS NOT NULL AND (\(old).m\(tag)_a IS NULL OR \(all(new)) \(order) \(all(old)))"
        return "CASE WHEN \(newWins) THEN \(new).\(column.name) ELSE \(old).\(column.name) END"
    }

    /// The tag is what the value is chosen by; nothing reads it afterwards.
    func merged(_ column: StateColumn, joinsSessions: Bool) -> [String] {
        guard column.name == value else { return [] }
        let direction = measure.function == .first ? "ASC" : "DESC"
        let order = Self.tagParts.map { "u.m\(tag)_\($0) \(direction)" }.joined(separator: ", ")
        let first = { (value: String) in "(array_agg(\(value) ORDER BY \(order)) FILTER (WHERE u.m\(tag)_a IS NOT NULL))[1]" }
        // Of arrays `array_agg` makes one of two dimensions: they must be of one length, and its element 1 is null.
        guard let type = measure.argument?.type, case .array = type else { return ["\(first("u.\(value)")) AS \(value)"] }
        return ["\(first("u.\(value)::text"))::\(type.stateSQLName) AS \(value)"]
    }

    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String { "\(row.alias).\(value)" }
    func differs(_ column: StateColumn) -> String? { column.name == value ? measure.differsAsShown(column) : column.differs }
    var canBeAddedTo: Bool { measure.order?.type.hasOneOrder ?? false }
}

extension Plan {
    /// Where rows are whole events, the one with the smallest or the largest tag of each group: ASC or DESC.
    var keptEventDirection: String? {
        guard window == nil, !groups.isEmpty, let first = measures.first, first.sharedTag == nil,
            measures.dropFirst().allSatisfy({ $0.sharedTag == 0 })
        else { return nil }
        switch first.function {
        case .first: return "ASC"
        case .last: return "DESC"
        default: return nil
        }
    }
}
