import Operators
import ParallaxCore

/// What a pass over records found. Counts of records, not of groups.
public struct RecordStatistics: Sendable, Hashable {
    /// Records below the cut that the pass looked at.
    public var records = 0
    /// How many of them are events.
    public var events = 0
    /// How many of the events are copies of one that came before.
    public var duplicates = 0
    /// Events at or above the base's cut, each once, without those that the base has counted. Of a pass over everything only where a scope watches copies.
    public var newEvents = 0
    /// New events that come before a copy of theirs that the base publication has counted: that one gives way.
    public var movedCopies = 0
    /// How many of the records are no event, by reason.
    public var rejected: [RejectionReason: Int] = [:]

    public init() {}

    public var rejectedTotal: Int { rejected.values.reduce(0, +) }

    /// Counts the batch's records in the given offsets; the caller has counted its events.
    mutating func countRecords(of batch: EventBatch, offsets: Range<Int64>, events: Int) {
        self.events += events
        let rejectedBefore = rejectedTotal
        for rejection in batch.rejections where offsets.contains(batch.offsets[rejection.row]) {
            rejected[rejection.reason, default: 0] += 1
        }
        records += events + rejectedTotal - rejectedBefore
    }
}
