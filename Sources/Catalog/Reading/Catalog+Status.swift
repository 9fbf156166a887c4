import Foundation
import ParallaxCore
import Postgres
import ViewLanguage

/// A source as people ask about it: how far each layer is, what is published, what is missing from the answers.
public struct SourceStatus: Sendable {
    public struct Position: Sendable {
        public var partition: Partition
        /// The speed layer has processed the offsets below this one.
        public var nextOffset: Offset
        public var slice: SliceNumber
        /// The log's end when the owner last looked.
        public var logEnd: Offset
        public var archivedOffset: Offset
        public var events: Int64
        public var late: Int64
        public var duplicates: Int64
        /// True while a live worker owns the partition.
        public var isOwned: Bool
        public var isIdle: Bool
        /// Append time of the newest record that is in the live views.
        public var newestAppendedAt: Instant?
        public var flushedAt: Instant?
    }

    public struct View: Sendable {
        public var name: String
        /// The version that is served; nil until the first run has published one.
        public var activeHash: String?
        /// A newer version that waits: for its first run, or for a person.
        public var waitingHash: String?
        /// It waits for a person to promote it.
        public var isHeld = false
        /// The published run has its rows.
        public var isComputed = false
        /// Why the newer version is not served though a run has computed it: something of others stands on the view.
        public var obstacle: String?

        /// The next run has something to do for it, whatever the log says.
        public var needsRun: Bool { activeHash == nil || (waitingHash != nil && !(isHeld && isComputed)) }
    }

    public struct Rejected: Sendable {
        /// Empty: the record is no event. Else the view that could not take it.
        public var view: String
        public var reason: String
        public var count: Int64
    }

    /// Offsets that no speed row holds, because a run took the boundary further on for a speed layer that was down, and that no publication
    /// covers yet: they are in no answer.
    public struct Hole: Sendable {
        public var partition: Partition
        public var offsets: Range<Offset>
    }

    /// Why the speed layer does not read on.
    public struct Problem: Sendable, Hashable {
        public var partitions: [Partition]
        public var error: ParallaxError
        public init(partitions: [Partition], error: ParallaxError) {
            self.partitions = partitions
            self.error = error
        }
    }

    public var source: CatalogSource
    public var positions: [Position]
    public var views: [View]
    public var watermark: Instant?
    public var publishedAt: Instant?
    public var cut: Cut
    public var rejected: [Rejected]
    public var holes: [Hole]
    /// What the log lost and a person gave up.
    public var givenUp: [AcceptedGap]
    /// Those that the published rows were computed without: they are in no answer, for good. What was read of the others before may still be counted, in live
    /// rows or in rows of before the decision, until the next run is published.
    public var leftOut: Set<AcceptedGap> = []
    /// The speed workers' connections to a log behind a network.
    public var logClients: [LogClientStatus]
    /// The server's clock.
    public var now: Instant
    /// Late events that wait for a run: each once, whatever the number of views.
    public var lateWaiting: Int64
    /// Published rows were computed when the source had another form: the next run computes all of history again.
    public var hasChanged = false
    /// As the workers said them last.
    public var problems: [Problem] = []
    /// A run whose drift exceeds a view's max_drift, and why it is held.
    public var heldRun: (number: RunNumber, reason: String)?
}

/// One row of `parallax.run`.
public struct RunStatus: Sendable {
    public var number: RunNumber
    public var source: String
    public var isFull: Bool
    /// A `RunState`'s raw value.
    public var state: String
    public var slice: SliceNumber
    public var base: Published
    /// JSON; nil before the cut was complete.
    public var cutJSON: String?
    public var startedAt: Instant
    public var finishedAt: Instant?
    /// JSON.
    public var statisticsJSON: String
    public var error: String?
    /// Why it is, or was, held.
    public var heldReason: String?
    public var isPublished: Bool
    public var isKept: Bool
    /// How its publication was taken back.
    public var reversal: Reversal?
    /// Its state says that it is under way, and no session works for it: its process died. Whoever changes the source next ends it in the records.
    public var isInterrupted = false

    /// One revert takes back all publications behind the one that it goes to.
    public struct Reversal: Sendable, Hashable {
        public var at: Instant
        /// As the audit names the caller; nil where no person decided.
        public var by: String?
        /// The run that was published then.
        public var from: RunNumber
        /// The run whose publication is shown since.
        public var to: RunNumber

        /// For people.
        public var text: String { "reverted \(at.text)\(by.map { " by \($0)" } ?? ""): from run \(from) back to run \(to)" }

        public var json: JSONText {
            .object([
                ("at", .string(at.text)), ("by", .optional(by)), ("from_run", .int(from.rawValue)), ("to_run", .int(to.rawValue)),
            ])
        }
    }

    /// For people.
    public var stateText: String { isPublished ? "published, current" : isInterrupted ? "interrupted (\(state))" : state }
}

