import ParallaxCore
import Postgres

/// What made answers other than they were: one row of `parallax.change` each, under a number of its source.
///
///     a snapshot that contains change n contains all changes of the source below n
///
/// The number is taken by the last statement of the transaction that makes the change, in a row that stays locked until the commit: numbers become visible in their
/// order. Nothing but the end of a transaction waits there.
///
/// Not promised: that numbers follow one another without a hole. They jump to the clock's microseconds, so that none is given twice where a crash took
/// back the last flushes (which do not wait for the disk), or a standby or a backup takes over.
enum ChangeKind: String {
    case flush, publication, revert
    /// Another version of a view is served, and no run has been published.
    case definition
    /// Any row may be another: whoever follows begins anew.
    case reset
}

public struct ChangeLimits: Sendable {
    /// A source's changes that are kept where no run comes that would take them away: at two flushes a second, 14 hours; about 20 MB.
    public static let changesPerSource = 100_000
    /// A speed worker looks at that limit once in so many of its flushes.
    public static let flushesBetweenLooks = 1_000
}

extension Catalog {
    /// Last statements of a flush's transaction: the source's watermark, from all its partitions, and the flush's number. Idle partitions do not hold the
    /// watermark back; with all of them idle the furthest counts. It never goes back.
    ///
    /// - Parameter versions: those whose rows it has touched; their views hear of it.
    public func recordFlush(source id: SourceID, outOfOrderness: Int64, versions: [VersionID]) throws(ParallaxError) {
        try record(
            id, .flush,
            moved: """
                UPDATE parallax.watermark w SET change = \(Self.nextChange), watermark_before = w.watermark,
                    watermark = greatest(w.watermark, n.t - $3::bigint * interval '1 microsecond')
                FROM (SELECT CASE WHEN bool_and(is_idle) THEN max(max_event_time)
                                  WHEN bool_or(max_event_time IS NULL AND NOT is_idle) THEN NULL
                                  ELSE min(max_event_time) FILTER (WHERE NOT is_idle) END AS t
                      FROM parallax.partition_position WHERE source_id = $1) n
                """, hears: "w.active_version_id = ANY ($4::bigint[])", [.int(outOfOrderness), .versions(versions)])
    }

    /// Last statement of a transaction that makes any other change.
    func recordChange(source id: SourceID, _ kind: ChangeKind) throws(ParallaxError) {
        let followedFrom = kind == .reset ? ", followed_from = \(Self.nextChange)" : ""
        try record(
            id, kind,
            moved: "UPDATE parallax.watermark w SET change = \(Self.nextChange), watermark_before = w.watermark\(followedFrom)",
            hears: "true", [])
        guard kind != .flush, kind != .reset else { return }
        // A view's other version has other rows.
        try connection.query(
            """
            UPDATE parallax.view SET followed_version_id = active_version_id,
                followed_from = (SELECT change FROM parallax.watermark WHERE source_id = $1)
            WHERE source_id = $1 AND followed_version_id IS DISTINCT FROM active_version_id
            """, [.source(id)])
    }

    /// Twice the same in one statement.
    private static let nextChange = "greatest(w.change + 1, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)"

