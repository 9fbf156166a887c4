import Columns
import ParallaxCore
import ViewLanguage

/// Filter and window: which rows enter a view, and where.
struct RowSelection {
    struct Selected {
        var rows: [Int32]
        /// Window starts, one a row; nil for a plan without a window.
        var windows: Vector?
    }

    private let plan: Plan
    private let window: WindowAssignment?
    private let onlyWindows: Set<Int64>?

    init(_ plan: Plan, onlyWindows: Set<Int64>?) {
        self.plan = plan
        window = plan.window.map { WindowAssignment($0) }
        self.onlyWindows = onlyWindows
    }

    /// Rejected records are passed over. Rows in error are still among the selected: the caller takes them out together with those of later steps.
    func select(_ batch: EventBatch, _ rows: [Int32], _ evaluator: inout Evaluator) -> Selected {
        var rows = batch.rejections.isEmpty ? rows : rows.filter { batch.isRejected[Int($0)] == 0 }
        guard let window else {
            if let filter = plan.filter { rows = evaluator.rowsWhere(filter, rows) }
            return Selected(rows: rows, windows: nil)
        }
        // An incremental run looks at its windows first: errors in the others were reported by the run that computed them.
        if onlyWindows != nil {
            var ignored = RowErrors()
            let starts = assign(window, batch, rows, &ignored)
            rows = rowsInWindows(rows, starts)
        }
        if let filter = plan.filter { rows = evaluator.rowsWhere(filter, rows) }
        let starts = assign(window, batch, rows, &evaluator.errors)
        return Selected(rows: rows, windows: Vector(type: .timestamptz, values: .int64(starts), nulls: []))
    }

    private func assign(_ window: WindowAssignment, _ batch: EventBatch, _ rows: [Int32], _ errors: inout RowErrors) -> [Int64] {
        guard let times = batch.columns[plan.source.eventTimeColumn] else {
            preconditionFailure("the batch was read without its event time")
        }
        guard case .int64(let values) = Vector(times, rows: rows).values else { preconditionFailure("an event time of type \(times.type)") }
        return window.starts(values) { errors.add(rows[$0], "timestamp out of range") }
    }

    private func rowsInWindows(_ rows: [Int32], _ starts: [Int64]) -> [Int32] {
        guard let onlyWindows else { return rows }
        var last: Int64?
        var isWanted = false
        return rows.indices.filter { position in
            if starts[position] != last {
                last = starts[position]
                isWanted = onlyWindows.contains(starts[position])
            }
            return isWanted
        }.map { rows[$0] }
    }
}
