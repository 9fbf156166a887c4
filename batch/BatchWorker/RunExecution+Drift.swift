import Catalog
import ParallaxCore
import Postgres
import ViewLanguage

extension RunExecution {
    /// Computes and records the drift of every version that was complete in the merged view before this run.
    func compare(_ computed: Computed) throws(ParallaxError) {
        report.skippedRecords = try catalog.skippedRecords(of: run)
        // Records that the speed layer never read are on one side only: a comparison would measure the outage, not the layers.
        guard report.skippedRecords == 0 else { return }
        try connection.transaction { () throws(ParallaxError) in
            try catalog.checkFence(run)
            let present = Set(try catalog.versions(for: run).map(\.id))
            for view in computed.views where wasComplete(view) && present.contains(view.version.id) {
                guard let index = report.views.firstIndex(where: { $0.version == view.version.hash && $0.view == view.version.viewName })
                else { continue }
                let drift = try drift(view)
                let sql = DriftSQL(view, run: run, outputs: [], horizon: view.horizon(cutWatermark: cutWatermark))
                let hasLiveRows = try connection.query(sql.hasLiveRows).rows[0].bool(0)
                for entry in drift {
                    try catalog.recordDrift(entry, run: run.number, version: view.version.id, hasLiveRows: hasLiveRows)
                }
                report.views[index].drift = drift
                report.views[index].hasLiveRows = hasLiveRows
            }
        }
    }

    /// What keeps this run from being published, a line an output: shares beyond the max_drift of views that are served.
    func driftBeyondLimits() throws(ParallaxError) -> [String] {
        let limits = try catalog.maxDrifts(ofSource: source.id)
        let served = Set(try catalog.versions(ofSource: source.id).filter(\.isActive).map { [$0.viewName, $0.hash] })
        var lines: [String] = []
        for view in report.views {
            guard let limit = limits[view.view] else { continue }
            if notCompared.contains(view.view), served.contains([view.view, view.version]) {
                lines.append("view \(view.view): its drift could not be computed, and max_drift is \(Self.percent(limit))")
            }
            // Live rows of a version that nobody reads keep no run from being published.
            for drift in view.drift where served.contains([view.view, view.version]) {
                guard let share = drift.share, share > limit else { continue }
                var line =
                    "view \(view.view), \(drift.output): drift \(Self.percent(share)), max_drift \(Self.percent(limit)); "
                    + "\(drift.groupsText), \(grouped(drift.onlyMerged)) only live, \(grouped(drift.onlyBatch)) only in batch"
                if let merged = drift.mergedTotal, let batch = drift.batchTotal { line += "; \(merged) live, \(batch) true" }
                lines.append(line)
            }
        }
        return lines
    }

    private static func percent(_ share: Double) -> String {
        guard share.isFinite else { return "without bounds" }
        let percent = share * 100
        return percent >= 10 ? "\((percent * 10).rounded() / 10)%" : "\((percent * 1_000).rounded() / 1_000)%"
    }

    /// Whether batch rows at the base and speed rows since then held every record below the cut.
    private func wasComplete(_ view: RunView) -> Bool {
        view.baseHasRows || (run.base.run == .none && view.version.firstSlice <= run.base.slice)
    }

    private func drift(_ view: RunView) throws(ParallaxError) -> [OutputDrift] {
        let outputs = view.version.plan.outputs.compactMap { output -> DriftOutput? in
            switch output.value {
            case .measure, .finished: DriftOutput(name: output.name, value: output.value)
            case .window, .windowEnd, .group: nil
            }
        }
        guard !outputs.isEmpty else { return [] }
        if let drift = try attempt(view, outputs) { return drift }
        // An expression over results may raise an error for some group, as it does for whoever reads the view.
        let plain = outputs.filter { !$0.isFinished }
        if plain.count < outputs.count, let drift = try plain.isEmpty ? [] : attempt(view, plain) { return drift }
        notCompared.insert(view.version.viewName)
        return []
    }

    /// Nil where PostgreSQL refuses it, which a warning says: that is no reason not to publish.
    private func attempt(_ view: RunView, _ outputs: [DriftOutput]) throws(ParallaxError) -> [OutputDrift]? {
        try connection.execute("SAVEPOINT drift")
        do {
            let drift = try drift(view, outputs)
            try connection.execute("RELEASE SAVEPOINT drift")
            return drift
        } catch {
            guard error.isRefusal, connection.isOpen else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT drift")
            let finished = outputs.filter(\.isFinished)
            let names = (finished.isEmpty ? outputs : finished).map(\.name).joined(separator: ", ")
            report.warnings.append("drift of \(view.version.viewName).\(names) not computed: \(error.message)")
            return nil
        }
    }

    private func drift(_ view: RunView, _ wanted: [DriftOutput]) throws(ParallaxError) -> [OutputDrift] {
        var outputs = wanted
        let horizon = view.horizon(cutWatermark: cutWatermark)
        let types = try connection.query(DriftSQL(view, run: run, outputs: outputs, horizon: horizon).types).types
        for index in outputs.indices { outputs[index].kind = DriftOutput.Kind(type: types[index]) }
        let sql = DriftSQL(view, run: run, outputs: outputs, horizon: horizon)
        for statement in sql.createCompared ?? [] { try connection.execute(statement) }
        let row = try connection.query(sql.comparison).rows[0]
        return try outputs.enumerated().map { (index, output) throws(ParallaxError) in
            let column = 3 + 6 * index
            var drift = try OutputDrift(
                output: output.name, groups: row.int(0), differing: row.int(column), onlyMerged: row.int(1), onlyBatch: row.int(2),
                mergedTotal: row.optionalDouble(column + 1), batchTotal: row.optionalDouble(column + 2),
                maxDifference: row.optionalDouble(column + 3))
            // A sum over no values is null.
            let (differences, sizes) = (try row.optionalDouble(column + 4), try row.optionalDouble(column + 5))
            drift.share = drift.share(differences: output.kind.asNumeric == nil ? nil : differences ?? 0, sizes: sizes ?? 0)
            return drift
        }
    }
}
