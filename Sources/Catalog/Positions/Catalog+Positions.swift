import MergeLaw
import ParallaxCore
import Postgres

/// A partition that this worker may write for, as long as nobody has taken it over.
public struct PartitionLease: Sendable, Hashable {
    public var sourceID: SourceID
    public var partition: Partition
    public var epoch: LeaseEpoch
    public var nextOffset: Offset
    public var slice: SliceNumber
    /// Newest confirmed event time, before out-of-orderness is taken off; nil before there is one.
    public var maxEventTime: Instant?
    /// A record below `nextOffset` that the log must hold there, if it still holds that offset.
    public var witness: LogWitness?
    /// The rest of what the watermark's rule goes on from.
    public var leadingEventTime: Instant?
    public var readsHistory: Bool
}

/// What a flush writes to a partition's position row.
public struct PartitionProgress: Sendable {
    public var nextOffset: Offset
    public var slice: SliceNumber
    public var maxEventTime: Instant?
    public var leadingEventTime: Instant?
    public var readsHistory: Bool
    public var isIdle: Bool
    public var newestAppendedAt: Instant?
    public var logEnd: Offset
    /// Added by this flush.
    public var events: Int64
    public var late: Int64
    public var duplicates: Int64
    /// The newest record below `nextOffset`; nil: none since the last flush.
    public var witness: LogWitness?
    public init(
        nextOffset: Offset, slice: SliceNumber, maxEventTime: Instant?, leadingEventTime: Instant? = nil, readsHistory: Bool = false,
        isIdle: Bool, newestAppendedAt: Instant?, logEnd: Offset, events: Int64, late: Int64, duplicates: Int64, witness: LogWitness? = nil
    ) {
        self.nextOffset = nextOffset
        self.slice = slice
        self.maxEventTime = maxEventTime
        self.leadingEventTime = leadingEventTime
        self.readsHistory = readsHistory
        self.isIdle = isIdle
        self.newestAppendedAt = newestAppendedAt
        self.logEnd = logEnd
        self.events = events
        self.late = late
        self.duplicates = duplicates
        self.witness = witness
    }
}

/// A worker's name in the catalog: a UUID in text, made by the process that runs it.
public struct WorkerID: Hashable, Sendable {
    public var text: String
    public init(_ text: String) { self.text = text }
}

extension Catalog {
    /// `InstantSQL`, for statements.
    public static func instant(_ parameter: String) -> String { InstantSQL.instant(parameter) }
    public static func micros(_ column: String) -> String { InstantSQL.microseconds(column) }

