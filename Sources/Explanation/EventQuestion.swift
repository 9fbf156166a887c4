import Operators
import ParallaxCore
import ViewLanguage

/// Which row's events are asked for, and which records can have made it: what a snapshot's answers hold.
public struct EventQuestion: Sendable {
    /// Of the version that is served. It decides by its own form of the source which records are events.
    public var plan: Plan
    public var key: RowKey
    public var partitions: [Partition]
    /// Batch rows hold the offsets below it.
    public var cut: Cut
    /// Live rows hold the offsets below it.
    public var ends: Cut
    /// Offsets that no live row holds, since a run took the position over them: in no answer until it is published.
    public var unread: [Partition: [Range<Offset>]]
    /// How many events the speed layer left out as late, by window start (of sessions by atom; `Plan.noWindow` without windows), where such an event may
    /// belong to the row.
    public var late: [Int64: Int64]
    /// The page begins behind this one; nil: with the first.
    public var after: LogPlace?
    /// Events of a page.
    public var limit: Int

    public init(
        plan: Plan, key: RowKey, partitions: [Partition], cut: Cut, ends: Cut, unread: [Partition: [Range<Offset>]] = [:],
        late: [Int64: Int64] = [:], after: LogPlace? = nil, limit: Int
    ) {
        self.plan = plan
        self.key = key
        self.partitions = partitions
        self.cut = cut
        self.ends = ends
        self.unread = unread
        self.late = late
        self.after = after
        self.limit = limit
    }
}

/// How much one question may cost.
public struct ExplanationLimits: Sendable {
    /// Records that are decoded. Beyond them the answer stops and says so.
    public var records = 5_000_000
    /// From then on it stops, too.
    public var deadline: ContinuousClock.Instant?
    /// Of the payloads of one page: it ends earlier, with at least one event.
    public var bytesPerPage = 16 << 20
    /// How far before the cut reading begins where late events are to be told from others: the watermark is found again on the way.
    public var replayedRecords: Int64 = 1_000_000
    /// What one read takes from the log.
    public var recordsPerRead = 8_192
    public var bytesPerRead = 8 << 20
    public init() {}
}

/// What the speed layer made of an event: it alone knows its rules.
public enum LiveClass: Sendable, Hashable {
    case event, duplicate, late
}

/// One partition's events from some offset before the cut on, batch after batch: one class a row (those of rejected records mean nothing).
public typealias LiveReplay = (_ batch: EventBatch, _ unread: [Range<Int64>]) -> [LiveClass]
