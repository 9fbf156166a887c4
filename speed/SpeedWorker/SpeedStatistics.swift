import ParallaxCore
import SpeedLayer

/// What a worker has done since it was made. Counts are of committed flushes only.
public struct SpeedStatistics: Sendable, Hashable {
    public var counts = RecordCounts()
    /// By view: events that the view could not take. They are in `counts.events`.
    public var leftOut: [String: Int64] = [:]
    public var flushes: Int64 = 0
    /// State rows that flushes wrote, all view versions together.
    public var groups: Int64 = 0
    public var lastFlushDuration: Duration = .zero
    public var lastFlushGroups = 0
    /// Flushes that were refused because a partition belonged to somebody else by then. Nothing of them was written.
    public var fencedFlushes: Int64 = 0
    /// Flushes that failed for another reason; their records were read again.
    public var failedFlushes: Int64 = 0
    public var reconnections: Int64 = 0
    public var partitionsOwned = 0
    /// Partitions that cannot go on, and why.
    public var stopped: [StoppedPartition] = []
    /// By source: what PostgreSQL refuses of it. Nothing of the source is read meanwhile, but for an attempt now and then.
    public var refused: [String: ParallaxError] = [:]
    /// Whether everything that was read first has been written, or refused, or there was nothing to read.
    public var hasSettled = false
    /// By source: what keeps its log from being read, or a part of it. It is tried again.
    public var troubles: [String: ParallaxError] = [:]
    /// The last thing that went wrong, as people read it.
    public var lastError: ParallaxError?
    public init() {}
}

public struct StoppedPartition: Sendable, Hashable {
    public var source: String
    public var partition: Partition
    /// Where it stands.
    public var position: Offset
    public var error: ParallaxError
}
