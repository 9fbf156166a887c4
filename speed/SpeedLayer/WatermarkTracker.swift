import ParallaxCore
import ViewLanguage

/// One partition's watermark, moved record by record in offset order.
///
///     watermark(p)      = max { event time e of an event below this offset : e ≤ its append time + maxFutureSkew } - outOfOrderness
///     late(event)       ⇔  event time < watermark - lateness
///
/// A pure function of the log and of where it began: the newest event time is in the position row, a restart goes on from there.
/// An event from the future enters its window like any other, but moves nothing: one wrong clock must not make all others late.
public struct WatermarkTracker: Sendable {
    /// Newest believable event time, before out-of-orderness is taken off; nil before the first.
    public var newestEventTime: Instant? { newest == .min ? nil : Instant(microseconds: newest) }

    private let outOfOrderness: Int64
    private let lateness: Int64
    private let maxFutureSkew: Int64
    private var newest: Int64
    /// Events before this are late.
    private(set) var lateBefore: Int64

    /// - Parameters:
    ///   - outOfOrderness, lateness: the source's, in microseconds.
    ///   - maxFutureSkew: in microseconds.
    ///   - newestEventTime: where an earlier owner of the partition had got to.
    public init(outOfOrderness: Int64, lateness: Int64, maxFutureSkew: Int64, newestEventTime: Instant?) {
        self.outOfOrderness = outOfOrderness
        self.lateness = lateness
        self.maxFutureSkew = maxFutureSkew
        newest = newestEventTime?.rawValue ?? .min
        lateBefore = Self.subtract(Self.subtract(newest, outOfOrderness), lateness)
    }

    /// True where the event is late. Microseconds since 1970.
    @inline(__always)
    public mutating func isLate(eventTime: Int64, appendedAt: Int64) -> Bool {
        // The common cases first: in order and believable, or behind the newest.
        if eventTime > newest {
            let (limit, overflows) = appendedAt.addingReportingOverflow(maxFutureSkew)
            if overflows || eventTime <= limit {
                newest = eventTime
                lateBefore = Self.subtract(Self.subtract(eventTime, outOfOrderness), lateness)
            }
            return false
        }
        return eventTime < lateBefore
    }

    private static func subtract(_ time: Int64, _ length: Int64) -> Int64 {
        let (difference, overflows) = time.subtractingReportingOverflow(length)
        return overflows ? .min : difference
    }
}
