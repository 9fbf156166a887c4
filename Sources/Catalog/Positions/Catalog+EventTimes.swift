import ParallaxCore
import Postgres
import ViewLanguage

/// What is derived from event times: positions' newest ones, the watermark, what retention is counted from. All of it belongs to one definition of them, and
/// begins anew with another.
extension SourceDefinition {
    /// Equal as long as a record has the same event time, and the same clock vouches for it. The column's name does not matter.
    public var eventTimeForm: String {
        let column = columns[eventTimeColumn]
        let value = column.missingValue.map { "\($0)" } ?? ""
        let clock = appendTime == .record ? "" : " \(appendTime.rawValue)"
        return "\(column.fieldPath) \(column.type.sqlName) \(column.format?.rawValue ?? "") \(value)\(clock)"
    }
}

extension Catalog {
    /// In the place of a definition's: it is nobody's.
    public static let resetEventTimeForm = "reset"

    /// Inside a transaction that holds the source's flushes: forgets how far event times have got. What a worker has read and not written is read again
    /// (the epoch grows), since it was classified by what is forgotten.
    func forgetEventTimes(ofSource id: SourceID) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.partition_position
            SET max_event_time = NULL, leading_event_time = NULL, reads_history = false, epoch = epoch + 1 WHERE source_id = $1
            """, [.source(id)])
        try connection.query("UPDATE parallax.watermark SET watermark = NULL WHERE source_id = $1", [.source(id)])
        // Closed windows are open again.
        try recordChange(source: id, .reset)
    }

    /// For a watermark that wrong clocks have moved: it begins anew with the next record, and what retention is counted from with the next run, which
    /// looks at the whole archive. Rows that left come back with that run.
    ///
    /// - Returns: the watermark as it was.
    @discardableResult
    public func resetWatermark(source: CatalogSource) throws(ParallaxError) -> Instant? {
        try changing("the watermark was not reset") { () throws(ParallaxError) in
            try lockSource(source.id)
            try holdFlushes(ofSource: source.id)
            let before = try connection.query(
                "SELECT \(Self.micros("watermark")) FROM parallax.watermark WHERE source_id = $1", [.source(source.id)]
            ).rows.first?.optionalInstant(0)
            try forgetEventTimes(ofSource: source.id)
            // Whatever run comes next begins anew. Also after one that is under way, or held: it has begun with what is forgotten.
            let forgotten = "newest_event_time = NULL, leading_event_time = NULL, event_time_form = '\(Self.resetEventTimeForm)'"
            try connection.query("UPDATE parallax.publication SET \(forgotten) WHERE source_id = $1", [.source(source.id)])
            try connection.query(
                "UPDATE parallax.run SET \(forgotten) WHERE source_id = $1 AND state <> ALL ($2::text[])",
                [.source(source.id), .texts([RunState.published, .failed, .reverted, .discarded].map(\.rawValue))])
            return before
        }
    }
}
