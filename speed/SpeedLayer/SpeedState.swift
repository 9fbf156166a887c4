import Operators
import ParallaxCore
import ViewLanguage

/// One source's speed layer in one worker: what it has read and not yet written. Decides; whoever holds it reads, writes and looks at clocks.
///
///     in memory = the records of [committed, next) of every partition, all in one slice
///
/// A flush takes everything at once. Where it fails, this state is thrown away and a new one begins at the positions that the catalog has: nothing
/// is ever written a second time from memory.
///
/// Can become: clean (nothing in memory) ⇄ dirty, by `receive` and `takeFlush` + `flushed`.
public struct SpeedState: ~Copyable {
    public let source: SourceDefinition
    public let rules: SpeedRules
    /// How records are to be decoded: the source as it is now, then those of its earlier forms that a view version was compiled for. (When a
    /// source changes, the old versions of its views go on until the new ones are published.)
    public private(set) var schemas: [SourceDefinition]
    /// In ascending order.
    public private(set) var partitions: [PartitionState] = []

    /// One entry a schema, but for the first.
    private var others: [OtherForm] = []
    private var views: [TrackedView] = []
    private var tally = RejectionTally()
    private var rows = ClassifiedRows()
    private var lastFlushAt: Duration

    public init(source: SourceDefinition, rules: SpeedRules, now: Duration) {
        self.source = source
        schemas = [source]
        self.rules = rules
        // The first record after a quiet time need not wait.
        lastFlushAt = now - rules.flushInterval
    }

    /// The slice of everything in memory; nil while there is no partition, or while they stand in different ones.
    public var slice: SliceNumber? {
        guard let first = partitions.first?.slice else { return nil }
        return partitions.allSatisfy { $0.slice == first } ? first : nil
    }

    public var isDirty: Bool { partitions.contains { $0.isDirty } }
    public var isCaughtUp: Bool { partitions.allSatisfy { $0.isCaughtUp } }
    public var records: Int64 { partitions.reduce(0) { $0 + $1.counts.records } }
    public var groups: Int { views.reduce(0) { $0 + $1.aggregator.groupCount + $1.late.count } }
    public var bytes: Int { views.reduce(0) { $0 + $1.aggregator.approximateBytes } }

    public mutating func join(_ position: PartitionPosition, earliest: Offset, now: Duration) {
        precondition(!partitions.contains { $0.partition == position.partition }, "partition \(position.partition) joined twice")
        partitions.append(PartitionState(position, source: source, rules: rules, earliest: earliest, now: now))
        partitions.sort { $0.partition < $1.partition }
    }

    /// Gives a partition up whose records have all been written.
    public mutating func leave(_ partition: Partition) {
        precondition(
            !partitions.contains { $0.partition == partition && $0.isDirty }, "partition \(partition) leaves with records in memory")
        partitions.removeAll { $0.partition == partition }
        for index in others.indices { others[index].forget(partition) }
    }

    /// The view versions from the next record on. Those that begin with a later slice wait for it.
    ///
    /// - Parameter dimensions: the tables that they join; `useDimensions` changes them later.
    public mutating func setViews(_ wanted: [SpeedView], dimensions: Dimensions = .none) {
        precondition(!isDirty, "views change with records in memory")
        guard let slice else { return }
        let kept = views
        let tracked = wanted.filter { $0.firstSlice <= slice }.sorted { $0.id < $1.id }
        schemas = [source]
        for view in tracked where !schemas.contains(where: { $0.decodesLike(view.plan.source) }) { schemas.append(view.plan.source) }
        let known = others
        others = schemas.dropFirst().map { schema in
            known.first { $0.source.decodesLike(schema) } ?? OtherForm(schema, duplicateHorizon: rules.duplicateHorizon)
        }
        views = tracked.map { view in
            // Found: it has just been put there.
            let schema = schemas.firstIndex { $0.decodesLike(view.plan.source) } ?? 0
            return kept.first { $0.view == view && $0.schema == schema } ?? TrackedView(view, schema: schema, dimensions: dimensions)
        }
    }

    /// Another version of the tables that views join, from the next record on: also within a slice, since what is in memory are counts and sums.
    public func useDimensions(_ dimensions: Dimensions) {
        for view in views where dimensions.serves(view.view.plan) { view.aggregator.use(dimensions) }
    }

    /// Where a partition is to be read next, and how many records of it; nil where nothing may be read now.
    public func nextRead(_ index: Int) -> (partition: Partition, from: Offset, maxRecords: Int)? {
        guard slice != nil, limitReached == nil else { return nil }
        let room = Int64(rules.limits.recordsPerFlush) - records
        return (partitions[index].partition, partitions[index].reading, Int(min(Int64(rules.limits.recordsPerRead), room)))
    }