    /// Takes every partition of the source that nobody holds: no owner, or one that is dead (see Catalog+Sessions). With `stealing`, also those that
    /// somebody holds: the old owner's next flush is fenced. Partitions come back at the slice that was asked for last: where a slice began while
    /// nobody owned the partition, its boundary is written here.
    ///
    /// Partitions that this very worker holds are taken anew (after a lost connection it does not know what it has), but for those in
    /// `except`. A partition whose row somebody has locked is passed over: see `endDeadSessions`. One transaction of its own.
    public func acquirePartitions(
        source id: SourceID, worker: WorkerID, lease: Duration, stealing: Bool = false, except: [Partition] = []
    ) throws(ParallaxError) -> [PartitionLease] {
        let session = try sessionNumber()
        return try connection.transaction { () throws(ParallaxError) in
            let rows = try connection.query(
                """
                WITH free AS (
                    SELECT p.source_id, p.partition FROM parallax.partition_position p
                    WHERE p.source_id = $1 AND p.partition <> ALL ($5::bigint[]) AND ($4 OR p.owner = $2::uuid OR NOT \(Self.ownerLives))
                    ORDER BY p.partition FOR UPDATE OF p SKIP LOCKED)
                UPDATE parallax.partition_position p SET epoch = epoch + 1, owner = $2::uuid, owner_session = $3, is_idle = false
                FROM free WHERE p.source_id = free.source_id AND p.partition = free.partition
                RETURNING p.partition, p.epoch, p.next_offset, p.slice, \(Self.micros("p.max_event_time")),
                          \(Self.micros("p.leading_event_time")), p.reads_history, p.witness_offset, p.witness_appended_at, p.witness_digest
                """, [.source(id), .text(worker.text), .int(session), .bool(stealing), .ints(except.map { Int64($0.rawValue) })]
            ).rows
            guard !rows.isEmpty else { return [] }
            // An owner is alive from the first moment on.
            try connection.query(
                """
                INSERT INTO parallax.worker (worker_id, layer, host, pid, session, alive_until)
                VALUES ($1::uuid, 'speed', '', 0, $2, clock_timestamp() + $3::double precision * interval '1 second')
                ON CONFLICT (worker_id) DO UPDATE
                SET session = excluded.session, alive_until = greatest(worker.alive_until, excluded.alive_until)
                """, [.text(worker.text), .int(session), .double(lease.inSeconds)])
            let requested = try requestedSlice(source: id)
            var leases: [PartitionLease] = []
            for row in rows {
                var lease = try PartitionLease(
                    sourceID: id, partition: row.partition(0), epoch: row.epoch(1), nextOffset: row.offset(2),
                    slice: row.slice(3), maxEventTime: row.optionalInstant(4),
                    witness: Self.witness(row, at: 7),
                    leadingEventTime: row.optionalInstant(5), readsHistory: row.bool(6))
                if lease.slice < requested {
                    try closeSlices(source: id, partition: lease.partition, from: lease.slice, through: requested, at: lease.nextOffset)
                    try connection.query(
                        "UPDATE parallax.partition_position SET slice = $3 WHERE source_id = $1 AND partition = $2",
                        [.source(id), .int(Int64(lease.partition.rawValue)), .int(requested.rawValue)])
                    lease.slice = requested
                }
                leases.append(lease)
            }
            return leases.sorted { $0.partition < $1.partition }
        }
    }

    public func requestedSlice(source id: SourceID) throws(ParallaxError) -> SliceNumber {
        let result = try connection.query("SELECT requested_slice FROM parallax.source WHERE source_id = $1", [.source(id)])
        guard let row = result.rows.first else { throw Self.sourceIsGone(id) }
        return try row.slice(0)
    }

    /// First statement of a flush, inside its transaction: locks the position rows (in partition order, so that workers cannot
    /// deadlock) and throws `.fenced` where one belongs to somebody else or stands elsewhere than this worker believes.
    public func lockForFlush(_ leases: [PartitionLease]) throws(ParallaxError) {
        guard let source = leases.first?.sourceID else { return }
        let rows = try connection.query(
            """
            SELECT partition, epoch, next_offset, slice FROM parallax.partition_position
            WHERE source_id = $1 AND partition = ANY ($2::bigint[]) ORDER BY partition FOR UPDATE
            """, [.source(source), .ints(leases.map { Int64($0.partition.rawValue) })]
        ).rows
        var stored: [Partition: (epoch: LeaseEpoch, nextOffset: Offset, slice: SliceNumber)] = [:]
        for row in rows { stored[try row.partition(0)] = (try row.epoch(1), try row.offset(2), try row.slice(3)) }
        for lease in leases {
            let found = stored[lease.partition]
            guard let found, found == (lease.epoch, lease.nextOffset, lease.slice) else {
                let there = found.map { "epoch \($0.epoch) at offset \($0.nextOffset), slice \($0.slice)" } ?? "no such partition"
                throw ParallaxError(
                    .fenced, "partition \(lease.partition) belongs to another worker now: this flush was not written",
                    detail: "epoch \(lease.epoch) at offset \(lease.nextOffset), slice \(lease.slice); "
                        + "the catalog has \(there)")
            }
        }
    }

