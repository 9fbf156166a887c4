import BatchLayer
import Catalog
import Operators
import ParallaxCore
import Postgres
import ViewLanguage

extension RunExecution {
    /// Computes and records the drift of every version that was complete in the merged view before this run.
    func compare(_ computed: Computed) throws(ParallaxError) {
        // Records that the speed layer never read are on one side only: a comparison would measure the outage, not the layers.
        guard report.skippedRecords == 0 else { return }
        try connection.transaction { () throws(ParallaxError) in
            try catalog.checkFence(run)
            let present = Set(try catalog.versions(for: run).map(\.id))
            for (index, view) in computed.views.enumerated() where wasComplete(view) && present.contains(view.version.id) {
                guard let place = report.views.firstIndex(where: { $0.version == view.version.hash && $0.view == view.version.viewName })
                else { continue }
                try compare(view, computed.engine.takeDifferences(view: index), computed.leftOut, place)
            }
        }
    }

    private func compare(
        _ view: RunView, _ counted: [(cause: DifferenceCause, rows: StateRows)], _ leftOut: [Partition: LeftOutRecords]?, _ place: Int
    ) throws(ParallaxError) {
        let outputs = view.version.plan.outputs.map { DriftOutput(name: $0.name, value: $0.value) }
        guard outputs.contains(where: \.isMeasure) else { return }
        let plain = DriftSQL(view, run: run, outputs: [], horizon: view.horizon(cutWatermark: cutWatermark))
        for statement in plain.createCompared ?? [] { try connection.execute(statement) }
        if let layout = counted.first?.rows.layout {
            try connection.execute(plain.createCounted(layout))
            for (cause, rows) in counted { try copy(rows, plain.copyIntoCounted(layout), prefix: Array("\(cause.rawValue)\t".utf8)) }
            try connection.execute(plain.analyzeCounted)
        }
        // Where all that is new came too late there is no live row, and all the same a difference.
        let isLive = try connection.query(plain.hasLiveRows).rows[0].bool(0)
        let hasLiveRows = isLive || counted.contains { $0.rows.count > 0 }
        let otherwise = try otherwise(view, leftOut)
        // Without expressions over results, where one of them raises an error for some group, as it does for whoever reads the view.
        var tries = [outputs]
        if outputs.contains(where: \.isFinished) {
            tries.append(
                outputs.map { output in
                    var output = output
                    output.isLeftOut = output.isFinished
                    return output
                })
        }
        for outputs in tries where outputs.contains(where: \.isCompared) {
            guard let found = try attempt(view, outputs, isCounted: !counted.isEmpty, otherwise, hasLiveRows: hasLiveRows) else { continue }
            report.views[place].drift = found.drift
            report.views[place].hasLiveRows = hasLiveRows
            report.views[place].causes = found.causes
            return
        }
        notCompared.insert(view.version.viewName)
    }

    /// Nil where PostgreSQL refuses it, which a warning says: no reason not to publish.
    private func attempt(
        _ view: RunView, _ wanted: [DriftOutput], isCounted: Bool, _ otherwise: DriftCause.Kind, hasLiveRows: Bool
    ) throws(ParallaxError) -> (drift: [OutputDrift], causes: [DriftCause])? {
        try connection.execute("SAVEPOINT drift")
        do {
            let sql = try createRows(view, wanted, isCounted: isCounted, otherwise)
            let (drift, means) = try drift(sql)
            for entry in drift { try catalog.recordDrift(entry, run: run.number, version: view.version.id, hasLiveRows: hasLiveRows) }
            let causes = try causes(sql, isCounted: isCounted)
            try catalog.recordDriftCauses(causes, run: run.number, version: view.version.id)
            try keepRows(view, sql, drift, means)
            try connection.execute("RELEASE SAVEPOINT drift")
            return (drift, causes)
        } catch {
            guard error.isRefusal, connection.isOpen else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT drift")
            let tried = wanted.filter(\.isCompared)
            let finished = tried.filter(\.isFinished)
            let names = (finished.isEmpty ? tried : finished).map(\.name).joined(separator: ", ")
            report.warnings.append("drift of \(view.version.viewName).\(names) not computed: \(error.message)")
            return nil
        }
    }