    /// What the log holds in the place of a record that it was known by: then it is another log, and the batch is not to be received.
    public func contradiction(in records: RecordBatch) -> (expected: LogWitness, found: LogWitness)? {
        partitions.first { $0.partition == records.partition }?.contradiction(in: records)
    }

    /// Takes a batch that was read as `nextRead` said.
    ///
    /// - Parameters:
    ///   - decoded: the records, one batch for each of `schemas`, in their order. The first decides what is an event, but for the views of
    ///     another form (see `OtherForm`).
    ///   - arrivedAt: when they were read, by the worker's own clock: no record was appended later, whatever it says.
    public mutating func receive(_ records: RecordBatch, _ decoded: [EventBatch], now: Duration, arrivedAt: Instant) {
        precondition(decoded.count == schemas.count, "\(decoded.count) batches for \(schemas.count) schemas")
        let events = decoded[0]
        guard let index = partitions.firstIndex(where: { $0.partition == records.partition }) else {
            preconditionFailure("a batch of partition \(records.partition), which is not here")
        }
        precondition(slice != nil, "a batch while partitions stand in different slices")
        partitions[index].receive(events, end: records.nextOffset, source: source, now: now, arrivedAt: arrivedAt, rows: &rows)
        partitions[index].note(records.lastWitness)
        if !events.rejections.isEmpty {
            tally.add(events.rejections, view: "", from: rows.firstNewRow, of: records, limits: rules.limits)
        }
        for other in others.indices {
            others[other].receive(decoded[other + 1], now: rows, lateBefore: partitions[index].lateBefore)
        }
        for index in views.indices {
            let schema = views[index].schema
            let classified = schema == 0 ? rows : others[schema - 1].rows
            views[index].add(decoded[schema], records, classified, &tally, rules.limits)
            if schema > 0, views[index].view.countsRejections {
                tally.add(
                    others[schema - 1].rejections, view: views[index].view.name, from: classified.firstNewRow, of: records,
                    limits: rules.limits)
            }
        }
    }

    public mutating func skipWarmUp(_ partition: Partition, to earliest: Offset) {
        for index in partitions.indices where partitions[index].partition == partition { partitions[index].skipWarmUp(to: earliest) }
    }

    private var limitReached: FlushReason? {
        if groups >= rules.limits.groupsPerFlush { return .groups }
        if records >= Int64(rules.limits.recordsPerFlush) { return .records }
        if bytes >= rules.limits.bytesPerFlush { return .bytes }
        return nil
    }

    /// Why a flush is due now, or nil.
    ///
    /// - Parameters:
    ///   - requested: the newest slice that anyone asked for, as far as is known.
    ///   - isUrgent: somebody waits until everything in the log is written.
    public func flushReason(now: Duration, requested: SliceNumber?, isUrgent: Bool) -> FlushReason? {
        guard !partitions.isEmpty else { return nil }
        guard let slice else { return .slicesDiffer }
        if let requested, requested > slice { return .sliceRequested }
        if let limitReached { return limitReached }
        let isDue = now - lastFlushAt >= rules.flushInterval
        if isDirty {
            if isDue { return .interval }
            if isUrgent && isCaughtUp { return .caughtUp }
        }
        if isDue && partitions.contains(where: { $0.isIdle != $0.isCommittedIdle }) { return .idle }
        return nil
    }

    /// Everything in memory. Before anything else, `flushed` is called, or the state is thrown away.
    public mutating func takeFlush() -> SpeedFlush? {
        guard let lowest = partitions.map(\.slice).min() else { return nil }
        let moves = partitions.map { partition in
            return SpeedFlush.Move(
                partition: partition.partition, slice: partition.slice, from: partition.committed, to: partition.next,
                eventTimes: partition.eventTimes, newestAppendedAt: partition.newestAppendedAt, isIdle: partition.isIdle,
                counts: partition.counts, leftOut: partition.leftOut, witness: partition.isWarmingUp ? nil : partition.witness)
        }
        let dirty = partitions.first { $0.isDirty }
        let flush = SpeedFlush(
            slice: dirty?.slice ?? lowest,
            deltas: views.map { view in
                SpeedFlush.Delta(
                    view: view.view, rows: view.aggregator.takeRows(),
                    late: view.late.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
            },
            moves: moves, rejected: tally.counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, samples: tally.samples)
        precondition(moves.allSatisfy { $0.from == $0.to || $0.slice == flush.slice }, "records of two slices in memory")
        tally = RejectionTally()
        for index in views.indices { views[index].late.removeAll(keepingCapacity: true) }
        return flush
    }

    /// The flush is committed, and all partitions stand at the begin of what comes next in `slice`.
    public mutating func flushed(_ flush: SpeedFlush, slice: SliceNumber, now: Duration) {
        for move in flush.moves {
            guard let index = partitions.firstIndex(where: { $0.partition == move.partition }) else { continue }
            partitions[index].flushed(slice: slice, isIdle: move.isIdle)
        }
        lastFlushAt = now
    }
}
