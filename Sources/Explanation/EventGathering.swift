import Archive
import Operators
import ParallaxCore
import ViewLanguage

/// Reads the events behind one row: what the archive may hold of its times, then what the log has beyond the archive.
///
///     batch    the copy of each event with the smallest (partition, offset) below the cut           as the batch layer keeps them
///     live     at or above the cut, no copy within the horizon of its partition, not late           as the speed layer adds them
///
/// All copies of an event have its event time, which is a part of its identity: so segments and row groups without the row's times are passed over. Only
/// where late events are to be told from others is everything read near the cut.
///
/// Not thread-safe: one owner, one question. Calls block.
public final class EventGathering {
    private let question: EventQuestion
    private let archive: ArchiveReader
    private let openLog: () throws(ParallaxError) -> any EventLog
    private let beginReplay: () -> LiveReplay
    private let horizon: Int64
    private let limits: ExplanationLimits
    private let goesOn: () -> Bool

    private let members: RowMembers
    /// Which windows a late event counted for, as the speed layer counts.
    private let admission: ViewAggregator
    private let times: Range<Int64>?
    private let columns: Set<Int>
    private var kept: Set<UInt128> = []
    /// Of the partition that is being read.
    private var replay: LiveReplay?
    private var lateFound: [Int64: Int64] = [:]
    private var pageBytes = 0
    private var answer = ExplainedEvents()

    /// - Parameters:
    ///   - archive: of the plan's source.
    ///   - openLog: numbered as the source's offsets are; only called where the archive ends before the answers do.
    ///   - horizon: in how many offsets the speed layer knows copies.
    ///   - beginReplay: once a partition.
    ///   - goesOn: false where nobody waits any more.
    public init(
        _ question: EventQuestion, archive: ArchiveReader, dimensions: Dimensions, horizon: Int64, limits: ExplanationLimits,
        openLog: @escaping () throws(ParallaxError) -> any EventLog, beginReplay: @escaping () -> LiveReplay,
        goesOn: @escaping () -> Bool = { true }
    ) throws(ParallaxError) {
        precondition(archive.source == question.plan.source, "the archive is read as another form of \(archive.source.name)")
        self.question = question
        self.archive = archive
        self.openLog = openLog
        self.beginReplay = beginReplay
        self.horizon = horizon
        self.limits = limits
        self.goesOn = goesOn
        members = try RowMembers(plan: question.plan, key: question.key, dimensions: dimensions)
        admission = ViewAggregator(plan: question.plan, layer: .speed, dimensions: dimensions)
        times = question.plan.eventTimes(of: question.key)
        columns = question.plan.sourceColumnsRead
    }

    public func gather() throws(ParallaxError) -> ExplainedEvents {
        let archived = try archive.archived()
        var log: (any EventLog)?
        for partition in question.partitions.sorted() {
            let end = question.ends[partition]
            let archivedEnd = min(archived[partition], end)
            guard archivedEnd >= min(question.cut[partition], end) else { throw notHere(partition, archivedEnd) }
            replay = nil
            try readArchive(partition, below: archivedEnd)
            if answer.stopped == nil, archivedEnd < end {
                if log == nil { log = try openLog() }
                if let log { try readLog(log, partition, from: archivedEnd, to: end) }
            }
            if answer.stopped != nil { break }
        }
        settleLate()
        return answer
    }

    private func notHere(_ partition: Partition, _ end: Offset) -> ParallaxError {
        ParallaxError(
            .missing, "the events behind the row are not on this machine",
            detail: "The archive of source \"\(question.plan.source.name)\" here ends at offset \(end) of partition \(partition); "
                + "published rows hold the offsets below \(question.cut[partition]).",
            hint: "ask where the batch layer runs: there is the archive")
    }

    /// Everything from there on is read, whatever its times: the late are to be told from the others.
    private func replayStart(_ partition: Partition) -> Int64 {
        question.late.isEmpty ? .max : max(0, question.cut[partition].rawValue - limits.replayedRecords)
    }

    private func readArchive(_ partition: Partition, below end: Offset) throws(ParallaxError) {
        guard end > .zero else { return }
        let everythingFrom = replayStart(partition)
        for segment in try archive.segments(below: Cut([partition: end])) where segment.gapAcceptedAt == nil {
            let range = segment.next.rawValue > everythingFrom ? nil : times
            if let range, !archive.mayHold(segment, eventTimes: range) {
                answer.reading.segmentsPassedOver += 1
                continue
            }
            if stops(at: LogPlace(partition, segment.first)) { return }
            answer.reading.segments += 1
            let batches = try archive.read(segment, columns: columns, below: end, eventTimes: range)
            defer { answer.reading.rowGroupsPassedOver += batches.groupsPassedOver }
            while let batch = try batches.next() {
                answer.reading.rowGroups += 1
                if let first = batch.offsets.first, stops(at: LogPlace(partition, Offset(first))) { return }
                try take(batch) { () throws(ParallaxError) in try batches.records() }
            }
        }
    }

    private func readLog(_ log: any EventLog, _ partition: Partition, from start: Offset, to end: Offset) throws(ParallaxError) {
        let decoder = EventDecoder(question.plan.source)
        var position = start
        while position < end {
            if stops(at: LogPlace(partition, position)) { return }
            let wanted = min(Int64(limits.recordsPerRead), end.rawValue - position.rawValue)
            let records = try log.read(partition, from: position, maxRecords: Int(wanted), maxBytes: limits.bytesPerRead)
            guard records.nextOffset > position else {
                throw ParallaxError(
                    .offsetGone, "the log of source \"\(log.source)\" ends at offset \(position) of partition \(partition)",
                    detail: "The answers hold its records up to \(end).",
                    hint: "parallax status says what is wrong with the log")
            }
            answer.reading.logRecords += records.count
            try take(decoder.decode(records)) { () throws(ParallaxError) in records }
            position = records.nextOffset
        }
    }

