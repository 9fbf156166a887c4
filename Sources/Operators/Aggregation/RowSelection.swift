import Columns
import ParallaxCore
import ViewLanguage

/// Joins, filter and window: which rows enter a view, and where.
struct RowSelection {
    struct Selected {
        /// Ascending, each once.
        var rows: [Int32]
        /// Window starts; nil for a plan without a window.
        var windows: Vector?
        /// For each window start the position of its row among `rows`; nil: one a row, in order. Hopping windows overlap.
        var places: [Int32]?
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
    /// - Parameter lookups: one entry a lookup of the plan.
    func select(_ batch: EventBatch, _ rows: [Int32], _ lookups: [LookupTable], _ evaluator: inout Evaluator) -> Selected {
        var rows = batch.rejections.isEmpty ? rows : rows.filter { batch.isRejected[Int($0)] == 0 }
        guard let window else {
            rows = filter(rows, lookups, &evaluator)
            return Selected(rows: rows, windows: nil)
        }
        // An incremental run looks at its windows first: errors in the others were reported by the run that computed them.
        if onlyWindows != nil {
            var ignored = RowErrors()
            let assigned = assign(window, batch, rows, &ignored)
            rows = rowsInWindows(rows, assigned)
        }
        rows = filter(rows, lookups, &evaluator)
        var assigned = assign(window, batch, rows, &evaluator.errors)
        if let positions = assigned.positions, let onlyWindows {
            let kept = positions.indices.filter { onlyWindows.contains(assigned.starts[$0]) }.map { Int32($0) }
            assigned = .init(starts: gather(assigned.starts, kept), positions: gather(positions, kept))
        }
        return Selected(
            rows: rows, windows: Vector(type: .timestamptz, values: .int64(assigned.starts), nulls: []), places: assigned.positions)
    }

    private func filter(_ rows: [Int32], _ lookups: [LookupTable], _ evaluator: inout Evaluator) -> [Int32] {
        var rows = rows
        for (lookup, table) in zip(plan.lookups ?? [], lookups) { rows = evaluator.join(lookup, table, rows) }
        if let filter = plan.filter { rows = evaluator.rowsWhere(filter, rows) }
        return rows
    }

    private func assign(
        _ window: WindowAssignment, _ batch: EventBatch, _ rows: [Int32], _ errors: inout RowErrors
    ) -> WindowAssignment.Assigned {
        guard let times = batch.columns[plan.source.eventTimeColumn] else {
            preconditionFailure("the batch was read without its event time")
        }
        guard case .int64(let values) = Vector(times, rows: rows).values else { preconditionFailure("an event time of type \(times.type)") }
        return window.assign(values) { errors.add(rows[$0], window.problem) }
    }

    private func rowsInWindows(_ rows: [Int32], _ assigned: WindowAssignment.Assigned) -> [Int32] {
        guard let onlyWindows else { return rows }
        var last: Int64?
        var isWanted = false
        var kept: [Int32] = []
        for (index, start) in assigned.starts.enumerated() {
            if start != last {
                last = start
                isWanted = onlyWindows.contains(start)
            }
            guard isWanted else { continue }
            let row = rows[assigned.positions.map { Int($0[index]) } ?? index]
            // A row's windows stand together.
            if kept.last != row { kept.append(row) }
        }
        return kept
    }
}

extension RowSelection.Selected {
    /// Leaves only some of the rows, given by their positions.
    mutating func keep(_ kept: [Int32]) {
        if let places, let starts = windows {
            var newPosition = [Int32](repeating: -1, count: rows.count)
            for (new, old) in kept.enumerated() { newPosition[Int(old)] = Int32(new) }
            let staying = places.indices.filter { newPosition[Int(places[$0])] >= 0 }.map { Int32($0) }
            windows = starts.at(staying)
            self.places = gather(places, staying).map { newPosition[Int($0)] }
        } else {
            windows = windows?.at(kept)
        }
        rows = gather(rows, kept)
    }
}