    /// - Parameters:
    ///   - moved: an UPDATE of `parallax.watermark w`, without its WHERE.
    ///   - hears: condition over `parallax.view w`, a served one.
    private func record(
        _ id: SourceID, _ kind: ChangeKind, moved: String, hears: String, _ parameters: [Parameter]
    ) throws(ParallaxError) {
        // The statement below sees what was committed before it began: it begins when the row is ours.
        try connection.query("SELECT FROM parallax.watermark WHERE source_id = $1 FOR UPDATE", [.source(id)])
        try connection.query(
            """
            WITH moved AS (\(moved) WHERE w.source_id = $1 RETURNING w.source_id, w.change, w.watermark, w.watermark_before),
            kept AS (
                INSERT INTO parallax.change (source_id, change, kind, flushed_by, run, slice, cut_watermark, run_before, slice_before,
                                             cut_watermark_before, watermark, watermark_before)
                SELECT m.source_id, m.change, $2::text, pg_current_xact_id(), p.run, p.slice, p.cut_watermark,
                       CASE WHEN $2::text IN ('publication', 'revert') THEN p.run_before END,
                       CASE WHEN $2::text IN ('publication', 'revert') THEN p.slice_before END,
                       CASE WHEN $2::text IN ('publication', 'revert') THEN p.cut_watermark_before END, m.watermark, m.watermark_before
                FROM moved m JOIN parallax.published p USING (source_id))
            SELECT (SELECT count(pg_notify(parallax.channel('serving', w.name), json_build_object(
                        'view', w.name, 'kind', $2::text, 'change', m.change, 'run', p.run, 'slice', p.slice, 'watermark', m.watermark)::text))
                    FROM parallax.view w WHERE w.source_id = m.source_id AND w.active_version_id IS NOT NULL AND \(hears)),
                   pg_notify(parallax.channel('parallax', s.name), json_build_object(
                        'source', s.name, 'kind', $2::text, 'change', m.change, 'run', p.run, 'slice', p.slice, 'watermark', m.watermark)::text)
            FROM moved m JOIN parallax.source s USING (source_id) JOIN parallax.published p USING (source_id)
            """, [.source(id), .text(kind.rawValue)] + parameters)
    }

    /// Batch rows that an erased run had go: what a revert changed cannot be told any more. Inside the transaction that erases them.
    func followNoMore(beforeRevertsOf id: SourceID) throws(ParallaxError) {
        try followNoMore(
            id, before: "SELECT max(c.change) FROM parallax.change c WHERE c.source_id = $1 AND c.kind = 'revert'", [])
    }

    /// Before rows go that the publication of a run, and none after it, has replaced.
    func followNoMore(before run: RunNumber, source id: SourceID) throws(ParallaxError) {
        try followNoMore(
            id,
            before: """
                SELECT max(c.change) FROM parallax.change c
                WHERE c.source_id = $1 AND c.kind IN ('publication', 'revert') AND c.run <= $2
                """, [.int(run.rawValue)])
        try forgetChanges(ofSource: id)
    }

    /// Keeps the newest changes of a source, up to the limit. Outside a transaction.
    public func limitChanges(ofSource id: SourceID, keep: Int = ChangeLimits.changesPerSource) throws(ParallaxError) {
        try followNoMore(
            id, before: "SELECT c.change FROM parallax.change c WHERE c.source_id = $1 ORDER BY c.change DESC OFFSET $2 LIMIT 1",
            [.int(Int64(keep))])
        try forgetChanges(ofSource: id)
    }

    /// A database that was restored: batch rows may be older than what followers have.
    public func resetChanges() throws(ParallaxError) {
        for source in try sourceIDs() { try recordChange(source: source, .reset) }
    }

    private func followNoMore(_ id: SourceID, before change: String, _ parameters: [Parameter]) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.watermark w SET followed_from = n.change FROM (SELECT (\(change)) AS change) n
            WHERE w.source_id = $1 AND n.change > w.followed_from
            """, [.source(id)] + parameters)
    }

    private func forgetChanges(ofSource id: SourceID) throws(ParallaxError) {
        try connection.query(
            """
            WITH gone AS (
                DELETE FROM parallax.change c USING parallax.watermark w
                WHERE c.source_id = $1 AND w.source_id = $1 AND c.change <= w.followed_from RETURNING c.flushed_by)
            DELETE FROM parallax.flushed_window f USING gone
            WHERE f.flushed_by = gone.flushed_by
              AND f.version_id IN (SELECT v.version_id FROM parallax.view_version v JOIN parallax.view w USING (view_id) WHERE w.source_id = $1)
            """, [.source(id)])
        try connection.execute(
            "DELETE FROM parallax.flushed_window f WHERE NOT EXISTS (SELECT FROM parallax.view_version v WHERE v.version_id = f.version_id)"
        )
    }
}
