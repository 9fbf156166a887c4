/// What the speed layer makes of a record.
///
///     rejected   duplicate   late      class
///     yes        any         any       rejected    counted by reason; the archive keeps it
///     no         yes         any       duplicate   counted; already in the views (or already late)
///     no         no          yes       late        counted, also for the windows that it belongs to; the batch layer adds it
///     no         no          no        event       added to the views
///
/// Every record is in exactly one class, so that records = events + late + duplicates + rejected.
public enum RecordClass: UInt8, Sendable, CaseIterable {
    case event, late, duplicate, rejected

    @inline(__always)
    public init(isRejected: Bool, isDuplicate: Bool, isLate: Bool) {
        switch (isRejected, isDuplicate, isLate) {
        case (true, _, _): self = .rejected
        case (false, true, _): self = .duplicate
        case (false, false, true): self = .late
        case (false, false, false): self = .event
        }
    }
}

/// How many records of each class.
public struct RecordCounts: Hashable, Sendable {
    public var events: Int64 = 0
    public var late: Int64 = 0
    public var duplicates: Int64 = 0
    public var rejected: Int64 = 0
    public init() {}
    public var records: Int64 { events + late + duplicates + rejected }

    public static func += (total: inout RecordCounts, more: RecordCounts) {
        total.events += more.events
        total.late += more.late
        total.duplicates += more.duplicates
        total.rejected += more.rejected
    }
}

/// Rows of one batch, by class; only those that somebody asks for. Reused from batch to batch.
public struct ClassifiedRows: Sendable {
    /// Ascending.
    public var events: [Int32] = []
    public var late: [Int32] = []
    /// Rows of records that are new here: not those that only warm up the horizon.
    public var firstNewRow = 0
    public init() {}

    mutating func reset(capacity: Int) {
        events.removeAll(keepingCapacity: true)
        late.removeAll(keepingCapacity: true)
        events.reserveCapacity(capacity)
        firstNewRow = 0
    }
}
