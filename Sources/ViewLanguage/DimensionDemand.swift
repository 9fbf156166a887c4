/// What some plans read of a table.
public struct DimensionDemand: Hashable, Sendable {
    public var table: String
    /// In the order of their names; a name may be there twice where versions of a view disagree about its type.
    public var columns: [Plan.Lookup.Column]

    public init(table: String, columns: [Plan.Lookup.Column]) {
        self.table = table
        self.columns = columns
    }

    /// One entry for each table that any of the plans joins, by name.
    public static func of(_ plans: some Sequence<Plan>) -> [DimensionDemand] {
        var columns: [String: Set<Plan.Lookup.Column>] = [:]
        for lookup in plans.lazy.flatMap({ $0.lookups ?? [] }) { columns[lookup.table, default: []].formUnion(lookup.columns) }
        return columns.sorted { $0.key < $1.key }.map { table, columns in
            DimensionDemand(table: table, columns: columns.sorted { ($0.name, "\($0.type)") < ($1.name, "\($1.type)") })
        }
    }
}
