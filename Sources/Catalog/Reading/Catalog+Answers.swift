import ParallaxCore
import Postgres
import ViewLanguage

/// A view in `serving` as it is now: what one statement tells, so that whatever is known of it can be kept as long as this stays the same.
public struct ServedStamp: Hashable, Sendable {
    public var relation: Int64
    /// Changes when the view's text does.
    public var rule: String
    /// Of a merged view; nil: one of the pipeline's own views on top.
    public var version: VersionID?
}

public struct ServedColumn: Hashable, Sendable {
    public var name: String
    /// As PostgreSQL writes it, with its modifier.
    public var type: String
    public var typeID: UInt32
}

/// Of one source: what is in answers of now.
public struct SourceFrontier: Sendable, Hashable {
    public struct Part: Sendable, Hashable {
        public var partition: Partition
        /// Batch rows hold the offsets below it; nil before the first publication.
        public var cut: Offset?
        /// Live rows hold the offsets up to it.
        public var nextOffset: Offset
        /// In no answer before the next publication.
        public var waitingRecords: Int64
        public var lateWaiting: Int64
        /// Lost, and given up by a person.
        public var givenUpOffsets: Int64
    }

    public var id: SourceID
    public var name: String
    public var run: RunNumber
    public var slice: SliceNumber
    public var publishedAt: Instant?
    public var watermark: Instant?
    public var newestAppendedAt: Instant?
    /// How old an answer may be at most: nothing where a living worker has said that nothing new comes; else since workers last said anything. Nil where nobody
    /// ever looked.
    public var staleness: Duration?
    /// The server's clock.
    public var now: Instant
    public var parts: [Part]
    public var gaps: [AcceptedGap] = []

    public var freshness: Duration? {
        newestAppendedAt.map { .microseconds(max(0, now.rawValue - $0.rawValue)) }
    }
}

extension Catalog {
    /// The names in `serving` that Parallax made, with what they are. Without the changes of views, which are asked in another way.
    public func servedStamps(named name: String? = nil, until deadline: ContinuousClock.Instant? = nil) throws(ParallaxError) -> [(
        name: String, stamp: ServedStamp
    )] {
        try connection.queryPrepared(
            """
            SELECT c.relname, c.oid::bigint, r.xmin::text, w.active_version_id
            FROM parallax.serving_view o
            JOIN pg_catalog.pg_class c ON c.relnamespace = 'serving'::regnamespace AND c.relname = o.name AND c.relkind = 'v'
            JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
            LEFT JOIN parallax.view w ON w.name = o.name
            WHERE ($1::text IS NULL OR o.name = $1)
              AND NOT EXISTS (SELECT FROM parallax.view x WHERE o.name = x.name || '_changes')
            ORDER BY o.name
            """, [name.map { .text($0) } ?? .null], until: deadline
        ).rows.map { row throws(ParallaxError) in
            let version = try row.optionalInt(3).map { VersionID($0) }
            return (try row.text(0), ServedStamp(relation: try row.int(1), rule: try row.text(2), version: version))
        }
    }

    public func servedColumns(_ stamp: ServedStamp, until deadline: ContinuousClock.Instant? = nil) throws(ParallaxError) -> [ServedColumn]
    {
        try connection.queryPrepared(
            """
            SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.atttypid::bigint
            FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """, [.int(stamp.relation)], until: deadline
        ).rows.map { row throws(ParallaxError) in
            ServedColumn(name: try row.text(0), type: try row.text(1), typeID: UInt32(truncatingIfNeeded: try row.int(2)))
        }
    }

    /// The merged views that a view reads, over any number of levels; itself where it is one.
    public func mergedViews(readBy stamp: ServedStamp, until deadline: ContinuousClock.Instant? = nil) throws(ParallaxError) -> [(
        name: String, source: SourceID, version: VersionID
    )] {
        try connection.queryPrepared(
            """
            WITH RECURSIVE found (oid) AS (
                SELECT $1::bigint::oid
                UNION
                SELECT c.oid FROM found f
                JOIN pg_catalog.pg_rewrite r ON r.ev_class = f.oid
                JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
                JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind = 'v')
            SELECT w.name, w.source_id, w.active_version_id
            FROM found f JOIN pg_catalog.pg_class c ON c.oid = f.oid AND c.relnamespace = 'serving'::regnamespace
            JOIN parallax.view w ON w.name = c.relname AND w.active_version_id IS NOT NULL ORDER BY w.name
            """, [.int(stamp.relation)], until: deadline
        ).rows.map { row throws(ParallaxError) in (try row.text(0), try row.source(1), try row.version(2)) }
    }

