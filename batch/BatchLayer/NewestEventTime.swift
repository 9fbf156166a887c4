import Operators
import ParallaxCore
import ViewLanguage

/// The newest event time below a cut that is worth believing: what retention is counted from. A function of the archive, not of any clock of now.
///
///     clock(record)  = min(its append time, when its segment was archived); the latter where the append time is from before 1971, or where the
///                      source goes by the arrival
///     vouched(event) = min(its event time, clock)
///     newest(cut)    = the second largest of { vouched(e) : e an event below the cut, event time ≤ clock + maxFutureSkew }
///
/// Different values count; so an event and its copies are one. One event alone moves nothing, over all partitions: neither one whose clock
/// was wrong, nor one of today among those of an old file. And none is believed to be newer than the archive.
///
/// Segments of older versions do not say when they were archived: there the append time alone vouches.
///
/// The two largest of a set are the two largest of its parts' two largest: an incremental run, which goes on from what a publication keeps, finds what a run over
/// everything finds (I3).
public struct NewestEventTime: Sendable {
    /// What one publication keeps for the next run; microseconds.
    public struct Found: Hashable, Sendable {
        /// The newest event time, which one event alone may have; nil before the first.
        public var leader: Int64?
        /// Confirmed: another event has that of the leader. Nil before the second.
        public var newest: Int64?
        public init(newest: Int64? = nil, leader: Int64? = nil) {
            self.newest = newest
            self.leader = leader
        }
    }

    public private(set) var found: Found
    public let base: Cut
    private let cut: Cut
    private let maxFutureSkew: Int64
    private let eventTimeColumn: Int
    private let believesAppendTimes: Bool
    /// By partition, in offset order.
    private let arrivals: [Partition: [(offsets: Range<Offset>, at: Int64)]]

    /// - Parameters:
    ///   - known: of the records below `base`.
    ///   - segments: those that will be read, in any order.
    ///   - maxFutureSkew: microseconds.
    public init(
        known: Found, base: Cut, cut: Cut, segments: [Segment], eventTimeColumn: Int, appendTime: SourceDefinition.AppendTime = .record,
        maxFutureSkew: Int64
    ) {
        found = known
        self.base = base
        self.cut = cut
        self.eventTimeColumn = eventTimeColumn
        believesAppendTimes = appendTime == .record
        self.maxFutureSkew = maxFutureSkew
        var arrivals: [Partition: [(offsets: Range<Offset>, at: Int64)]] = [:]
        for segment in segments {
            if let at = segment.archivedAt { arrivals[segment.partition, default: []].append((segment.offsets, at)) }
        }
        self.arrivals = arrivals.mapValues { $0.sorted { $0.offsets.lowerBound < $1.offsets.lowerBound } }
    }

    /// Records outside of [base, cut) are passed over. A batch is of one segment.
    public mutating func add(_ batch: EventBatch) {
        guard batch.count > 0, case .int64(let times)? = batch.columns[eventTimeColumn]?.storage else { return }
        let range = base[batch.partition].rawValue..<cut[batch.partition].rawValue
        let arrivedAt = arrival(batch.partition, Offset(batch.offsets[0]))
        // Where nobody knows when a segment was archived, the append times are all that there is.
        let believesAppendTimes = believesAppendTimes || arrivedAt == .max
        for row in 0..<batch.count where batch.isRejected[row] == 0 && range.contains(batch.offsets[row]) {
            let appendedAt = believesAppendTimes ? batch.appendedAt[row] : EventBatch.noAppendTime
            let clock = EventBatch.vouchingClock(appendedAt: appendedAt, arrivedAt: arrivedAt)
            let (latest, overflows) = clock.addingReportingOverflow(maxFutureSkew)
            guard overflows || times[row] <= latest else { continue }
            let vouched = min(times[row], clock)
            guard let leader = found.leader else {
                // A publication of an older version kept a newest event time and no leader.
                if vouched > found.newest ?? .min { found.leader = vouched }
                continue
            }
            if vouched > leader {
                found = Found(newest: leader, leader: vouched)
            } else if vouched < leader && vouched > found.newest ?? .min {
                found.newest = vouched
            }
        }
    }

    private func arrival(_ partition: Partition, _ offset: Offset) -> Int64 {
        guard let segments = arrivals[partition] else { return .max }
        var (low, high) = (0, segments.count)
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].offsets.upperBound <= offset { low = middle + 1 } else { high = middle }
        }
        return low < segments.count && segments[low].offsets.contains(offset) ? segments[low].at : .max
    }
}
