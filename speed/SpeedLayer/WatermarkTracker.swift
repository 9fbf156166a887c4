import Operators
import ParallaxCore
import ViewLanguage

/// One partition's watermark, moved record by record in offset order.
///
///     clock(record)     = min(its append time, when it arrived here); the arrival where the append time is from before 1971
///     vouched(event)    = min(its event time, clock)
///     watermark(p)      = newest - outOfOrderness
///     late(event)       ⇔  event time < watermark - lateness
///     live(event)       ⇔  its record is at most outOfOrderness + lateness older than it
///
/// An event time is believed as far as somebody else's clock vouches for it. What an event does to `newest`:
///
///     event time                      what happens
///     > clock + maxFutureSkew         nothing: it enters its window like any other
///     vouched ≤ newest                nothing; where it is not late, it ends a leader: the stream goes on where it was
///     vouched ≤ newest + lateness     newest = vouched; ends a leader. What is out of order as the source says is in time all the same
///     vouched > newest + lateness     a jump. It counts at once where this event is live, and the one before it was. Else, and where it is the first of
///                                     all, it becomes the leader, and the next jump confirms the lower one of the two.
///
/// So no single event makes another one late that is out of order, or underway, for no longer than outOfOrderness: not one from the future (it stops at its
/// clock), not one of today in a replay of history (it leads alone). Two in a row do; nobody can tell those from a gap in the stream.
///
/// A pure function of the log, of what the arrival clock said, and of where it began: newest, leader and liveness are in the position row. The
/// arrival matters only where a record claims to have been appended after it was read, or not to know when.
public struct WatermarkTracker: Sendable {
    /// What a new owner goes on from.
    public struct State: Hashable, Sendable {
        /// Newest confirmed event time, before out-of-orderness is taken off; nil before the first.
        public var newest: Instant?
        /// The event time of a jump that one event alone has made.
        public var leader: Instant?
        /// The last event that was in time was not live.
        public var readsHistory: Bool
        public init(newest: Instant? = nil, leader: Instant? = nil, readsHistory: Bool = false) {
            self.newest = newest
            self.leader = leader
            self.readsHistory = readsHistory
        }
    }

    public var state: State {
        State(newest: Self.instant(newest), leader: Self.instant(leader), readsHistory: readsHistory)
    }

    private let outOfOrderness: Int64
    private let lateness: Int64
    /// outOfOrderness + lateness.
    private let reach: Int64
    private let maxFutureSkew: Int64
    // `.min`: none.
    private var newest: Int64
    private var leader: Int64
    private var readsHistory: Bool
    /// Events before this are late.
    private(set) var lateBefore: Int64 = .min
    /// Events behind this are jumps.
    private var jumpsAfter: Int64 = .min

    /// - Parameters:
    ///   - outOfOrderness, lateness: the source's, in microseconds.
    ///   - maxFutureSkew: in microseconds.
    ///   - state: where an earlier owner of the partition had got to.
    public init(outOfOrderness: Int64, lateness: Int64, maxFutureSkew: Int64, state: State = State()) {
        self.outOfOrderness = outOfOrderness
        self.lateness = lateness
        self.maxFutureSkew = maxFutureSkew
        reach = Self.add(outOfOrderness, lateness)
        newest = .min
        leader = state.leader?.rawValue ?? .min
        readsHistory = state.readsHistory
        if let start = state.newest { move(to: start.rawValue) }
    }

    /// True where the event is late. Microseconds since 1970. Not to be asked for duplicates: an event confirms no jump of its own.
    @inline(__always)
    public mutating func isLate(eventTime: Int64, appendedAt: Int64, arrivedAt: Int64) -> Bool {
        if eventTime < lateBefore { return true }
        let clock = EventBatch.vouchingClock(appendedAt: appendedAt, arrivedAt: arrivedAt)
        let age = clock.subtractingReportingOverflow(eventTime)
        // The common case first: neither from the future nor a jump.
        if !age.overflow, age.partialValue >= 0, eventTime <= jumpsAfter {
            if eventTime > newest { move(to: eventTime) }
            leader = .min
            readsHistory = age.partialValue > reach
        } else {
            moveFar(eventTime, vouchedBy: clock)
        }
        return false
    }

    @inline(never)
    private mutating func moveFar(_ eventTime: Int64, vouchedBy clock: Int64) {
        guard eventTime <= Self.add(clock, maxFutureSkew) else { return }
        let vouched = min(eventTime, clock)
        let isLive = Self.add(vouched, reach) >= clock
        defer { readsHistory = !isLive }
        guard vouched > jumpsAfter else {
            if vouched > newest { move(to: vouched) }
            // One that claims more than is vouched for says nothing about where the stream is.
            if eventTime <= clock { leader = .min }
            return
        }
        if isLive && !readsHistory && newest != .min {
            move(to: vouched)
            leader = .min
        } else if leader == .min {
            leader = vouched
        } else {
            // Where the second is the lower one, the stream is there, and the first was alone.
            move(to: min(leader, vouched))
            leader = vouched > jumpsAfter ? vouched : .min
        }
    }

    private mutating func move(to time: Int64) {
        newest = time
        lateBefore = Self.subtract(Self.subtract(time, outOfOrderness), lateness)
        jumpsAfter = Self.add(time, lateness)
    }

    private static func instant(_ time: Int64) -> Instant? { time == .min ? nil : Instant(microseconds: time) }

    private static func add(_ time: Int64, _ length: Int64) -> Int64 {
        let (sum, overflows) = time.addingReportingOverflow(length)
        return overflows ? .max : sum
    }

    private static func subtract(_ time: Int64, _ length: Int64) -> Int64 {
        let (difference, overflows) = time.subtractingReportingOverflow(length)
        return overflows ? .min : difference
    }
}
