import Operators
import ParallaxCore
import ViewLanguage

/// How many of a source's archived records would be no events any more under another form: said before anybody agrees to it.
public struct RejectionForecast {
    /// The newest segments, whole, until they hold so many: a second's work.
    private static let mostRecords = 100_000

    /// Records that were decoded, of so many.
    public var records = 0
    public var archivedRecords = 0
    public var rejected: [RejectionReason: Int] = [:]
    /// How many records of the same segments were rejected when these were written.
    public var rejectedBefore = 0

    /// Decodes the newest archived records as the source would.
    public init(of source: SourceDefinition, in reader: ArchiveReader) throws(ParallaxError) {
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
}
