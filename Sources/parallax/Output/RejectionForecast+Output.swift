import Archive
import ParallaxCore

extension RejectionForecast {
    private var total: Int { rejected.values.reduce(0, +) }

    /// Nil where there is nothing to look at.
    var text: String? {
        guard records > 0 else { return nil }
        let which =
            records == archivedRecords
            ? (records == 1 ? "the one archived record" : "all \(grouped(records)) archived records")
            : "the newest \(grouped(records)) of \(grouped(archivedRecords)) archived records"
        guard total > 0 else { return "of \(which) none would be rejected" }
        let reasons = rejected.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map {
            "\(grouped($0.value)) \($0.key.rawValue)"
        }
        return
            "of \(which) \(grouped(total)) would be rejected: \(reasons.joined(separator: ", ")); \(grouped(rejectedBefore)) were when they were archived"
    }

    var json: JSONText {
        .object([
            ("records", .int(Int64(records))), ("archived_records", .int(Int64(archivedRecords))),
            ("rejected", .object(rejected.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key.rawValue, .int(Int64($0.value))) })),
            ("rejected_before", .int(Int64(rejectedBefore))),
        ])
    }
}
