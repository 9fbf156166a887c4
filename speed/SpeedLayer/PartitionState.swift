import Columns
import Operators
import ParallaxCore
import ViewLanguage

/// What the speed layer knows of one partition that it owns.
///
///     committed ≤ next          [committed, next) is in memory and enters the next flush
///     reading < next            the duplicate horizon is being warmed up; else reading = next
public struct PartitionState: Sendable {
    public let partition: Partition
    /// The slice that records from `committed` on belong to.
    public private(set) var slice: SliceNumber
    public private(set) var committed: Offset
    public private(set) var next: Offset
    /// Where to read on.
    public private(set) var reading: Offset
    /// What the records in [committed, next) were.
    public private(set) var counts = RecordCounts()
    /// Those of them that are in no view.
    public private(set) var leftOut = LeftOutRecords()
    public private(set) var newestAppendedAt: Instant?
    /// The newest record that was read.
    public private(set) var witness: LogWitness?
    /// A record that the log must hold, if it still holds that offset. Nil once it was passed: it was there, or no record is.
    private var expected: LogWitness?
    public var eventTimes: WatermarkTracker.State { watermark.state }

    /// Events of before (microseconds) are late.
    var lateBefore: Int64 { watermark.lateBefore }

    /// Had nothing new for `idleAfter`: it does not hold the source's watermark back.
    public private(set) var isIdle = false
    /// As in the position row.
    public private(set) var isCommittedIdle = false
    /// The last read found the log's end.
    public private(set) var isCaughtUp = false
    private var lastNewAt: Duration
    private let idleAfter: Duration
    private let believesAppendTimes: Bool

    private var watermark: WatermarkTracker
    private var horizon: DuplicateHorizon

    /// - Parameters:
    ///   - position: as committed by whoever had the partition before.
    ///   - earliest: the first offset that the log still holds.
    ///   - now: the worker's clock.
    public init(
        _ position: PartitionPosition, source: SourceDefinition, rules: SpeedRules, earliest: Offset, now: Duration
    ) {
        partition = position.partition
        slice = position.slice
        committed = position.next
        next = position.next
        // Reading begins no later than at the record that the log is known by: so it is compared on the way, before anything new is read.
        expected = position.witness.flatMap { $0.offset >= earliest && $0.offset < position.next ? $0 : nil }
        let horizonStart = Offset(max(0, position.next.rawValue - rules.duplicateHorizon))
        let start = max(min(horizonStart, expected?.offset ?? horizonStart), earliest)
        reading = min(start, position.next)
        lastNewAt = now
        idleAfter = rules.idleAfter
        believesAppendTimes = source.appendTime == .record
        watermark = WatermarkTracker(
            outOfOrderness: source.outOfOrderness, lateness: source.lateness, maxFutureSkew: rules.maxFutureSkew,
            state: position.eventTimes)
        horizon = DuplicateHorizon(length: rules.duplicateHorizon)
    }

    public var isWarmingUp: Bool { reading < next }
    /// Records in memory that no flush has written.
    public var isDirty: Bool { committed < next }

    /// What stands in the place of the record that the log was known by, if the batch shows that. It is to be asked before `receive`.
    func contradiction(in records: RecordBatch) -> (expected: LogWitness, found: LogWitness)? {
        guard let expected, let found = records.contradiction(of: expected) else { return nil }
        return (expected, found)
    }

    /// Keeps the newest record of a batch that went through `receive`.
    mutating func note(_ newest: LogWitness?) {
        if let newest { witness = newest }
        if let expected, reading > expected.offset { self.expected = nil }
    }

