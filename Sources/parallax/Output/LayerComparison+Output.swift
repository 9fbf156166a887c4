import Catalog
import ParallaxCore
import ServingViews

extension LayerComparison {
    /// - Parameter limit: the share that drift is judged by; nil: none.
    func text(limit: Double?) -> String {
        var output =
            "view \(view), run \(run.number) of source \(source) (\(run.stateText)): live rows against exact ones, over the same records\n"
        guard hasLiveRows else {
            return output + "  nothing live to compare: the speed layer had no row of these records\n"
        }
        output += "\n" + figures(limit).text()
        if outputs.allSatisfy({ !$0.isDifferent }) {
            return output + "\nno difference: \(counted(compared, "row")) were live, and all of them were exact\n"
        }
        output += "\nbecause of\n"
        for cause in causes { output += "  \(cause.text)\n" }
        let places = self.places
        if !places.isEmpty { output += "\nwhere\n" + places.map { "  \($0)\n" }.joined() }
        guard !rows.rows.isEmpty else { return output + notKept }
        output += "\n" + table.text()
        if Int64(rows.rows.count) < different { output += "of \(counted(different, "row")) that differ; --limit shows more\n" }
        return output + notKept
    }

    /// Without columns that say the same in each row, or nothing: the other formats have all.
    private var table: Table {
        let kinds = QueryOutput(rows).kinds
        let shown = rows.columns.indices.filter { column in
            switch rows.columns[column] {
            case "run", "place": false
            case "is_different": rows.rows.contains { $0[column] == "f" }
            case "late", "duplicates", "healed": rows.rows.contains { $0[column] != "0" }
            default: true
            }
        }
        var table = Table(head: shown.map { rows.columns[$0] }, alignments: shown.map { kinds[$0] == .number ? .right : .left })
        table.rows = rows.rows.map { row in shown.map { row[$0] ?? "" } }
        return table
    }

    private func figures(_ limit: Double?) -> Table {
        var table = Table(
            ("output", .left), ("rows", .right), ("differ", .right), ("only live", .right), ("only batch", .right), ("drift", .right),
            ("largest", .right), ("mean", .right), ("p99", .right), ("", .left))
        for drift in outputs {
            table.rows.append([
                drift.output, grouped(drift.groups), grouped(drift.differing), grouped(drift.onlyMerged), grouped(drift.onlyBatch),
                drift.share.map(shareText) ?? "", drift.maxDifference.map(Self.number) ?? "", drift.meanDifference.map(Self.number) ?? "",
                drift.p99Difference.map(Self.number) ?? "", limit.map { (drift.share ?? 0) > $0 ? "beyond \(shareText($0))" : "" } ?? "",
            ])
        }
        return table
    }

    /// The value of each group column with the largest part of the first output's difference that says one.
    private var places: [String] {
        guard let output = groups.first(where: { $0.share != nil })?.output else { return [] }
        var lines: [String] = []
        for column in Set(groups.map(\.column)).sorted() {
            let values = groups.filter { $0.output == output && $0.column == column }.prefix(3)
            guard !values.isEmpty else { continue }
            let parts = values.map { "\($0.value ?? "null") \($0.share.map(shareText) ?? "")" }
            lines.append("\(column), of the difference in \(output): \(parts.joined(separator: ", "))")
        }
        return lines
    }

    private var notKept: String {
        if kept == 0 { return "\nits rows are not kept: batch.keep_comparisons says of how many runs they are\n" }
        return kept < compared
            ? "\n\(grouped(kept)) of \(grouped(compared)) compared rows are kept: batch.comparison_rows says how many\n" : ""
    }

    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return "\(value)" }
        let rounded = (value * 1_000).rounded() / 1_000
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int64(rounded))" : "\(rounded)"
    }
}
