import Catalog
import ParallaxCore

extension RunStatus {
    /// Empty while it is under way.
    var took: String { finishedAt.map { Duration.microseconds($0.rawValue - startedAt.rawValue).rough } ?? "" }
}

extension DriftStatus {
    /// A run's drift in some words; empty where a table says more.
    static func summary(_ drift: [DriftStatus]) -> String {
        if drift.isEmpty { return "not computed" }
        if drift.contains(where: \.drift.isDifferent) { return "" }
        // Rows that only the batch layer has are equal to themselves: that says nothing about the live ones.
        let isLive = drift.contains { $0.hasLiveRows ?? ($0.drift.groups > 0) }
        return isLive ? "none, the live rows were exact" : "nothing live to compare"
    }

    static func table(_ drift: [DriftStatus]) -> Table {
        var table = Table(
            ("view", .left), ("output", .left), ("groups", .right), ("differing", .right), ("only live", .right), ("only batch", .right),
            ("live total", .right), ("true total", .right))
        for row in drift {
            let drift = row.drift
            table.rows.append([
                row.view, drift.output, grouped(Int(drift.groups)), grouped(Int(drift.differing)), grouped(Int(drift.onlyMerged)),
                grouped(Int(drift.onlyBatch)), drift.mergedTotal.map { "\($0)" } ?? "", drift.batchTotal.map { "\($0)" } ?? "",
            ])
        }
        return table
    }
}