    /// Decides about each row of a batch that was read from `reading` on.
    ///
    /// - Parameters:
    ///   - end: the first offset that the batch has not looked at.
    ///   - arrivedAt: when it was read, by the worker's own clock.
    mutating func receive(
        _ batch: EventBatch, end: Offset, source: SourceDefinition, now: Duration, arrivedAt: Instant, rows: inout ClassifiedRows
    ) {
        precondition(batch.partition == partition && end >= reading, "a batch of partition \(batch.partition) up to \(end) at \(reading)")
        rows.reset(capacity: batch.count)
        let count = batch.count
        while rows.firstNewRow < count && batch.offsets[rows.firstNewRow] < next.rawValue {
            let row = rows.firstNewRow
            if batch.isRejected[row] == 0 { _ = horizon.insert(batch.identities[row], at: batch.offsets[row]) }
            rows.firstNewRow += 1
        }
        if count > rows.firstNewRow {
            guard let column = batch.columns[source.eventTimeColumn], case .int64(let eventTimes) = column.storage else {
                preconditionFailure("the event time of \(source.name) was not decoded")
            }
            classify(batch, eventTimes, arrivedAt.rawValue, &rows)
            isIdle = false
            lastNewAt = now
        }
        reading = end
        isCaughtUp = batch.count == 0 && end >= next
        if end > next { next = end }
        if isCaughtUp && now - lastNewAt >= idleAfter { isIdle = true }
    }

    private mutating func classify(_ batch: EventBatch, _ eventTimes: [Int64], _ arrivedAt: Int64, _ rows: inout ClassifiedRows) {
        var newest = newestAppendedAt?.rawValue ?? .min
        for row in rows.firstNewRow..<batch.count {
            let appendedAt = believesAppendTimes ? batch.appendedAt[row] : EventBatch.noAppendTime
            // What claims to come from the future must not make the answers look fresh for ever.
            newest = max(newest, EventBatch.vouchingClock(appendedAt: appendedAt, arrivedAt: arrivedAt))
            guard batch.isRejected[row] == 0 else {
                counts.rejected += 1
                leftOut.add(batch.offsets[row], as: .rejected)
                continue
            }
            let isDuplicate = horizon.insert(batch.identities[row], at: batch.offsets[row])
            let isLate = !isDuplicate && watermark.isLate(eventTime: eventTimes[row], appendedAt: appendedAt, arrivedAt: arrivedAt)
            switch RecordClass(isRejected: false, isDuplicate: isDuplicate, isLate: isLate) {
            case .rejected: counts.rejected += 1
            case .duplicate:
                counts.duplicates += 1
                leftOut.add(batch.offsets[row], as: .duplicate)
            case .late:
                counts.late += 1
                leftOut.add(batch.offsets[row], as: .late)
                rows.late.append(Int32(truncatingIfNeeded: row))
            case .event:
                counts.events += 1
                rows.events.append(Int32(truncatingIfNeeded: row))
            }
        }
        newestAppendedAt = Instant(microseconds: newest)
    }

    /// The flush that took everything below `next` is committed.
    mutating func flushed(slice newSlice: SliceNumber, isIdle wasIdle: Bool) {
        committed = next
        slice = newSlice
        isCommittedIdle = wasIdle
        counts = RecordCounts()
        leftOut = LeftOutRecords()
    }

    /// Where to go on reading after records below `earliest` went away; those that are missing are missing from the horizon only.
    mutating func skipWarmUp(to earliest: Offset) {
        reading = min(max(reading, earliest), next)
        if let expected, earliest > expected.offset { self.expected = nil }
    }
}

/// A partition's position as the catalog has it.
public struct PartitionPosition: Hashable, Sendable {
    public var partition: Partition
    public var slice: SliceNumber
    public var next: Offset
    public var eventTimes: WatermarkTracker.State
    /// A record below `next` that the log is known by.
    public var witness: LogWitness?
    public init(
        partition: Partition, slice: SliceNumber, next: Offset, eventTimes: WatermarkTracker.State, witness: LogWitness? = nil
    ) {
        self.partition = partition
        self.slice = slice
        self.next = next
        self.eventTimes = eventTimes
        self.witness = witness
    }
}
