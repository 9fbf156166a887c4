import ParallaxCore

/// One archived segment, as far as a run's decisions need it.
public struct Segment: Hashable, Sendable {
    /// As people and the archive call it, e.g. its path.
    public var name: String
    public var partition: Partition
    /// The offsets that it answers for: every record that the log held there is in it.
    public var offsets: Range<Offset>
    public var records: Int
    /// How many of the records are events.
    public var events: Int
    /// From the least event time to the first microsecond after the greatest, half-open. Nil: not known.
    public var eventTimes: Range<Int64>?
    public var bytes: Int
    /// When it was archived (microseconds), by the archiver's clock. Nil: not known.
    public var archivedAt: Int64?

    public init(
        name: String, partition: Partition, offsets: Range<Offset>, records: Int, events: Int, eventTimes: Range<Int64>?, bytes: Int,
        archivedAt: Int64? = nil
    ) {
        self.name = name
        self.partition = partition
        self.offsets = offsets
        self.records = records
        self.events = events
        self.eventTimes = eventTimes
        self.bytes = bytes
        self.archivedAt = archivedAt
    }

    func overlaps(_ range: Range<Offset>) -> Bool { !range.isEmpty && offsets.overlaps(range) }

    /// False only where it certainly holds no event of these times.
    func mayHold(_ times: EventTimeRanges) -> Bool {
        if events == 0 { return false }
        return eventTimes.map { times.intersects($0) } ?? true
    }
}
