/// Which row of a view: its window and its group columns, as the state tables have them. A session is named by its first and its last event.
public struct RowKey: Hashable, Sendable {
    /// The window's start (microseconds); nil: the view has none.
    public var window: Int64?
    /// Of a session, its last event (microseconds); nil for windows that stand still.
    public var sessionLast: Int64?
    /// One a group column: text that PostgreSQL's input function of the column's type takes; nil: null.
    public var groups: [String?]

    public init(window: Int64? = nil, sessionLast: Int64? = nil, groups: [String?] = []) {
        self.window = window
        self.sessionLast = sessionLast
        self.groups = groups
    }
}

extension Plan {
    /// Event times among which are all that belong to the row; nil: any time.
    public func eventTimes(of key: RowKey) -> Range<Int64>? {
        guard let kind = window?.kind, let start = key.window else { return nil }
        if kind.sessionGap != nil, let last = key.sessionLast { return start..<(last == .max ? last : last + 1) }
        return kind.eventTimes(ofWindow: start)
    }
}