    /// Inside a flush's transaction, after `lockForFlush`: the new position.
    public func advance(_ lease: PartitionLease, to progress: PartitionProgress) throws(ParallaxError) {
        let changed = try connection.query(
            """
            UPDATE parallax.partition_position
            SET next_offset = $4, slice = $5, is_idle = $6, log_end = $7,
                max_event_time = greatest(max_event_time, \(Self.instant("$8"))), leading_event_time = \(Self.instant("$13")),
                reads_history = $14, newest_appended_at = greatest(newest_appended_at, \(Self.instant("$9"))),
                events = events + $10, late = late + $11, duplicates = duplicates + $12, flushed_at = clock_timestamp(),
                witness_offset = coalesce($15, witness_offset), witness_appended_at = coalesce($16, witness_appended_at),
                witness_digest = coalesce($17, witness_digest)
            WHERE source_id = $1 AND partition = $2 AND epoch = $3
            """,
            [
                .source(lease.sourceID), .int(Int64(lease.partition.rawValue)), .epoch(lease.epoch), .int(progress.nextOffset.rawValue),
                .int(progress.slice.rawValue), .bool(progress.isIdle), .int(progress.logEnd.rawValue),
                progress.maxEventTime.map { .int($0.rawValue) } ?? .null, progress.newestAppendedAt.map { .int($0.rawValue) } ?? .null,
                .int(progress.events), .int(progress.late), .int(progress.duplicates),
                progress.leadingEventTime.map { .int($0.rawValue) } ?? .null, .bool(progress.readsHistory),
                progress.witness.map { .int($0.offset.rawValue) } ?? .null, progress.witness.map { .int($0.appendedAt.rawValue) } ?? .null,
                progress.witness.map { .int($0.digest) } ?? .null,
            ]
        ).affectedRows
        guard changed == 1 else {
            throw ParallaxError(.fenced, "partition \(lease.partition) belongs to another worker now: this flush was not written")
        }
    }

    /// Inside the transaction that holds the position row, after it was moved on: records from `offset` on belong to slice `through`. Slices in between are empty
    /// in this partition. `processedUntil` is less than `offset` only where a run skips what the speed layer has not read.
    public func closeSlices(
        source id: SourceID, partition: Partition, from slice: SliceNumber, through last: SliceNumber, at offset: Offset,
        processedUntil: Offset? = nil
    ) throws(ParallaxError) {
        guard slice < last else { return }
        try connection.query(
            """
            INSERT INTO parallax.boundary (source_id, slice, partition, first_offset, processed_until, late)
            SELECT $1, s, $2, $5, CASE WHEN s = $3::bigint + 1 THEN $6::bigint ELSE $5::bigint END,
                   (SELECT p.late FROM parallax.partition_position p WHERE (p.source_id, p.partition) = ($1, $2))
            FROM generate_series($3::bigint + 1, $4::bigint) s
            """,
            [
                .source(id), .int(Int64(partition.rawValue)), .int(slice.rawValue), .int(last.rawValue), .int(offset.rawValue),
                .int((processedUntil ?? offset).rawValue),
            ])
    }

    /// The partitions of the source that this worker still owns, with their epochs. Locks nothing.
    public func heldPartitions(source id: SourceID, worker: WorkerID) throws(ParallaxError) -> [Partition: LeaseEpoch] {
        let rows = try connection.query(
            "SELECT partition, epoch FROM parallax.partition_position WHERE source_id = $1 AND owner = $2::uuid",
            [.source(id), .text(worker.text)]
        ).rows
        var epochs: [Partition: LeaseEpoch] = [:]
        for row in rows { epochs[try row.partition(0)] = try row.epoch(1) }
        return epochs
    }

    /// Gives this worker's partitions back, so that the next one need not wait.
    public func releasePartitions(worker: WorkerID) throws(ParallaxError) {
        try connection.query(
            """
            WITH mine AS (SELECT source_id, partition FROM parallax.partition_position WHERE owner = $1::uuid
                          ORDER BY source_id, partition FOR UPDATE)
            UPDATE parallax.partition_position p
            SET \(Self.unowned)
            FROM mine WHERE (p.source_id, p.partition) = (mine.source_id, mine.partition)
            """, [.text(worker.text)])
        try forgetWorker(worker)
    }
}
