import Columns
import Operators
import ParallaxCore
import ViewLanguage

/// What an earlier form of the source makes of the records that are read, as long as view versions that were compiled for it are kept up to date.
///
/// A version goes on as if nothing had changed: what is an event in its form is in its rows, whatever the source's form of now says of it.
///
///     event in this form   in the form of now   what its views get
///     no                   no, or a duplicate   nothing
///     no                   yes                  a rejection: they cannot take what others can
///     yes                  no                   an event, or a late one, by the watermark of the form of now
///     yes                  yes                  an event, or a late one, as there
///
/// and nothing that is a duplicate by this form's own horizon: an earlier copy need not have been an event in both.
struct OtherForm {
    let source: SourceDefinition
    private let duplicateHorizon: Int64
    private var horizons: [Partition: DuplicateHorizon] = [:]
    /// The rows of the batch that was received last, classified by this form.
    private(set) var rows = ClassifiedRows()
    /// Records of that batch that are events in the form of now and none in this one.
    private(set) var rejections: [Rejection] = []

    init(_ source: SourceDefinition, duplicateHorizon: Int64) {
        self.source = source
        self.duplicateHorizon = duplicateHorizon
    }

    /// The partition leaves. Where it comes back, it is read from an earlier offset on.
    mutating func forget(_ partition: Partition) { horizons[partition] = nil }

    /// - Parameters:
    ///   - batch: the records in this form.
    ///   - now: what the form of now made of the same records.
    ///   - lateBefore: events of before (microseconds) are late.
    mutating func receive(_ batch: EventBatch, now: ClassifiedRows, lateBefore: Int64) {
        rows.reset(capacity: batch.count)
        rows.firstNewRow = now.firstNewRow
        rejections = []
        guard batch.count > 0 else { return }
        guard case .int64(let eventTimes)? = batch.columns[source.eventTimeColumn]?.storage else {
            preconditionFailure("the event time of \(source.name) was not decoded")
        }
        var horizon = horizons.removeValue(forKey: batch.partition) ?? DuplicateHorizon(length: duplicateHorizon)
        var nextEvent = 0
        var nextLate = 0
        var isTaken = [Bool](repeating: false, count: batch.rejections.isEmpty ? 0 : batch.count)
        for row in 0..<batch.count {
            let isEvent = nextEvent < now.events.count && Int(now.events[nextEvent]) == row
            let isLate = nextLate < now.late.count && Int(now.late[nextLate]) == row
            if isEvent { nextEvent += 1 }
            if isLate { nextLate += 1 }
            guard batch.isRejected[row] == 0 else {
                isTaken[row] = isEvent || isLate
                continue
            }
            let isDuplicate = horizon.insert(batch.identities[row], at: batch.offsets[row])
            guard row >= now.firstNewRow, !isDuplicate else { continue }
            if isLate || (!isEvent && eventTimes[row] < lateBefore) {
                rows.late.append(Int32(truncatingIfNeeded: row))
            } else {
                rows.events.append(Int32(truncatingIfNeeded: row))
            }
        }
        horizons[batch.partition] = horizon
        if !batch.rejections.isEmpty { rejections = batch.rejections.filter { isTaken[$0.row] } }
    }
}