    /// True where the limits are reached: then the answer says where.
    private func stops(at place: LogPlace) -> Bool {
        let reason: ExplanationStop? =
            if !goesOn() {
                .cancelled
            } else if answer.reading.records >= limits.records {
                .records
            } else if let deadline = limits.deadline, ContinuousClock.now >= deadline {
                .time
            } else {
                nil
            }
        guard let reason else { return false }
        answer.stopped = reason
        answer.stoppedAt = place
        return true
    }

    // MARK: a batch

    /// - Parameter records: the same records as the log had them, where their payloads are wanted.
    private func take(_ batch: EventBatch, records: () throws(ParallaxError) -> RecordBatch) throws(ParallaxError) {
        answer.reading.records += batch.count
        let (cut, end) = (question.cut[batch.partition].rawValue, question.ends[batch.partition].rawValue)
        let unread = (question.unread[batch.partition] ?? []).map { $0.lowerBound.rawValue..<$0.upperBound.rawValue }
        let classes = liveClasses(batch, cut: cut, unread)
        guard case .int64(let eventTimes)? = batch.columns[question.plan.source.eventTimeColumn]?.storage else {
            preconditionFailure("the event time of \(question.plan.source.name) was not read")
        }

        var candidates: [Int32] = []
        var fates: [Int32: ExplainedEvent.Fate] = [:]
        var late: [Int32] = []
        for row in 0..<batch.count where batch.isRejected[row] == 0 && batch.offsets[row] < end {
            let (offset, place) = (batch.offsets[row], Int32(row))
            if offset >= cut, classes?[row] == .late, !unread.contains(where: { $0.contains(offset) }) { late.append(place) }
            if let times, !times.contains(eventTimes[row]) { continue }
            candidates.append(place)
            if offset < cut {
                if !kept.insert(batch.identities[row]).inserted { fates[place] = .copy }
            } else if unread.contains(where: { $0.contains(offset) }) {
                fates[place] = .waiting
            } else if classes?[row] == .duplicate {
                fates[place] = .copy
            } else if classes?[row] == .late {
                fates[place] = .late
            }
        }
        if !late.isEmpty {
            for (_, window) in admission.admitted(batch, rows: late) {
                lateFound[question.plan.window == nil ? Plan.noWindow : window, default: 0] += 1
            }
        }
        guard !candidates.isEmpty else { return }
        let found = members.find(batch, rows: candidates)
        var payloads: ByteColumn?
        let refused = Dictionary(found.refused.map { ($0.row, $0.message) }, uniquingKeysWith: { first, _ in first })
        for row in (found.rows + refused.keys).sorted() {
            var fate = fates[row] ?? (batch.offsets[Int(row)] < cut ? .batch : .live)
            // A copy of what the view could not take is left out as a copy all the same.
            if refused[row] != nil, fate == .batch || fate == .live { fate = .refused }
            answer.counts[fate, default: 0] += 1
            let place = LogPlace(batch.partition, Offset(batch.offsets[Int(row)]))
            if let after = question.after, (place.partition, place.offset) <= (after.partition, after.offset) { continue }
            guard !answer.hasMore, answer.page.count < question.limit, pageBytes < limits.bytesPerPage || answer.page.isEmpty else {
                answer.hasMore = true
                continue
            }
            if payloads == nil { payloads = try payloadsOf(batch, records) }
            let payload = payloads.flatMap { $0.isNull(Int(row)) ? nil : Array($0[Int(row)]) }
            pageBytes += payload?.count ?? 0
            answer.page.append(
                ExplainedEvent(
                    place: place, appendedAt: Instant(microseconds: batch.appendedAt[Int(row)]),
                    eventTime: Instant(microseconds: eventTimes[Int(row)]), fate: fate, message: fate == .refused ? refused[row] : nil,
                    payload: payload))
        }
    }

    private func payloadsOf(_ batch: EventBatch, _ records: () throws(ParallaxError) -> RecordBatch) throws(ParallaxError) -> ByteColumn {
        let records = try records()
        precondition(records.offsets == batch.offsets, "other records than those that were decoded")
        return records.payloads
    }

    /// Nil for records that lie so far below the cut that no copy of them is known any more.
    private func liveClasses(_ batch: EventBatch, cut: Int64, _ unread: [Range<Int64>]) -> [LiveClass]? {
        guard let last = batch.offsets.last, last >= min(cut - horizon, replayStart(batch.partition)) else { return nil }
        let replay = self.replay ?? beginReplay()
        self.replay = replay
        let classes = replay(batch, unread)
        // Where the layer left nothing out, what looks late here was in time: the watermark began elsewhere.
        return question.late.isEmpty ? classes.map { $0 == .late ? .event : $0 } : classes
    }

    /// What was told of late events is right where it is as many as the layer counted, in each window that the row has to do with.
    private func settleLate() {
        guard !question.late.isEmpty else { return }
        answer.knowsLate = answer.stopped == nil && question.late.allSatisfy { lateFound[$0.key] ?? 0 == $0.value }
        guard !answer.knowsLate else { return }
        let unknown = answer.count(.live) + answer.count(.late)
        answer.counts[.live] = nil
        answer.counts[.late] = nil
        if unknown > 0 { answer.counts[.liveOrLate] = unknown }
        for index in answer.page.indices where [.live, .late].contains(answer.page[index].fate) { answer.page[index].fate = .liveOrLate }
    }
}
