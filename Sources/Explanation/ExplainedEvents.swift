import ParallaxCore

/// One event that belongs to a row's window and groups, and what became of it.
public struct ExplainedEvent: Sendable, Hashable {
    public enum Fate: String, Sendable, CaseIterable {
        /// In the published rows.
        case batch
        /// In the live rows.
        case live
        /// A copy of an event that was counted.
        case copy
        /// Left to the next run, since it came too late for the live rows.
        case late
        /// In the live rows, or left out as late: the layer counted late events, and the log does not say which they were.
        case liveOrLate = "live_or_late"
        /// In no answer until a run is published that took it over from a speed layer that was down.
        case waiting
        /// The view cannot take it: an expression raises an error.
        case refused

        /// Nil: nobody knows.
        public var isCounted: Bool? {
            switch self {
            case .batch, .live: true
            case .copy, .late, .waiting, .refused: false
            case .liveOrLate: nil
            }
        }
    }

    public var place: LogPlace
    public var appendedAt: Instant
    public var eventTime: Instant
    public var fate: Fate
    /// Of a refused one: PostgreSQL's words. They may quote the event.
    public var message: String?
    /// Byte for byte as the log had it; nil for a tombstone, which is no event.
    public var payload: [UInt8]?
}

/// Why the answer does not look at everything.
public enum ExplanationStop: String, Sendable {
    /// The limit of records.
    case records
    /// The time was over.
    case time
    /// Whoever asked does not wait any more.
    case cancelled
}

/// What was read for an answer.
public struct ExplanationReading: Sendable, Hashable {
    /// Decoded, of archive and log.
    public var records = 0
    public var segments = 0
    /// Passed over, since their statistics say that they hold no event of these times.
    public var segmentsPassedOver = 0
    public var rowGroups = 0
    public var rowGroupsPassedOver = 0
    /// Of `records`, those of the log: what is not archived yet.
    public var logRecords = 0
}

/// The events behind a row, in (partition, offset) order: a page of them, and counts of all.
///
///     row = the view's SELECT over { e | fate(e) is batch or live }
///
/// where `stopped` is nil, `late` is not counted among them, and no estimate is in the row.
public struct ExplainedEvents: Sendable {
    public var page: [ExplainedEvent] = []
    /// More events come behind the page's last one.
    public var hasMore = false
    /// Of all events behind the row, not of the page.
    public var counts: [ExplainedEvent.Fate: Int] = [:]
    public var reading = ExplanationReading()
    /// Nil: everything was looked at.
    public var stopped: ExplanationStop?
    /// Where it stopped: nothing from there on was looked at.
    public var stoppedAt: LogPlace?
    /// False where the log does not say which events were late (`liveOrLate`).
    public var knowsLate = true

    /// Joined tables that are not what the published run looked events up in: the events were looked up in the tables of now.
    public var changedTables: [String] = []

    /// Of the events that make the row, those that are live; nil where there is none, or not all is known.
    public var liveShare: Double? {
        stopped == nil && knowsLate && counted > 0 ? Double(count(.live)) / Double(counted) : nil
    }

    public func count(_ fate: ExplainedEvent.Fate) -> Int { counts[fate] ?? 0 }
    /// Those that make the row.
    public var counted: Int { count(.batch) + count(.live) }
}
