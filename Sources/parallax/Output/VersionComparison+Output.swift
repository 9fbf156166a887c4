import ParallaxCore
import ServingViews

extension VersionComparison {
    var text: String {
        var lines = [
            "view \(view): version \(oldVersion) is served, \(newVersion) is held; both below the cut of run \(run)",
            "  rows         \(grouped(Int(oldRows))) served, \(grouped(Int(newRows))) held",
            "  only served  \(grouped(Int(onlyOld)))", "  only held    \(grouped(Int(onlyNew)))",
        ]
        if let keys {
            lines.append("  changed      \(grouped(Int(changed)))")
            lines.append(keys.isEmpty ? "  one row each" : "  rows are paired by \(keys.joined(separator: ", "))")
        } else {
            lines.append("  rows cannot be paired (the two group by other columns): whole rows are compared, by the columns that both have")
        }
        lines.append("")
        var output = lines.joined(separator: "\n") + "\n"
        var table = Table(("column", .left), ("differing", .right), ("served total", .right), ("held total", .right))
        for column in columns {
            let differing =
                switch (column.isOld, column.isNew) {
                case (true, false): "only served"
                case (false, true): "only held"
                default: keys == nil ? "" : "\(column.differing ?? 0)"
                }
            table.rows.append([column.name, differing, column.oldTotal ?? "", column.newTotal ?? ""])
        }
        output += table.text()
        output += sample("only served", onlyOldRows, of: onlyOld)
        output += sample("only held", onlyNewRows, of: onlyNew)
        output += sample("changed: served → held", changedRows, of: changed)
        return output + (isSame ? "\nno difference\n" : "")
    }

    private func sample(_ title: String, _ rows: [Row], of count: Int64) -> String {
        guard !rows.isEmpty else { return "" }
        var table = Table(head: columns.map(\.name), alignments: columns.map { _ in .left })
        table.rows = rows.map { row in
            columns.indices.map { index in
                let (old, new) = (row.old?[index] ?? "", row.new?[index] ?? "")
                guard row.old != nil, row.new != nil, columns[index].isOld, columns[index].isNew else {
                    return row.old == nil ? new : old + new
                }
                return old == new ? old : "\(old) → \(new)"
            }
        }
        let more = count > Int64(rows.count) ? ", the first \(rows.count) of \(grouped(Int(count)))" : ""
        return "\n\(title)\(more)\n" + table.text()
    }

    var json: JSONText {
        func row(_ values: [String?], _ side: (Column) -> Bool) -> JSONText {
            .object(zip(columns, values).filter { side($0.0) }.map { ($0.name, .optional($1)) })
        }
        return .object([
            ("view", .string(view)), ("served_version", .string(oldVersion)), ("held_version", .string(newVersion)),
            ("run", .int(run.rawValue)), ("same", .bool(isSame)), ("paired_by", keys.map { .array($0.map { .string($0) }) } ?? .null),
            ("served_rows", .int(oldRows)), ("held_rows", .int(newRows)), ("only_served", .int(onlyOld)), ("only_held", .int(onlyNew)),
            ("changed", .int(changed)),
            (
                "columns",
                .array(
                    columns.map {
                        .object([
                            ("column", .string($0.name)), ("in_served", .bool($0.isOld)), ("in_held", .bool($0.isNew)),
                            ("differing", .optional($0.differing)), ("served_total", .optional($0.oldTotal)),
                            ("held_total", .optional($0.newTotal)),
                        ])
                    })
            ), ("only_served_rows", .array(onlyOldRows.map { row($0.old ?? [], \.isOld) })),
            ("only_held_rows", .array(onlyNewRows.map { row($0.new ?? [], \.isNew) })),
            (
                "changed_rows",
                .array(
                    changedRows.map {
                        .object([("served", row($0.old ?? [], \.isOld)), ("held", row($0.new ?? [], \.isNew))])
                    })
            ),
        ])
    }
}