/// One row of `parallax.drift`.
public struct DriftStatus: Sendable {
    public var view: String
    public var drift: OutputDrift
    /// The speed layer had rows to compare; nil for runs from before it was kept.
    public var hasLiveRows: Bool?
}

extension Catalog {
    /// Whatever version the control tables have.
    public func hasSources() throws(ParallaxError) -> Bool {
        try connection.query("SELECT EXISTS (SELECT FROM parallax.source)").rows[0].bool(0)
    }

    /// False where nothing was ever applied to this database.
    public func isMigrated() throws(ParallaxError) -> Bool {
        try connection.query("SELECT to_regclass('parallax.migration') IS NOT NULL").rows[0].bool(0)
    }

    /// All sources, by name. Call it in one REPEATABLE READ transaction where the parts must fit together.
    public func status() throws(ParallaxError) -> [SourceStatus] {
        var all: [SourceStatus] = []
        for source in try sources() {
            all.append(
                SourceStatus(
                    source: source, positions: try positions(ofSource: source.id), views: try viewStatus(ofSource: source.id),
                    watermark: nil, publishedAt: nil, cut: Cut(), rejected: try rejections(ofSource: source.name),
                    holes: try holes(ofSource: source), givenUp: try acceptedGaps(source: source.id),
                    logClients: try logClients(source: source.id), now: Instant(microseconds: 0),
                    lateWaiting: 0))
            let row = try connection.query(
                """
                SELECT \(Self.micros("clock_timestamp()")), (SELECT \(Self.micros("watermark")) FROM parallax.watermark WHERE source_id = $1),
                       \(Self.micros("p.published_at")), p.cut,
                       (SELECT coalesce(sum(f.late_waiting), 0)::bigint FROM parallax.frontier f WHERE f.source = $3), p.source_form, p.given_up
                FROM (SELECT 1) one LEFT JOIN parallax.publication p ON p.source_id = $1 AND p.run_id = $2
                """, [.source(source.id), .int(source.published.run.rawValue), .text(source.name)]
            ).rows[0]
            let last = all.count - 1
            all[last].now = try row.instant(0)
            all[last].watermark = try row.optionalInstant(1)
            all[last].publishedAt = try row.optionalInstant(2)
            all[last].cut = try row[3].map { text throws(ParallaxError) in try Self.cut(json: text) } ?? Cut()
            all[last].heldRun = try heldRun(ofSource: source.id)
            all[last].problems = try problems(ofSource: source.id)
            all[last].lateWaiting = try row.int(4)
            all[last].leftOut = Self.leftOut(all[last].givenUp, by: row[6])
            all[last].hasChanged = row[5].map { $0 != source.definition.form } ?? false
        }
        return all
    }

    private func positions(ofSource id: SourceID) throws(ParallaxError) -> [SourceStatus.Position] {
        try connection.query(
            """
            SELECT p.partition, p.next_offset, p.slice, p.log_end, p.archived_offset, p.events, p.late, p.duplicates,
                   \(Self.ownerLives),
                   p.is_idle, \(Self.micros("p.newest_appended_at")), \(Self.micros("p.flushed_at"))
            FROM parallax.partition_position p WHERE p.source_id = $1 ORDER BY p.partition
            """, [.source(id)]
        ).rows.map { row throws(ParallaxError) in
            try SourceStatus.Position(
                partition: row.partition(0), nextOffset: row.offset(1), slice: row.slice(2), logEnd: row.offset(3),
                archivedOffset: row.offset(4),
                events: row.int(5), late: row.int(6), duplicates: row.int(7), isOwned: row.bool(8), isIdle: row.bool(9),
                newestAppendedAt: row.optionalInstant(10), flushedAt: row.optionalInstant(11))
        }
    }

    private func viewStatus(ofSource id: SourceID) throws(ParallaxError) -> [SourceStatus.View] {
        try connection.query(
            """
            SELECT w.name, a.hash, n.hash, coalesce(n.is_held, false), coalesce(n.first_run <= p.run, false), n.obstacle
            FROM parallax.view w JOIN parallax.published p USING (source_id)
            LEFT JOIN parallax.view_version a ON a.version_id = w.active_version_id
            LEFT JOIN LATERAL (SELECT v.hash, v.is_held, v.first_run, v.obstacle FROM parallax.view_version v
                               WHERE v.view_id = w.view_id AND v.version_id > coalesce(w.active_version_id, 0)
                               ORDER BY v.version_id DESC LIMIT 1) n ON true
            WHERE w.source_id = $1 ORDER BY w.name
            """, [.source(id)]
        ).rows.map { row throws(ParallaxError) in
            try SourceStatus.View(
                name: row.text(0), activeHash: row[1], waitingHash: row[2], isHeld: row.bool(3), isComputed: row.bool(4), obstacle: row[5])
        }
    }