    /// The text of one of the pipeline's own views; nil where there is none.
    public func overlayText(_ name: String, until deadline: ContinuousClock.Instant? = nil) throws(ParallaxError) -> String? {
        try connection.queryPrepared("SELECT select_text FROM parallax.overlay WHERE name = $1", [.text(name)], until: deadline).rows.first
            .map { row throws(ParallaxError) in try row.text(0) }
    }

    /// Of the given sources, by name. In a snapshot with the rows, it is the rows' own.
    public func frontiers(ofSources ids: [SourceID], until deadline: ContinuousClock.Instant? = nil) throws(ParallaxError)
        -> [SourceFrontier]
    {
        let rows = try connection.queryPrepared(
            """
            SELECT s.source_id, s.name, f.run, f.slice, \(Self.micros("k.published_at")), \(Self.micros("f.watermark")),
                   \(Self.micros("clock_timestamp()")), f.partition, f.cut, f.next_offset, f.waiting_records, f.late_waiting, f.given_up_offsets,
                   \(Self.micros("f.newest_appended_at")),
                   CASE WHEN p.next_offset < p.log_end THEN \(Self.micros("p.newest_appended_at")) END,
                   \(Self.ownerLives) AND p.is_idle, \(Self.micros("p.flushed_at"))
            FROM parallax.source s
            JOIN parallax.frontier f ON f.source = s.name
            JOIN parallax.partition_position p ON p.source_id = s.source_id AND p.partition = f.partition
            LEFT JOIN parallax.publication k ON k.source_id = s.source_id AND k.run_id = f.run
            WHERE s.source_id = ANY ($1::integer[]) ORDER BY s.name, f.partition
            """, [.ints(ids.map(\.rawValue))], until: deadline
        ).rows
        var found: [SourceFrontier] = []
        for row in rows {
            let (id, now) = (try row.source(0), try row.instant(6))
            if found.last?.id != id {
                found.append(
                    SourceFrontier(
                        id: id, name: try row.text(1), run: try row.run(2), slice: try row.slice(3),
                        publishedAt: try row.optionalInstant(4),
                        watermark: try row.optionalInstant(5), newestAppendedAt: nil, staleness: .zero, now: now, parts: []))
            }
            let last = found.count - 1
            found[last].parts.append(
                SourceFrontier.Part(
                    partition: try row.partition(7), cut: try row.optionalInt(8).map { Offset($0) }, nextOffset: try row.offset(9),
                    waitingRecords: try row.int(10), lateWaiting: try row.int(11), givenUpOffsets: try row.int(12)))
            let appended = try row.optionalInstant(13)
            found[last].newestAppendedAt = [found[last].newestAppendedAt, appended].compactMap(\.self).max()
            // What a partition may lack: what is behind its newest record where the log has more, and what came since somebody last looked where nobody
            // is known to look now. A worker that has just taken a partition has not looked yet, and one in the midst of records says at each flush where it is.
            var oldest = try row.optionalInstant(14)
            if try !row.bool(15) {
                guard let looked = try row.optionalInstant(16) else {
                    found[last].staleness = nil
                    continue
                }
                oldest = min(oldest ?? looked, looked)
            }
            if let oldest, let staleness = found[last].staleness {
                found[last].staleness = max(staleness, .microseconds(max(0, now.rawValue - oldest.rawValue)))
            }
        }
        for index in found.indices where found[index].parts.contains(where: { $0.givenUpOffsets > 0 }) {
            found[index].gaps = try acceptedGaps(source: found[index].id, until: deadline)
        }
        return found
    }

    /// A publication that is kept, and what it was; nil for one that is not (any more).
    public func keptPublication(source: SourceID, run: RunNumber) throws(ParallaxError) -> Published? {
        try connection.queryPrepared(
            "SELECT run_id, slice FROM parallax.publication WHERE source_id = $1 AND run_id = $2", [.source(source), .int(run.rawValue)]
        ).rows.first.map { row throws(ParallaxError) in Published(run: try row.run(0), slice: try row.slice(1)) }
    }

    /// One version, by its number; nil where there is none (any more).
    public func version(_ id: VersionID, until deadline: ContinuousClock.Instant? = nil) throws(ParallaxError) -> ViewVersion? {
        try connection.queryPrepared(Self.versionsSQL + " WHERE v.version_id = $1", [.version(id)], until: deadline).rows.first.map {
            row throws(ParallaxError) in try viewVersion(row)
        }
    }
}
