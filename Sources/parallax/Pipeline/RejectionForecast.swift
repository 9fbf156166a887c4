import Archive
import Operators
import ParallaxCore
import ViewLanguage

/// How many of a source's archived records would be no events any more under another form: said before anybody agrees to it.
struct RejectionForecast {
    /// The newest segments, whole, until they hold so many: a second's work.
    private static let mostRecords = 100_000

    /// Records that were decoded, of so many.
    var records = 0
    var archivedRecords = 0
    var rejected: [RejectionReason: Int] = [:]
    /// Of the same segments, what was rejected when they were written; nil where they were written under several forms.
    var rejectedBefore = 0

    /// Decodes the newest archived records as the source would.
    init(of source: SourceDefinition, in reader: ArchiveReader) throws(ParallaxError) {
        let segments = try reader.segments(below: try reader.archived())
        archivedRecords = segments.reduce(0) { $0 + $1.records }
        func appended(_ segment: ArchiveSegment) -> Int64 { segment.maxAppendedAt?.rawValue ?? .min }
        for segment in segments.sorted(by: { appended($0) > appended($1) }) where segment.records > 0 {
            guard records < Self.mostRecords else { break }
            let batches = try reader.read(segment, columns: Set(source.columns.indices))
            while let batch = try batches.next() {
                records += batch.count
                for rejection in batch.rejections { rejected[rejection.reason, default: 0] += 1 }
            }
            rejectedBefore += segment.rejected.values.reduce(0, +)
        }
    }

    private var total: Int { rejected.values.reduce(0, +) }

    /// Nil where there is nothing to look at.
    var text: String? {
        guard records > 0 else { return nil }
        let which =
            records == archivedRecords
            ? "all \(grouped(records)) archived records" : "the newest \(grouped(records)) of \(grouped(archivedRecords)) archived records"
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
