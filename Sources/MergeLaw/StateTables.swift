import ParallaxCore
import ViewLanguage

/// Names and DDL of the tables that hold a version's states.
public struct StateTables: Sendable {
    public let plan: Plan
    public let speed: StateLayout
    public let batch: StateLayout
    /// Quoted, with schema.
    public let speedTable: String
    public let batchTable: String

    /// `until_run` of a row that no run has replaced.
    public static let openRun: Int64 = .max

    public init(plan: Plan, stateTable: String) {
        self.plan = plan
        speed = StateLayout(plan, layer: .speed)
        batch = StateLayout(plan, layer: .batch)
        let name = SQLText.quotedIdentifier(stateTable)
        speedTable = "speed.\(name)"
        batchTable = "batch.\(name)"
    }

    /// Group columns that get an index of their own, leading to (column, window). More would slow each flush for little.
    static let maximumGroupIndexes = 4

    public func createStatements() -> [String] {
        let keys = speed.keys.map(\.name)
        let speedKey = (keys + ["slice"]).joined(separator: ", ")
        let batchKey = (keys + ["from_run"]).joined(separator: ", ")
        var statements = [
            // Room for HOT updates: a group is updated at each flush while its window is live. flushed_by: the transaction of the flush that added to
            // the row last. No index on it: a change of an indexed column is never HOT.
            """
            CREATE TABLE \(speedTable) (slice bigint NOT NULL, flushed_by xid8 NOT NULL DEFAULT '0', \(Self.columnList(speed))) WITH (fillfactor = 70)
            """,
            "CREATE UNIQUE INDEX ON \(speedTable) (\(speedKey)) NULLS NOT DISTINCT",
            "CREATE INDEX ON \(speedTable) (slice)",
            """
            CREATE TABLE \(batchTable) (from_run bigint NOT NULL, until_run bigint NOT NULL DEFAULT \(Self.openRun), \(Self.columnList(batch)))
            """,
            "CREATE UNIQUE INDEX ON \(batchTable) (\(batchKey)) NULLS NOT DISTINCT",
            // What a clean-up or an erased run looks for; all other rows are open.
            "CREATE INDEX ON \(batchTable) (until_run) WHERE until_run < \(Self.openRun)",
            "CREATE INDEX ON \(batchTable) USING brin (from_run)",
        ]
        // Rows that still carry sketches: few, and a clean-up looks for those whose windows have closed. Where a view keeps them, none does.
        if plan.window != nil, plan.keepsSketches != true, let hasSketch {
            statements.append("CREATE INDEX ON \(batchTable) (window_start) WHERE \(hasSketch)")
        }
        // What closes when the watermark moves, which followers ask after every flush. Tables from before have no such index, and are looked through.
        if plan.window?.kind.sessionGap != nil { statements.append("CREATE INDEX ON \(batchTable) (session_last)") }
        if plan.window != nil {
            for group in speed.keys.dropFirst().prefix(Self.maximumGroupIndexes) {
                statements.append("CREATE INDEX ON \(speedTable) (\(group.name), window_start)")
                statements.append("CREATE INDEX ON \(batchTable) (\(group.name), window_start)")
            }
        } else {
            for group in speed.keys.dropFirst().prefix(Self.maximumGroupIndexes) {
                statements.append("CREATE INDEX ON \(speedTable) (\(group.name))")
                statements.append("CREATE INDEX ON \(batchTable) (\(group.name))")
            }
        }
        return statements
    }

    /// The condition that a batch row carries a sketch; nil where none ever does.
    public var hasSketch: String? {
        let sketches = batch.states.filter(\.isSketch)
        return sketches.isEmpty ? nil : "(" + sketches.map { "\($0.name) IS NOT NULL" }.joined(separator: " OR ") + ")"
    }

    /// Key columns that mean the same in the tables of another version: group columns with the same expression at the same place, and the window's start.
    public func keysOfTheSameMeaning(in other: StateTables) -> [String] {
        let (mine, theirs) = (plan.groups, other.plan.groups)
        return speed.keys.filter { column in
            switch column.role {
            case .group(let index): index < theirs.count && mine[index].expression == theirs[index].expression
            case .window: other.plan.window != nil
            default: false
            }
        }.map(\.name)
    }

    private static func columnList(_ layout: StateLayout) -> String {
        layout.columns.map { "\($0.name) \($0.sqlType)\($0.isNeverNull ? " NOT NULL" : "")" }.joined(separator: ", ")
    }

    /// Extensions that the state columns need.
    public static func extensions(for plan: Plan) -> Set<String> {
        StateColumn.extensionTypes.intersection(StateLayout(plan, layer: .speed).states.map(\.sqlType))
    }
}
