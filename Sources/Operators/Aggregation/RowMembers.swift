import Columns
import ParallaxCore
import ViewLanguage

/// Which events are in one row of a view: the joins, the filter, the window and the groups of `ViewAggregator`, asked the other way round.
///
///     members(row) = { e | ViewAggregator.add(e) adds to the row's group }
///     refused(row) = { e | it would belong to the group, and a measure raises an error for it }
///
/// An event for which a filter or a group column raises an error belongs to no group that anybody could name, and is in neither.
/// Not thread-safe: one owner.
public final class RowMembers {
    public struct Found {
        /// Ascending.
        public var rows: [Int32]
        /// Of events that the view cannot take, with PostgreSQL's words.
        public var refused: [(row: Int32, message: String)]
    }

    public let plan: Plan
    private let key: RowKey
    private let selection: RowSelection
    private let measureInputs: MeasureInputs
    private let lookups: [LookupTable]
    private var keyColumns: [GroupKeyColumn]
    /// The row's key, packed as `GroupKeyColumn` packs them: the group columns one after the other.
    private var words: [UInt64]

    /// - Parameter dimensions: the tables that the plan joins.
    /// Throws `.input` where the key's text is no value of its column.
    public init(plan: Plan, key: RowKey, dimensions: Dimensions = .none) throws(ParallaxError) {
        precondition(key.groups.count == plan.groups.count, "\(key.groups.count) values for \(plan.groups.count) group columns")
        precondition((key.window == nil) == (plan.window == nil), "a window for a view without one, or the other way round")
        self.plan = plan
        self.key = key
        // Sessions are told by their events: an atom may hold the end of one and the begin of the next.
        let isSession = plan.window?.kind.sessionGap != nil
        selection = RowSelection(plan, onlyWindows: isSession ? nil : key.window.map { [$0] })
        measureInputs = MeasureInputs(plan.measures)
        lookups = dimensions.lookups(of: plan)
        keyColumns = plan.groups.map { GroupKeyColumn($0.expression.type) }
        words = [UInt64](repeating: 0, count: keyColumns.reduce(0) { $0 + $1.width })
        var offset = 0
        for (index, text) in key.groups.enumerated() {
            var texts = ByteColumn()
            if let text { texts.append(Array(text.utf8)) } else { texts.appendNull() }
            let (value, problems) = Evaluator.reading(texts, as: keyColumns[index].type)
            if let problem = problems.first {
                throw ParallaxError(
                    .input, "\"\(text ?? "")\" is no value of column \"\(plan.groups[index].name)\": \(problem.message)")
            }
            keyColumns[index].pack(value.spread(1), into: &words, offset: offset, stride: words.count)
            offset += keyColumns[index].width
        }
    }

    /// - Parameter rows: ascending rows of the batch. Rejected ones are passed over.
    public func find(_ batch: EventBatch, rows: [Int32]) -> Found {
        var evaluator = Evaluator(batch)
        let selected = selection.select(batch, rows, lookups, &evaluator)
        var own = selected.places.map { gather(selected.rows, $0) } ?? selected.rows
        if plan.window?.kind.sessionGap != nil { own = inSession(batch, own) }
        own = withoutErrors(own, evaluator)
        guard !own.isEmpty else { return Found(rows: [], refused: []) }

        var rowWords = [UInt64](repeating: 0, count: own.count * words.count)
        var offset = 0
        for (group, column) in zip(plan.groups, keyColumns) {
            column.packKnown(
                evaluator.evaluate(group.expression, own).spread(own.count), into: &rowWords, offset: offset, stride: words.count)
            offset += column.width
        }
        let matching = own.indices.filter { position in
            evaluator.errors.messages[own[position]] == nil
                && words.indices.allSatisfy { rowWords[position * words.count + $0] == words[$0] }
        }
        own = matching.map { own[$0] }
        _ = measureInputs.evaluate(own, &evaluator)
        let refused = own.compactMap { row in evaluator.errors.messages[row].map { (row: row, message: $0) } }
        return Found(rows: withoutErrors(own, evaluator), refused: refused)
    }

    private func withoutErrors(_ rows: [Int32], _ evaluator: Evaluator) -> [Int32] {
        evaluator.errors.isEmpty ? rows : rows.filter { evaluator.errors.messages[$0] == nil }
    }

    private func inSession(_ batch: EventBatch, _ rows: [Int32]) -> [Int32] {
        guard let first = key.window, let last = key.sessionLast,
            case .int64(let times)? = batch.columns[plan.source.eventTimeColumn]?.storage
        else { preconditionFailure("a session without its bounds, or a batch without its event times") }
        return rows.filter { times[Int($0)] >= first && times[Int($0)] <= last }
    }
}