    private func createRows(
        _ view: RunView, _ wanted: [DriftOutput], isCounted: Bool, _ otherwise: DriftCause.Kind
    ) throws(ParallaxError) -> DriftSQL {
        var outputs = wanted
        let horizon = view.horizon(cutWatermark: cutWatermark)
        let types = try connection.query(DriftSQL(view, run: run, outputs: outputs, horizon: horizon).types).types
        for index in outputs.indices { outputs[index].kind = DriftOutput.Kind(type: types[index]) }
        let sql = DriftSQL(view, run: run, outputs: outputs, horizon: horizon)
        for statement in sql.createRows(isCounted: isCounted, otherwise: otherwise) { try connection.execute(statement) }
        return sql
    }

    /// Of all compared outputs, in their order; and the mean size of each one's true values.
    private func drift(_ sql: DriftSQL) throws(ParallaxError) -> (drift: [OutputDrift], means: [Double]) {
        let row = try connection.query(sql.counts).rows[0]
        var all: [OutputDrift] = []
        var means: [Double] = []
        for (index, output) in sql.outputs.enumerated() where output.isCompared {
            let column = 4 + 5 * all.count
            var drift = try OutputDrift(
                output: output.name, groups: row.int(0), differing: row.int(column), onlyMerged: row.int(1), onlyBatch: row.int(2),
                mergedTotal: row.optionalDouble(column + 1), batchTotal: row.optionalDouble(column + 2), maxDifference: nil)
            drift.windows = try row.optionalInt(3)
            if drift.windows != nil { drift.differingWindows = 0 }
            let isNumber = output.kind.asNumeric != nil
            // A sum over no values is null.
            let (differences, sizes) = (try row.optionalDouble(column + 3), try row.optionalDouble(column + 4))
            drift.share = drift.share(differences: isNumber ? differences ?? 0 : nil, sizes: sizes ?? 0)
            if isNumber, drift.inBoth > 0 {
                (drift.meanDifference, drift.p99Difference) = (0, 0)
                (drift.maxRelative, drift.meanRelative, drift.p99Relative) = (0, 0, 0)
            }
            if drift.isDifferent { try spread(sql, index, &drift, isNumber: isNumber) }
            all.append(drift)
            means.append((sizes ?? 0) / Double(max(1, drift.groups - drift.onlyMerged)))
        }
        return (all, means)
    }

    /// How far off the rows are that differ. Those that are equal are not read: they are so many zeros.
    private func spread(_ sql: DriftSQL, _ index: Int, _ drift: inout OutputDrift, isNumber: Bool) throws(ParallaxError) {
        let (all, differing) = (drift.inBoth, drift.differing)
        // The row of all, in ascending order, that the 99th percentile is, among those that differ; a half keeps rounding away from its neighbours.
        let place = Int64((0.99 * Double(all)).rounded(.up)) - (all - differing)
        let fraction = differing > 0 ? max(0, (Double(place) - 0.5) / Double(differing)) : 0
        let row = try connection.query(sql.spread(index), [.double(fraction)]).rows[0]
        drift.differingWindows = try row.optionalInt(0)
        guard isNumber, differing > 0 else { return }
        drift.maxDifference = try row.optionalDouble(1)
        drift.meanDifference = try row.optionalDouble(2).map { $0 / Double(all) }
        drift.maxRelative = try row.optionalDouble(4)
        drift.meanRelative = try row.optionalDouble(5).map { $0 / Double(all) }
        guard place > 0 else { return }
        drift.p99Difference = try row.optionalDouble(3)
        drift.p99Relative = try row.optionalDouble(6)
    }

