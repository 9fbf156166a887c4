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
            for view in computed.views where wasComplete(view) {
                guard let index = report.views.firstIndex(where: { $0.version == view.version.hash && $0.view == view.version.viewName })
                else { continue }
                let drift = try drift(view)
                for entry in drift { try record(entry, view) }
                report.views[index].drift = drift
            }
        }
    }

    /// Whether batch rows at the base and speed rows since then held every record below the cut.
    private func wasComplete(_ view: RunView) -> Bool {
        view.baseHasRows || (run.base.run == .none && view.version.firstSlice <= run.base.slice)
    }

    private func drift(_ view: RunView) throws(ParallaxError) -> [RunReport.Drift] {
        var outputs: [(name: String, measure: Int)] = []
        for output in view.version.plan.outputs {
            if case .measure(let measure) = output.value { outputs.append((output.name, measure)) }
        }
        guard !outputs.isEmpty else { return [] }
        let measures = Set(outputs.map(\.measure)).sorted()
        let sql = DriftSQL(view, run: run, measures: measures)
        for statement in sql.createCompared ?? [] { try connection.execute(statement) }
        let row = try connection.query(sql.comparison).rows[0]
        return outputs.map { output in
            let column = 3 + 4 * (measures.firstIndex(of: output.measure) ?? 0)
            return RunReport.Drift(
                output: output.name, groups: row.int(0) ?? 0, differing: row.int(column) ?? 0, onlyMerged: row.int(1) ?? 0,
                onlyBatch: row.int(2) ?? 0, mergedTotal: row[column + 1].flatMap { Double($0) },
                batchTotal: row[column + 2].flatMap { Double($0) }, maxDifference: row[column + 3].flatMap { Double($0) })
        }
    }

    private func record(_ drift: RunReport.Drift, _ view: RunView) throws(ParallaxError) {
        func parameter(_ value: Double?) -> Parameter { value.map { .double($0) } ?? .null }
        try connection.query(
            """
            INSERT INTO parallax.drift (run_id, version_id, output, groups, differing, only_merged, only_batch, merged_total, batch_total,
                                        max_difference)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            [
                .int(run.number.rawValue), .int(view.version.id), .text(drift.output), .int(drift.groups), .int(drift.differing),
                .int(drift.onlyMerged), .int(drift.onlyBatch), parameter(drift.mergedTotal), parameter(drift.batchTotal),
                parameter(drift.maxDifference),
            ])
    }
}
