import Catalog
import Foundation
import ParallaxCore

extension AnswersComparison {
    var text: String {
        guard answers > 0 else {
            return "view \(view): no answers are kept" + (otherVersions > 0 ? " but \(grouped(otherVersions)) of other versions" : "")
                + "; serve.audit_sample says how many are\n"
        }
        var lines = ["view \(view): \(counted(answers, "answer")) \(answers == 1 ? "is" : "are") kept"]
        if let firstServedAt, let lastServedAt { lines[0] += ", from \(firstServedAt.text) to \(lastServedAt.text)" }
        lines.append("compared with run \(run), in windows that are final")
        if waitingRows > 0 { lines.append("\(counted(waitingRows, "row")) \(waitingRows == 1 ? "is" : "are") of windows that are not yet") }
        if otherVersions > 0 { lines.append("\(counted(otherVersions, "answer")) of other versions left out") }
        guard !buckets.isEmpty else { return lines.joined(separator: "\n") + "\n" }
        var table = Table(
            ("age", .left), ("answers", .right), ("rows", .right), ("missing", .right), ("surplus", .right), ("output", .left),
            ("exact", .right),
            ("mean error", .right), ("p50", .right), ("p99", .right))
        for bucket in buckets {
            let head = [
                bucket.age.name, grouped(bucket.answers), grouped(bucket.rows), bucket.missing.map { grouped($0) } ?? "",
                grouped(bucket.surplus),
            ]
            if bucket.outputs.isEmpty { table.rows.append(head + ["", "", "", "", ""]) }
            for (place, output) in bucket.outputs.enumerated() {
                table.rows.append(
                    (place == 0 ? head : ["", "", "", "", ""]) + [
                        output.name, Self.percent(output.exactShare), output.meanError.map(Self.percent) ?? "",
                        Self.percent(output.medianError),
                        Self.percent(output.p99Error),
                    ])
            }
        }
        return lines.joined(separator: "\n") + "\n\n" + table.text()
    }

    private static func percent(_ share: Double) -> String { share.isFinite ? String(format: "%.2f%%", share * 100) : "unbounded" }

    /// A line an age and output; ages without numbers have a line, too.
    var csv: String {
        func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
        var lines = ["age,answers,rows,missing,surplus,output,values,exact_share,mean_error,p50_error,p99_error,unbounded"]
        for bucket in buckets {
            let head = [
                bucket.age.name, "\(bucket.answers)", "\(bucket.rows)", bucket.missing.map { "\($0)" } ?? "", "\(bucket.surplus)",
            ]
            if bucket.outputs.isEmpty { lines.append((head + Array(repeating: "", count: 7)).joined(separator: ",")) }
            for output in bucket.outputs {
                let name =
                    output.name.contains { $0 == "," || $0 == "\"" || $0.isNewline }
                    ? "\"" + output.name.replacing("\"", with: "\"\"") + "\"" : output.name
                lines.append(
                    (head + [
                        name, "\(output.values)", number(output.exactShare), number(output.meanError), number(output.medianError),
                        number(output.p99Error), "\(output.unbounded)",
                    ]).joined(separator: ","))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
