import ParallaxCore
import Postgres
import ViewLanguage

/// What a run asks about its base, and what it writes down of what it found.
extension Catalog {
    /// The cut of what was published; empty where nothing was.
    public func cut(of published: Published, source id: SourceID) throws(ParallaxError) -> Cut {
        guard published.run != .none else { return Cut() }
        let rows = try connection.query(
            """
            SELECT c.key, c.value FROM parallax.publication p, jsonb_each_text(p.cut) c
            WHERE p.source_id = $1 AND p.run_id = $2
            """, [.source(id), .int(published.run.rawValue)]
        ).rows
        var cut = Cut()
        for row in rows { cut[try row.partition(0)] = try row.offset(1) }
        return cut
    }

    /// What a run found about event times below a cut.
    public struct EventTimes: Hashable, Sendable {
        /// The newest event time that another event confirms; nil where there is none, or nobody has looked.
        public var newest: Instant?
        /// The newest of all.
        public var leader: Instant?
        /// What retention is counted from; nil where there is nothing to count from.
        public var cutWatermark: Instant?
        /// The definition of event times that all of it belongs to; nil for a publication of an older version.
        public var form: String?

        public init(newest: Instant? = nil, leader: Instant? = nil, cutWatermark: Instant? = nil, form: String? = nil) {
            self.newest = newest
            self.leader = leader
            self.cutWatermark = cutWatermark
            self.form = form
        }
    }

    /// The event times that the publication has seen; empty where nobody has looked.
    public func eventTimes(of base: Published, source id: SourceID) throws(ParallaxError) -> EventTimes {
        let row = try connection.query(
            """
            SELECT \(Self.micros("newest_event_time")), \(Self.micros("leading_event_time")), \(Self.micros("cut_watermark")), event_time_form
            FROM parallax.publication WHERE source_id = $1 AND run_id = $2
            """, [.source(id), .int(base.run.rawValue)]
        ).rows.first
        guard let row else { return EventTimes() }
        return try EventTimes(
            newest: row.optionalInstant(0), leader: row.optionalInstant(1), cutWatermark: row.optionalInstant(2), form: row[3])
    }

    /// Where they were reset since the run began, only what its rows were cut by is kept: the next run begins anew all the same.
    public func setEventTimes(_ run: CatalogRun, _ times: EventTimes) throws(ParallaxError) {
        func value(_ time: Instant?) -> Parameter { time.map { .int($0.rawValue) } ?? .null }
        try connection.query(
            """
            UPDATE parallax.run SET cut_watermark = \(Self.instant("$4")),
                newest_event_time = CASE event_time_form WHEN '\(Self.resetEventTimeForm)' THEN NULL ELSE \(Self.instant("$2")) END,
                leading_event_time = CASE event_time_form WHEN '\(Self.resetEventTimeForm)' THEN NULL ELSE \(Self.instant("$3")) END,
                event_time_form = CASE event_time_form WHEN '\(Self.resetEventTimeForm)' THEN event_time_form ELSE $5 END
            WHERE run_id = $1
            """,
            [
                .int(run.number.rawValue), value(times.newest), value(times.leader), value(times.cutWatermark),
                times.form.map { .text($0) } ?? .null,
            ])
    }

    /// Whether the base's rows were computed under another form of the source. A publication from before forms were kept says nothing, and
    /// is taken to be of this one.
    public func hasChanged(_ source: SourceDefinition, since base: Published, source id: SourceID) throws(ParallaxError) -> Bool {
        let form = try connection.query(
            "SELECT source_form FROM parallax.publication WHERE source_id = $1 AND run_id = $2", [.source(id), .int(base.run.rawValue)]
        ).rows.first?[0]
        return form.map { $0 != source.form } ?? false
    }

    /// Whether a person has given up records below the base's cut since its rows were computed, or has them again. A publication from before that
    /// was kept says nothing: where anything is given up below its cut, it is taken to have changed.
    ///
    /// - Parameter gaps: the archive's: those are what rows are computed without. The catalog also has those that were taken back since.
    public func historyHasChanged(since base: Published, source id: SourceID, _ gaps: [AcceptedGap]) throws(ParallaxError) -> Bool {
        guard base.run != .none else { return false }
        let now = Self.givenUp(gaps, below: try cut(of: base, source: id))
        return try givenUp(by: base.run, source: id).map { $0 != now } ?? !now.isEmpty
    }

    /// What a publication that is kept was computed without; nil for one from before that was written down.
    func givenUp(by run: RunNumber, source id: SourceID) throws(ParallaxError) -> String? {
        try connection.query(
            "SELECT given_up FROM parallax.publication WHERE source_id = $1 AND run_id = $2", [.source(id), .int(run.rawValue)]
        ).rows.first?[0]
    }

    public func setGivenUp(_ run: CatalogRun, _ gaps: [AcceptedGap], below cut: Cut) throws(ParallaxError) {
        try connection.query(
            "UPDATE parallax.run SET given_up = $2 WHERE run_id = $1",
            [.int(run.number.rawValue), .text(Self.givenUp(gaps, below: cut))])
    }

