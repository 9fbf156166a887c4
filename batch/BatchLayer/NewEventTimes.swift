import ParallaxCore

/// The event times of the records that are new to a run, as ranges that hold them all: at most so many, so that they are coarser where there are many.
///
/// What is read for them is read for one reason alone: copies of an event have its event time.
public struct NewEventTimes: Hashable, Sendable {
    /// 16 MB of times. A million new events within a day are then told apart by a third of a second.
    public static let mostTimes = 262_144

    /// Times divided by 2^shift.
    private var times: Set<Int64> = []
    private var shift = 0
    private let most: Int

    public init(most: Int = NewEventTimes.mostTimes) {
        precondition(most > 0, "at most \(most) times")
        self.most = most
    }

    public var isEmpty: Bool { times.isEmpty }

    /// Microseconds.
    public mutating func insert(_ time: Int64) {
        times.insert(time >> shift)
        while times.count > most {
            shift += 1
            times = Set(times.map { $0 >> 1 })
        }
    }

    public var ranges: [Range<Int64>] {
        times.map { time in
            let first = time << shift
            let (end, overflow) = first.addingReportingOverflow(1 << shift)
            return first..<(overflow ? .max : end)
        }
    }
}