    /// What a row differs by where neither a record nor an estimate says it: the first that may be.
    private func otherwise(_ view: RunView, _ leftOut: [Partition: LeftOutRecords]?) throws(ParallaxError) -> DriftCause.Kind {
        if view.changes.contains(.source) { return .source }
        if view.changes.contains(.history) { return .history }
        if view.changes.contains(.tables) { return .table }
        guard let leftOut, leftOut.values.allSatisfy(\.isComplete) else { return .notRecorded }
        return try catalog.rejectedDifferently(run, view: view.version.viewName) ? .rejected : .unknown
    }

    private func causes(_ sql: DriftSQL, isCounted: Bool) throws(ParallaxError) -> [DriftCause] {
        var groups: [DriftCause.Kind: Int64] = [:]
        for row in try connection.query(sql.rowsByCause).rows { groups[try Self.cause(row)] = try row.int(1) }
        var records: [DriftCause.Kind: Int64] = [:]
        if isCounted { for row in try connection.query(sql.records).rows { records[try Self.cause(row)] = try row.int(1) } }
        return DriftCause.Kind.allCases.compactMap { kind in
            guard groups[kind] != nil || records[kind] != nil else { return nil }
            return DriftCause(cause: kind, groups: groups[kind] ?? 0, records: records[kind])
        }
    }

    private static func cause(_ row: QueryResult.Row) throws(ParallaxError) -> DriftCause.Kind {
        let text = try row.text(0)
        guard let kind = DriftCause.Kind(rawValue: text) else {
            throw ParallaxError(.internalInconsistency, "drift has a cause that has no name: \(text)")
        }
        return kind
    }

    /// What is asked later: windows, the group values that stand out, and the rows themselves.
    private func keepRows(_ view: RunView, _ sql: DriftSQL, _ drift: [OutputDrift], _ means: [Double]) throws(ParallaxError) {
        guard settings.keptComparisons > 0 else { return }
        let differing = Set(drift.filter(\.isDifferent).map(\.output))
        for (index, output) in sql.outputs.enumerated() where output.isCompared && differing.contains(output.name) {
            if view.version.plan.window != nil {
                try catalog.recordDriftWindows(sql.windows(index), of: output.name, run: run.number, version: view.version.id)
            }
            for (group, column) in view.version.plan.groups.enumerated() {
                let shown = view.version.plan.outputs.first { $0.value == .group(group) }?.name ?? column.name
                try catalog.recordDriftGroups(
                    sql.groups(group, of: index, limit: Self.groupValuesKept), of: output.name, column: shown, run: run.number,
                    version: view.version.id)
            }
        }
        try catalog.recordComparedRows(
            sql.comparedRows(limit: settings.comparedRows, means: means), run: run.number, version: view.version.id)
    }

    private static let groupValuesKept = 5

    /// What keeps this run from being published, a line an output: shares beyond the max_drift of views that are served.
    func driftBeyondLimits() throws(ParallaxError) -> [String] {
        let limits = try catalog.maxDrifts(ofSource: source.id)
        let served = Set(try catalog.versions(ofSource: source.id).filter(\.isActive).map { [$0.viewName, $0.hash] })
        var lines: [String] = []
        for view in report.views {
            guard let limit = limits[view.view] else { continue }
            if notCompared.contains(view.view), served.contains([view.view, view.version]) {
                lines.append("view \(view.view): its drift could not be computed, and max_drift is \(shareText(limit))")
            }
            // Live rows of a version that nobody reads keep no run from being published.
            for drift in view.drift where served.contains([view.view, view.version]) {
                guard let share = drift.share, share > limit else { continue }
                var line =
                    "view \(view.view), \(drift.output): drift \(shareText(share)), max_drift \(shareText(limit)); "
                    + "\(drift.groupsText), \(grouped(drift.onlyMerged)) only live, \(grouped(drift.onlyBatch)) only in batch"
                if let merged = drift.mergedTotal, let batch = drift.batchTotal { line += "; \(merged) live, \(batch) true" }
                lines.append(line)
            }
        }
        return lines
    }

    /// Whether batch rows at the base and speed rows since then held every record below the cut.
    private func wasComplete(_ view: RunView) -> Bool {
        view.baseHasRows || (run.base.run == .none && view.version.firstSlice <= run.base.slice)
    }
}