    /// Events below the publication's cut, each once, that its rows were computed from: at least so many. Nil where nobody has counted them.
    public func inputEvents(of base: Published, source id: SourceID) throws(ParallaxError) -> Int64? {
        try connection.query(
            "SELECT input_events FROM parallax.publication WHERE source_id = $1 AND run_id = $2", [.source(id), .int(base.run.rawValue)]
        ).rows.first?.optionalInt(0)
    }

    public func setInputEvents(_ run: CatalogRun, _ count: Int64?) throws(ParallaxError) {
        try connection.query(
            "UPDATE parallax.run SET input_events = $2 WHERE run_id = $1", [.int(run.number.rawValue), count.map { .int($0) } ?? .null])
    }

    /// The slice in which each partition's next record will be, in partition order.
    public func slices(ofSource id: SourceID) throws(ParallaxError) -> [(Partition, SliceNumber)] {
        try connection.query(
            "SELECT partition, slice FROM parallax.partition_position WHERE source_id = $1 ORDER BY partition", [.source(id)]
        ).rows.map { row throws(ParallaxError) in (try row.partition(0), try row.slice(1)) }
    }

    /// Who holds the partitions, for people.
    public func owners(source id: SourceID, of partitions: [Partition]) throws(ParallaxError) -> String {
        try connection.query(
            """
            SELECT format('partition %s at offset %s, slice %s: %s', p.partition, p.next_offset, p.slice,
                          coalesce('worker ' || p.owner || coalesce(' (' || w.host || ', process ' || w.pid || ')', '')
                                   || ', last flush ' || coalesce(p.flushed_at::text, 'never'), 'nobody'))
            FROM parallax.partition_position p LEFT JOIN parallax.worker w ON w.worker_id = p.owner
            WHERE p.source_id = $1 AND p.partition = ANY ($2::bigint[]) ORDER BY p.partition
            """, [.source(id), .ints(partitions.map { Int64($0.rawValue) })]
        ).texts(0).joined(separator: "\n")
    }

    /// Event time below which the speed layer takes nothing any more, in any partition: windows that end at or before it
    /// can only change through a batch run. Nil where a partition has seen no event yet and so would take any.
    public func sketchHorizon(of source: CatalogSource) throws(ParallaxError) -> Instant? {
        let row = try connection.query(
            """
            SELECT CASE WHEN bool_and(max_event_time IS NOT NULL) THEN \(Self.micros("min(max_event_time)")) END
            FROM parallax.partition_position WHERE source_id = $1
            """, [.source(source.id)]
        ).rows[0]
        return try row.optionalInstant(0)?.earlier(by: source.definition.outOfOrderness)?.earlier(by: source.definition.lateness)
    }

    /// Records between the base's cut and the run's that are in no speed row.
    public func skippedRecords(of run: CatalogRun) throws(ParallaxError) -> Int64 {
        // One jump may have closed several slices; each then carries the same two offsets.
        try connection.query(
            """
            SELECT coalesce(sum(first_offset - processed_until), 0)::bigint
            FROM (SELECT DISTINCT partition, first_offset, processed_until FROM parallax.boundary
                  WHERE source_id = $1 AND slice > $2 AND slice <= $3) b
            """, [.source(run.sourceID), .int(run.base.slice.rawValue), .int(run.slice.rawValue)]
        ).rows[0].int(0)
    }

    /// Per partition, the offset below which everything is archived and processed by the speed layer.
    public func archivedAndProcessed(source id: SourceID) throws(ParallaxError) -> [(Partition, archived: Offset, processed: Offset)] {
        try connection.query(
            "SELECT partition, archived_offset, next_offset FROM parallax.partition_position WHERE source_id = $1 ORDER BY partition",
            [.source(id)]
        ).rows.map { row throws(ParallaxError) in
            (try row.partition(0), archived: try row.offset(1), processed: try row.offset(2))
        }
    }

    /// Rejected records below a run's cut, by view (empty: the record is no event) and reason.
    public func rejections(ofRun run: RunNumber, source id: SourceID) throws(ParallaxError) -> [(view: String, reason: String, count: Int)]
    {
        try connection.query(
            "SELECT view_name, reason, rejected FROM parallax.rejected_batch WHERE source_id = $1 AND run_id = $2",
            [.source(id), .int(run.rawValue)]
        ).rows.map { row throws(ParallaxError) in (try row.text(0), try row.text(1), Int(try row.int(2))) }
    }

    /// Inside the staging transaction.
    public func recordRejection(_ run: CatalogRun, view: String, reason: String, count: Int) throws(ParallaxError) {
        try connection.query(
            "INSERT INTO parallax.rejected_batch (source_id, run_id, view_name, reason, rejected) VALUES ($1, $2, $3, $4, $5)",
            [.source(run.sourceID), .int(run.number.rawValue), .text(view), .text(reason), .int(Int64(count))])
    }

    /// Records below the publication's cut that are no event.
    public func rejectedRecords(of base: Published, source id: SourceID) throws(ParallaxError) -> Int64 {
        try connection.query(
            "SELECT coalesce(sum(rejected), 0)::bigint FROM parallax.rejected_batch WHERE source_id = $1 AND run_id = $2 AND view_name = ''",
            [.source(id), .int(base.run.rawValue)]
        ).rows[0].int(0)
    }
}
