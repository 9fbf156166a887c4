import Columns
import ParallaxCore
import ViewLanguage

/// The tables that some plans join, in memory, as one snapshot of PostgreSQL had them.
public struct Dimensions: Sendable {
    public static let none = Dimensions()

    private var tables: [LookupTable.Shape: LookupTable] = [:]

    private init() {}

    /// - Parameter contents: the tables that the plans name, with at least the columns that they read.
    /// Throws where a value is none that Parallax has (an infinite time), and where a key is there twice.
    public init(_ contents: [TextTable], for plans: some Sequence<Plan>) throws(ParallaxError) {
        let lookups = plans.flatMap { $0.lookups ?? [] }
        for table in contents {
            // Lookups of one table share the values of the columns that they have in common.
            var decoded: [Plan.Lookup.Column: Vector] = [:]
            for lookup in lookups where lookup.table == table.name && tables[LookupTable.Shape(lookup)] == nil {
                var columns: [Vector] = []
                for column in lookup.columns {
                    if decoded[column] == nil { decoded[column] = try Self.decode(column, of: table) }
                    if let values = decoded[column] { columns.append(values) }
                }
                let shape = LookupTable.Shape(lookup)
                tables[shape] = try LookupTable(shape, columns: columns, rowCount: table.rowCount)
            }
        }
    }

    /// Whether everything is here that the plan joins.
    public func serves(_ plan: Plan) -> Bool { (plan.lookups ?? []).allSatisfy { tables[LookupTable.Shape($0)] != nil } }

    /// One entry a lookup of the plan.
    func lookups(of plan: Plan) -> [LookupTable] {
        (plan.lookups ?? []).map { lookup in
            guard let table = tables[LookupTable.Shape(lookup)] else { preconditionFailure("table \(lookup.table) was not read") }
            return table
        }
    }

    private static func decode(_ column: Plan.Lookup.Column, of table: TextTable) throws(ParallaxError) -> Vector {
        guard let values = table.columns.first(where: { $0.name == column.name })?.values else {
            preconditionFailure("column \(column.name) of table \(table.name) was not read")
        }
        let (vector, problems) = Evaluator.reading(column.type == .interval ? values.withReadableIntervals : values, as: column.type)
        guard let first = problems.min(by: { $0.row < $1.row }) else { return vector }
        throw ParallaxError(
            .input,
            "table \"\(table.name)\" holds a value that Parallax cannot compute with, in column \"\(column.name)\": \(first.message)",
            hint: "correct the row in PostgreSQL", isRetriable: true)
    }
}

extension ByteColumn {
    /// Intervals as PostgreSQL shows them, in words that its input function takes, too: the least number of microseconds is shown as a clock that it
    /// refuses. Casts go on refusing it.
    fileprivate var withReadableIntervals: ByteColumn {
        let shown = Array("-2562047788:00:54.775808".utf8)
        func isLeast(_ row: Int) -> Bool { self[row].suffix(shown.count).elementsEqual(shown) }
        guard (0..<count).contains(where: isLeast) else { return self }
        var result = ByteColumn()
        for row in 0..<count {
            if isNull(row) {
                result.appendNull()
            } else if isLeast(row) {
                result.append(Array(self[row].dropLast(shown.count)) + Array("\(Int64.min) us".utf8))
            } else {
                result.append(Array(self[row]))
            }
        }
        return result
    }
}

extension Evaluator {
    /// For what has no events.
    static var detached: Evaluator {
        Evaluator(
            EventBatch(
                partition: Partition(0), offsets: [], appendedAt: [], columns: [], identities: [], isRejected: [], rejections: []))
    }

    /// Texts as values of a type, by PostgreSQL's input function; where one is none, why, and null in its place.
    static func reading(_ texts: ByteColumn, as type: ScalarType) -> (Vector, problems: [(row: Int, message: String)]) {
        var evaluator = Evaluator.detached
        let rows = (0..<texts.count).map { Int32($0) }
        let text = Vector(Column(type: .text, storage: .text(texts), nulls: texts.nulls), rows: rows)
        let vector = evaluator.cast(text, to: type, rows)
        return (vector, evaluator.errors.messages.map { (row: Int($0.key), message: $0.value) })
    }
}
