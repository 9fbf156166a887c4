/// Offsets of one partition that a log lost before they were archived, and that a person gave up: they are in no answer, for good.
public struct AcceptedGap: Hashable, Sendable {
    public var partition: Partition
    public var offsets: Range<Offset>
    public var acceptedAt: Instant
    /// What the lost records' event times can have been; nil where nothing is known: rows of windows that touch it may lack records.
    public var eventsFrom: Instant?
    /// The first event time that none of them had.
    public var eventsUntil: Instant?

    public init(partition: Partition, offsets: Range<Offset>, acceptedAt: Instant, eventsFrom: Instant? = nil, eventsUntil: Instant? = nil)
    {
        self.partition = partition
        self.offsets = offsets
        self.acceptedAt = acceptedAt
        self.eventsFrom = eventsFrom
        self.eventsUntil = eventsUntil
    }
}
