import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// Offsets of one partition whose records are live rows of one slice.
public struct LiveSlice: Sendable, Hashable {
    public var slice: SliceNumber
    public var partition: Partition
    public var offsets: Range<Offset>
    /// The offsets behind them that no live row holds: a run took the position over them, and is not published.
    public var unread: Range<Offset>
}

/// What a row consists of, in the caller's snapshot.
extension Catalog {
    /// The slices that live rows come from, by partition: from the published cut up to what the speed layer has processed.
    public func liveSlices(
        of frontier: SourceFrontier, until deadline: ContinuousClock.Instant? = nil
    ) throws(ParallaxError) -> [LiveSlice] {
        let rows = try connection.queryPrepared(
            """
            SELECT partition, slice, processed_until, first_offset FROM parallax.boundary
            WHERE source_id = $1 AND slice > $2 ORDER BY partition, slice
            """, [.source(frontier.id), .int(frontier.slice.rawValue)], until: deadline
        ).rows
        var slices: [LiveSlice] = []
        for part in frontier.parts {
            var (slice, first) = (frontier.slice, part.cut ?? .zero)
            for row in rows where try row.partition(0) == part.partition {
                let (processed, next) = (try row.offset(2), try row.offset(3))
                slices.append(
                    LiveSlice(
                        slice: slice, partition: part.partition, offsets: first..<max(first, processed),
                        unread: max(first, processed)..<max(first, next)))
                (slice, first) = (try row.slice(1), max(first, next))
            }
            let end = max(first, part.nextOffset)
            slices.append(LiveSlice(slice: slice, partition: part.partition, offsets: first..<end, unread: end..<end))
        }
        return slices
    }

    /// How many events the speed layer left out as late in slices at or above one, where such an event may belong to the row: by window start (of sessions
    /// by atom), in microseconds; `Plan.noWindow` for a view without windows.
    public func lateEvents(
        of version: ViewVersion, from slice: SliceNumber, reaching key: RowKey, until deadline: ContinuousClock.Instant? = nil
    ) throws(ParallaxError) -> [Int64: Int64] {
        let condition =
            switch version.plan.window?.kind {
            case nil: "true"
            case .session(let gap): SessionSQL.mayReach(atom: "t.window_start", row: "k", gap: gap)
            case .tumbling, .hopping, .calendar: "t.window_start = k.window_start"
            }
        let rows = try connection.queryPrepared(
            """
            SELECT CASE WHEN isfinite(t.window_start) THEN \(Self.micros("t.window_start")) END, sum(t.late)::bigint
            FROM parallax.touched_window t, (SELECT \(Self.instant("$3")) AS window_start, \(Self.instant("$4")) AS session_last) k
            WHERE t.version_id = $1 AND t.slice >= $2 AND t.late > 0 AND \(condition) GROUP BY 1
            """,
            [
                .version(version.id), .int(slice.rawValue), key.window.map { .int($0) } ?? .null, key.sessionLast.map { .int($0) } ?? .null,
            ], until: deadline
        ).rows
        var late: [Int64: Int64] = [:]
        for row in rows { late[try row.optionalInt(0) ?? Plan.noWindow] = try row.int(1) }
        return late
    }
}
