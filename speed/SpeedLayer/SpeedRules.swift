/// What a speed layer decides by.
public struct SpeedRules: Hashable, Sendable {
    /// A flush is due this long after the last one, if there is anything to write.
    public var flushInterval: Duration = .milliseconds(500)
    /// A partition that had nothing new for this long does not hold the watermark back.
    public var idleAfter: Duration = .seconds(5)
    /// In offsets of a partition.
    public var duplicateHorizon: Int64 = 200_000
    /// Microseconds. An event further ahead of its append time than this does not move the watermark.
    public var maxFutureSkew: Int64 = 3_600_000_000
    public var limits = SpeedLimits()
    public init() {}
}

/// How much may be in memory before a flush; nothing more is read while one of them is reached.
public struct SpeedLimits: Hashable, Sendable {
    /// Groups of all view versions together, and windows with late events: less than a second of PostgreSQL's upserts.
    public var groupsPerFlush = 100_000
    /// What a crash or a fenced flush makes the next owner read again: about a second.
    public var recordsPerFlush = 1_000_000
    /// How large the states may become that one flush writes; sketches are ten kilobytes a group.
    public var bytesPerFlush = 256 << 20
    /// What one read takes from one partition, so that none waits long for the others: 1.6 MB at 200 bytes a record.
    public var recordsPerRead = 8_192
    public var bytesPerRead = 8 << 20
    /// Samples of rejected records a flush, and those that are kept a source. Counts are exact; samples are for people.
    public var rejectionSamplesPerFlush = 100
    public var rejectionSamplesPerSource = 1_000
    /// How much of its payload a sample shows; the whole record is in the archive.
    public var bytesPerSample = 200
    public init() {}
}
