/// How disorderly the traffic is: shares in parts of a million. The defaults are documented in docs/reference/commands.md.
public struct TrafficShape: Sendable, Equatable {
    /// Arrives up to four seconds after later events: within the demo's out-of-orderness.
    public var outOfOrder: Int
    /// Arrives seconds to ten minutes late: behind the watermark, within the demo's lateness.
    public var delayed: Int
    /// Arrives 61 minutes to three hours late: the speed layer leaves it to the batch layer.
    public var late: Int
    /// One of the last thousand records of the same traffic once more, byte for byte.
    public var duplicate: Int
    /// Not an event: see `Malformation`.
    public var malformed: Int

    public init(outOfOrder: Int = 50_000, delayed: Int = 10_000, late: Int = 2_000, duplicate: Int = 10_000, malformed: Int = 2_000) {
        self.outOfOrder = outOfOrder
        self.delayed = delayed
        self.late = late
        self.duplicate = duplicate
        self.malformed = malformed
    }

    /// Microseconds by which an event's time lies before its place in the stream.
    func delay(_ random: inout SeededRandom) -> Int64 {
        let dice = random.below(1_000_000)
        switch dice {
        case ..<outOfOrder: return Int64(random.within(1..<4_000_000))
        case ..<(outOfOrder + delayed): return Int64(random.within(5_000_000..<600_000_000))
        case ..<(outOfOrder + delayed + late): return Int64(random.within(3_660_000_000..<10_800_000_000))
        default: return 0
        }
    }

    /// A percentage such as `0.25` in parts of a million; nil where it is none.
    public static func perMillion(percent: Double) -> Int? {
        percent.isFinite && (0...100).contains(percent) ? Int((percent * 10_000).rounded()) : nil
    }
}

/// What can be wrong with a record that is meant to be rejected, in equal shares.
enum Malformation: Int, CaseIterable, Sendable {
    /// Cut in the middle.
    case truncated
    /// An event time that is none.
    case wrongType
    /// No event id.
    case missingEventID
    /// A byte that UTF-8 does not have.
    case invalidUTF8
    /// JSON, but a list.
    case notAnObject
    /// An escaped NUL, which PostgreSQL's text cannot hold.
    case nulCharacter
}
