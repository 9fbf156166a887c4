import Disk
import Operators
import ParallaxCore

/// A segment whose file is not what was written, or is not there.
public struct ArchiveDamage: Sendable {
    public var segment: ArchiveSegment
    public var error: ParallaxError
    /// The log still has all of its records.
    public var isInLog: Bool

    /// For people.
    public var words: String {
        "partition \(segment.partition): offsets \(segment.first) up to, not including, \(segment.next) (\(counted(segment.records, "record")), "
            + "\(segment.bytes) bytes): \(error.message)"
    }
}

extension ArchiveWriter {
    /// Every segment that a run would refuse. Reads the whole archive, but for files that were found sound by this process and have not changed.
    public func damages() throws(ParallaxError) -> [ArchiveDamage] {
        var found: [ArchiveDamage] = []
        for partition in try partitionsOfArchive() {
            for segment in try listed(partition) {
                do { try SegmentVerification.verify(segment, path: path(of: segment), source: source.name) } catch {
                    guard error.code == .corrupt || error.code == .missing else { throw error }
                    found.append(ArchiveDamage(segment: segment, error: error, isInLog: logHolds(segment)))
                }
            }
        }
        return found
    }

    private func logHolds(_ segment: ArchiveSegment) -> Bool {
        guard segment.acceptedGap == nil, let bounds = try? log.bounds(of: segment.partition), bounds.lowerBound <= segment.first,
            bounds.upperBound >= segment.next
        else { return false }
        // Another log holds these offsets, too.
        if let last = segment.lastRecord {
            guard let found = try? log.read(segment.partition, from: last.offset, maxRecords: 1, maxBytes: 1), !found.contradicts(last)
            else { return false }
        }
        guard let log = log as? any DamageableLog else { return true }
        guard let damages = try? log.damages(of: segment.partition, from: segment.first) else { return false }
        return !damages.contains { $0.offsets.lowerBound < segment.next }
    }

    /// Puts a segment in the place of the damaged one: with its records, from the log, or without any, where the log does not have them and a person gave
    /// them up. The damaged file is kept beside it. Rows of windows that the lost events can have been in are not exact from then on.
    ///
    ///     the damaged file ─► <name>.damaged ─► the new file ─► manifest line       a crash in between leaves a damaged segment
    ///
    /// - Parameters:
    ///   - eventsFrom, eventsUntil: what the event times can have been, where the manifest does not know it.
    /// - Returns: the gap; nil where the log had the records.
    public func replace(_ damage: ArchiveDamage, eventsFrom: Instant?, eventsUntil: Instant?) throws(ParallaxError) -> AcceptedGap? {
        let old = damage.segment
        return try locked(old.partition) { (manifest) throws(ParallaxError) in
            guard manifest.segments.contains(old) else {
                throw ParallaxError(.busy, "the archive of source \"\(source.name)\" changed meanwhile", hint: "try again")
            }
            let writer = try newSegment(old.partition, first: old.first)
            if damage.isInLog {
                let decode = decoding.makeDecoder(source)
                var position = old.first
                while position < old.next {
                    let records = try RowGroupReader(
                        log: log, partition: old.partition, records: limits.recordsPerRowGroup, bytes: limits.bytesPerRowGroup
                    ).next(position..<old.next)
                    try writer.append(records, decode(records))
                    position = records.nextOffset
                }
            }
            let path = path(of: old)
            // A gap's file holds nothing.
            if old.acceptedGap == nil || !damage.isInLog {
                do throws(ParallaxError) { try Disk.rename(path, to: path + ".damaged") } catch {
                    if damage.error.code != .missing { throw error }
                }
            }
            var segment = try writer.publish(next: old.next, archivedAt: old.archivedAt ?? now())
            segment.formatVersion = ArchiveSegment.replacingFormatVersion
            segment.replacedSHA256 = old.sha256
            if !damage.isInLog {
                segment.gapAcceptedAt = old.gapAcceptedAt ?? now()
                let times = knownTimes(old)
                segment.gapEventsFrom = old.acceptedGap == nil ? times?.lowerBound ?? eventsFrom : old.gapEventsFrom
                segment.gapEventsUntil = old.acceptedGap == nil ? times?.upperBound ?? eventsUntil : old.gapEventsUntil
            }
            try manifest.append(segment)
            return segment.acceptedGap
        }
    }

    /// Gaps whose records the log has again, all of them, are none any more: segments with the records take their places. Returns those gaps.
    /// Answers follow with the next run.
    public func takeBackGaps() throws(ParallaxError) -> [AcceptedGap] {
        var taken: [AcceptedGap] = []
        for partition in try partitionsOfArchive() {
            for segment in try listed(partition) {
                guard let gap = segment.acceptedGap, try logHasAgain(gap) else { continue }
                let damage = ArchiveDamage(segment: segment, error: ParallaxError(.missing, "its records were given up"), isInLog: true)
                _ = try replace(damage, eventsFrom: nil, eventsUntil: nil)
                taken.append(gap)
            }
        }
        return taken
    }

    /// Whether each offset of the gap has a record. Where a log has holes of its own, nothing tells them from what is lost: such a gap stays.
    private func logHasAgain(_ gap: AcceptedGap) throws(ParallaxError) -> Bool {
        let bounds = try log.bounds(of: gap.partition)
        guard bounds.lowerBound <= gap.offsets.lowerBound, gap.offsets.upperBound <= bounds.upperBound else { return false }
        var position = gap.offsets.lowerBound
        var count: Int64 = 0
        while position < gap.offsets.upperBound {
            do {
                let batch = try RowGroupReader(
                    log: log, partition: gap.partition, records: limits.recordsPerRowGroup, bytes: limits.bytesPerRowGroup
                ).next(position..<gap.offsets.upperBound)
                count += Int64(batch.count)
                position = batch.nextOffset
            } catch {
                guard error.code == .corrupt || error.code == .offsetGone else { throw error }
                return false
            }
        }
        return count == gap.offsets.upperBound - gap.offsets.lowerBound
    }

    /// Half-open; nil where the manifest's line does not speak of today's event time column.
    private func knownTimes(_ segment: ArchiveSegment) -> Range<Instant>? {
        guard segment.schema == schema.fingerprint, let low = segment.minEventTime, let high = segment.maxEventTime else { return nil }
        return low..<Instant(microseconds: high.rawValue + 1)
    }

    /// A person's decision about records of the log that cannot be read and are not archived. What is before them is archived by now.
    public func giveUp(_ damage: LogDamage, eventsFrom: Instant?, eventsUntil: Instant?) throws(ParallaxError) -> AcceptedGap? {
        try archive(upTo: Cut([damage.partition: damage.offsets.lowerBound]))
        return try locked(damage.partition) { (manifest) throws(ParallaxError) in
            guard damage.offsets.contains(manifest.position) else { return nil }
            return try giveUp(&manifest, upTo: damage.offsets.upperBound, eventsFrom: eventsFrom, eventsUntil: eventsUntil)
        }
    }
}
