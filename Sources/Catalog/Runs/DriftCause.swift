/// Why rows of the two layers differ, and how many do by it.
public struct DriftCause: Sendable, Codable, Hashable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// Events that came too late for the live rows.
        case late
        /// Copies of an event that the speed layer no longer remembered: the live rows counted it again.
        case duplicate
        /// Records that were no event as the source was declared when the speed layer read them.
        case healed
        /// An estimate of the live rows, as far off as it may be.
        case sketch
        /// An estimate of the live rows that is further off than it promises.
        case sketchBeyondBound = "sketch_beyond_bound"
        /// A table that the view joins has changed since the live rows were made.
        case table
        /// The source has another form than the base's rows were computed in.
        case source
        /// Records that were given up since, or are there again.
        case history
        /// The layers rejected other records.
        case rejected
        /// What the speed layer left out was not written down, or not all of it.
        case notRecorded = "not_recorded"
        case unknown

        /// For people.
        public var words: String {
            switch self {
            case .late: "late events"
            case .duplicate: "duplicates outside the horizon"
            case .healed: "records that a changed schema heals"
            case .sketch: "estimates within their bound"
            case .sketchBeyondBound: "estimates beyond their bound"
            case .table: "a joined table that changed"
            case .source: "a source that changed"
            case .history: "records given up, or found again"
            case .rejected: "records that only one layer rejected"
            case .notRecorded: "not recorded"
            case .unknown: "unknown"
            }
        }
    }

    public var cause: Kind
    /// Rows whose difference it is; a row with several causes counts for the first. So the rows of all causes add up to the rows that differ.
    public var groups: Int64
    /// Records that it is counted by, once for each window that they are in; nil where it is not counted by records.
    public var records: Int64?

    public init(cause: Kind, groups: Int64, records: Int64? = nil) {
        self.cause = cause
        self.groups = groups
        self.records = records
    }
}
