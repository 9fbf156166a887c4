import Operators
import ParallaxCore

/// The newest event time below a cut that is worth believing: what retention is counted from. A function of the log, not of any clock.
///
///     newest(cut) = max { event time e of an event below the cut : e ≤ its append time + maxFutureSkew }
///
/// The same rule as the speed layer's watermark, over all partitions: one wrong clock must not make all windows leave.
public struct NewestEventTime: Sendable {
    /// Microseconds; nil before the first event.
    public private(set) var value: Int64?
    public let base: Cut
    private let cut: Cut
    private let maxFutureSkew: Int64
    private let eventTimeColumn: Int

    /// - Parameters:
    ///   - known: of the records below `base`; nil where there are none.
    ///   - maxFutureSkew: microseconds.
    public init(known: Int64?, base: Cut, cut: Cut, eventTimeColumn: Int, maxFutureSkew: Int64) {
        value = known
        self.base = base
        self.cut = cut
        self.eventTimeColumn = eventTimeColumn
        self.maxFutureSkew = maxFutureSkew
    }

    /// Records outside of [base, cut) are passed over.
    public mutating func add(_ batch: EventBatch) {
        guard case .int64(let times)? = batch.columns[eventTimeColumn]?.storage else { return }
        let range = base[batch.partition].rawValue..<cut[batch.partition].rawValue
        for row in 0..<batch.count where batch.isRejected[row] == 0 && range.contains(batch.offsets[row]) {
            let (latest, overflows) = batch.appendedAt[row].addingReportingOverflow(maxFutureSkew)
            if overflows || times[row] <= latest { value = max(value ?? .min, times[row]) }
        }
    }
}