    private func holes(ofSource source: CatalogSource) throws(ParallaxError) -> [SourceStatus.Hole] {
        try connection.query(
            """
            SELECT DISTINCT partition, processed_until, first_offset FROM parallax.boundary
            WHERE source_id = $1 AND slice > $2 AND processed_until < first_offset ORDER BY partition, processed_until
            """, [.source(source.id), .int(source.published.slice.rawValue)]
        ).rows.map { row throws(ParallaxError) in
            let (first, next) = (try row.offset(1), try row.offset(2))
            return SourceStatus.Hole(partition: try row.partition(0), offsets: first..<next)
        }
    }

    /// Newest first; `number` nil: the newest `limit`.
    public func runs(source: String? = nil, number: RunNumber? = nil, limit: Int = 20) throws(ParallaxError) -> [RunStatus] {
        try connection.query(
            """
            SELECT r.run_id, s.name, r.is_full, r.state, r.slice, r.base_run, r.base_slice, r.cut, \(Self.micros("r.started_at")),
                   \(Self.micros("r.finished_at")), r.statistics, r.error, r.held_reason, p.run = r.run_id,
                   EXISTS (SELECT 1 FROM parallax.publication k WHERE k.source_id = r.source_id AND k.run_id = r.run_id),
                   r.state IN ('requested', 'archiving', 'computing', 'staged') AND NOT (
                       s.active_run IS NOT DISTINCT FROM r.run_id AND \(Self.isClaimed("r.source_id"))),
                   \(Self.micros("r.reverted_at")), r.reverted_by, r.reverted_from, r.reverted_to
            FROM parallax.run r JOIN parallax.source s USING (source_id) JOIN parallax.published p USING (source_id)
            WHERE ($1::text IS NULL OR s.name = $1) AND ($2::bigint IS NULL OR r.run_id = $2)
            ORDER BY r.run_id DESC LIMIT $3
            """, [source.map { .text($0) } ?? .null, number.map { .int($0.rawValue) } ?? .null, .int(Int64(limit))]
        ).rows.map { row throws(ParallaxError) in
            try RunStatus(
                number: row.run(0), source: row.text(1), isFull: row.bool(2), state: row.text(3),
                slice: row.slice(4), base: Published(run: row.run(5), slice: row.slice(6)), cutJSON: row[7], startedAt: row.instant(8),
                finishedAt: row.optionalInstant(9), statisticsJSON: row.text(10), error: row[11], heldReason: row[12],
                isPublished: row.bool(13), isKept: row.bool(14),
                // Of a run that an older version reverted nothing is known.
                reversal: row.optionalInstant(16).map { at throws(ParallaxError) in
                    RunStatus.Reversal(at: at, by: row[17], from: try row.run(18), to: try row.run(19))
                }, isInterrupted: row.bool(15))
        }
    }

    /// What a run found the merged views to have been off by.
    ///
    /// - Parameter version: of one version only.
    public func drift(run: RunNumber, version: VersionID? = nil) throws(ParallaxError) -> [DriftStatus] {
        try connection.query(
            """
            SELECT w.name, d.output, d.groups, d.differing, d.only_merged, d.only_batch, d.merged_total, d.batch_total, d.max_difference,
                   d.share, d.has_live_rows, d.mean_difference, d.p99_difference, d.max_relative, d.mean_relative, d.p99_relative, d.windows,
                   d.differing_windows
            FROM parallax.drift d JOIN parallax.view_version v USING (version_id) JOIN parallax.view w USING (view_id)
            WHERE d.run_id = $1 AND ($2::integer IS NULL OR d.version_id = $2) ORDER BY w.name, v.version_id, d.output
            """, [.int(run.rawValue), version.map { .version($0) } ?? .null]
        ).rows.map { row throws(ParallaxError) in
            var drift = try OutputDrift(
                output: row.text(1), groups: row.int(2), differing: row.int(3), onlyMerged: row.int(4), onlyBatch: row.int(5),
                mergedTotal: row.optionalDouble(6), batchTotal: row.optionalDouble(7), maxDifference: row.optionalDouble(8),
                share: row.optionalDouble(9))
            drift.meanDifference = try row.optionalDouble(11)
            drift.p99Difference = try row.optionalDouble(12)
            drift.maxRelative = try row.optionalDouble(13)
            drift.meanRelative = try row.optionalDouble(14)
            drift.p99Relative = try row.optionalDouble(15)
            drift.windows = try row.optionalInt(16)
            drift.differingWindows = try row.optionalInt(17)
            return DriftStatus(view: try row.text(0), drift: drift, hasLiveRows: try row.optionalBool(10))
        }
    }

    static func cut(json: String) throws(ParallaxError) -> Cut {
        let stored: [String: Int64]
        do {
            stored = try JSONDecoder().decode([String: Int64].self, from: Data(json.utf8))
        } catch {
            throw ParallaxError(.corrupt, "a cut in parallax.publication cannot be read: \(json)", detail: "\(error)")
        }
        var cut = Cut()
        for (partition, offset) in stored {
            if let number = Int32(partition) { cut[Partition(rawValue: number)] = Offset(offset) }
        }
        return cut
    }
}
