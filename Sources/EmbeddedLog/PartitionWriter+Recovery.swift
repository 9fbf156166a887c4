import Disk
import ParallaxCore

/// What recovery did to one partition.
public struct LogRecovery: Hashable, Sendable {
    public var source: String
    public var partition: Partition
    /// Records behind the published end, now published. They were never acknowledged, or acknowledged before a power failure or before the end was damaged: then
    /// some may be damaged, which readers name.
    public var recordsKept: Int64
    /// Bytes of a torn tail. They were never acknowledged.
    public var bytesCut: Int
    /// Records that the published end tells of and the segments lack: they are not in this copy, which was made while somebody appended.
    public var recordsMissing: Int64 = 0
}

/// Recovery runs under the source's lock, when the files and the published end disagree.
///
///     acknowledged ⟹ on the disk, in frames without a gap from the published end on
///
/// so the frames from there on that check out are kept, and the first that does not ends them. What follows it was never acknowledged,
/// with one way to find out otherwise: a good frame behind it that says that the log was durable beyond it when
/// that frame was written. Then the damage is reported and nothing is cut. So is damage in any segment but the last,
/// since the next segment is created only when the one before it is durable to its end.
/// (A payload that holds the bytes of such a frame, in a torn frame, is refused as well: too careful, not too bold.)
///
/// Where the published end is damaged, one slot of it or both, the one that counts may not be the last. A slot is written when what it tells of is on the
/// disk: what fails its checksum behind the slot that is left was acknowledged, as far as anybody knows. Then the end is found again from the segments, over
/// damage, too, and nothing is cut: readers name what is damaged, and a person can give it up. Not promised: that the end is found where it was, where the
/// headers of the last frames are damaged, too.
extension PartitionWriter {
    /// `known`: what is published; nil where that is lost, or where the partition is new.
    /// `told`: the end that a copy tells of and does not hold.
    mutating func recover(from known: DurableEnd?, of told: DurableEnd? = nil) throws(ParallaxError) {
        var segments = try paths.segments(of: partition)
        if segments.isEmpty, known == nil {
            try createSegment(0)
            segments = [0]
        }
        let first = known?.segment ?? segments[0]
        guard segments.contains(first) else {
            throw paths.missingSegment(partition, offset: first, file: paths.segment(first, of: partition))
        }
        var end = known ?? DurableEnd(earliest: first, end: first, segment: first, bytes: 0)
        let givenUp = try GivenUp(paths, partition)
        let lostEnd: LostEnd? = try endFile.hasDamagedSlot() ? .damaged : known == nil ? .blank : nil
        if let published = told ?? known, try beginsAnew(behind: published, givenUp) { return }
        let before = told?.end ?? end.end
        var bytesCut = 0
        for base in segments where base >= first {
            let path = paths.segment(base, of: partition)
            if base != first {
                if let next = givenUp.end(of: end.end), next >= base { end.end = base }
                if lostEnd != nil { end.end = max(end.end, base) }
                guard base == end.end else {
                    throw paths.corrupt(
                        partition, offset: end.end, file: path, position: 0, "the segment before it ends at offset \(end.end)")
                }
                end.segment = base
                end.bytes = 0
            }
            guard let file = try File.update(path) else { throw paths.missingSegment(partition, offset: base, file: path) }
            bytesCut = try recover(file, &end, isLast: base == segments.last, givenUp, lostEnd)
            active = (file, base)
        }
        if lostEnd != nil, let next = givenUp.end(of: end.end) {
            // The last records were given up with their offsets, which nobody may have again.
            try createSegment(next)
            end.end = next
            end.segment = next
            end.bytes = 0
        }
        try Disk.syncFolder(paths.folder(of: partition))
        // Into both slots where one is damaged.
        if lostEnd == .damaged { try endFile.publish(end) }
        try endFile.publish(end, durably: true)
        published = end
        position = end
        if end.end != before || bytesCut > 0 {
            onRecovery(
                LogRecovery(
                    source: paths.source, partition: partition, recordsKept: max(0, end.end - before), bytesCut: bytesCut,
                    recordsMissing: max(0, before - end.end)))
        }
    }

    /// What was published last is missing, and was given up: a new segment begins behind it. The file that lost its end stays as it is.
    mutating func beginsAnew(behind known: DurableEnd, _ givenUp: GivenUp) throws(ParallaxError) -> Bool {
        guard known.end > known.segment, givenUp.ranges.contains(where: { $0.upperBound == known.end }),
            try File.read(paths.segment(known.segment, of: partition)).map({ (file) throws(ParallaxError) in try file.size() < known.bytes }
            ) ?? true,
            !Disk.exists(paths.segment(known.end, of: partition))
        else { return false }
        try createSegment(known.end)
        var end = known
        end.segment = known.end
        end.bytes = 0
        try endFile.publish(end, durably: true)
        published = end
        position = end
        return true
    }

    /// A copy that was made while somebody appended may hold an end that was published after its segments were copied. Then it is whole up to the
    /// last whole record: returns the begin of its last segment, to go on from; nil where the copy holds all that the end tells of.
    ///
    /// Only of a copy: where it was written, the same sight means that the disk lost what was acknowledged, which nobody may cut away silently. That
    /// a copy lacks records is noticed by the positions, which lie behind its end.
    func wholeInCopy(_ end: DurableEnd, _ segments: [Int64]) throws(ParallaxError) -> DurableEnd? {
        guard let last = segments.last(where: { $0 <= end.segment }), end.earliest <= last else { return nil }
        guard let file = try File.read(paths.segment(last, of: partition)) else { return nil }
        if last == end.segment, try file.size() >= end.bytes { return nil }
        return DurableEnd(earliest: end.earliest, end: last, segment: last, bytes: 0)
    }

    /// Why nobody knows how far the partition was durable.
    private enum LostEnd {
        /// Nothing was published, or the file is new.
        case blank
        /// Something was, and may be more than what can be read of it.
        case damaged
    }

    /// Moves `end` over the good frames of one segment; returns the bytes that were cut behind them.
    private func recover(
        _ file: File, _ end: inout DurableEnd, isLast: Bool, _ givenUp: GivenUp, _ lostEnd: LostEnd?
    ) throws(ParallaxError) -> Int {
        let size = try file.size()
        guard size >= end.bytes else {
            throw paths.corrupt(
                partition, offset: end.end, file: file.path, position: size, "the file should have at least \(end.bytes) bytes",
                hint: "Restore the file from a copy: records that were acknowledged are not in it. Where this is all that there is, remove "
                    + "\(paths.end(of: partition)): the log then ends with its last whole record, and where records below that were counted "
                    + "already, it is noticed.")
        }
        // After a failed sync the page cache may hold what the disk does not.
        file.forgetCachedPages(from: end.bytes)
        let window = FileWindow(file)
        while end.bytes < size {
            switch try window.frame(at: end.bytes, expectedBase: end.end, limit: size) {
            case .success(let frame):
                end.bytes += frame.length
                end.end = frame.end
            case .failure(let flaw):
                // The frame that goes on behind what was given up.
                if let next = givenUp.end(of: end.end),
                    let good = try window.nextFrame(from: end.bytes, limit: size, above: next - 1, below: next + 1)
                {
                    end.bytes = good.position
                    end.end = good.base
                    continue
                }
                let isDurable = isLast ? try wasDurable(end, window, size) : true
                if let lostEnd, isDurable || lostEnd == .damaged {
                    if let good = try window.nextFrame(from: end.bytes, limit: size, above: end.end) {
                        end.bytes = good.position
                        end.end = good.base
                        continue
                    }
                    // The next segment says where its records end.
                    if !isLast { return 0 }
                    if lostEnd == .damaged {
                        end.end = try saidEnd(end, window, size)
                        end.bytes = size
                        continue
                    }
                }
                guard !isDurable else {
                    throw paths.corrupt(partition, offset: end.end, file: file.path, position: end.bytes, flaw.description)
                }
                try file.truncate(to: end.bytes)
                try file.syncContents()
                return size - end.bytes
            }
        }
        try file.syncContents()
        return 0
    }

    /// Where the records end of the frames from `end` on that are damaged, by what their headers say. A header that makes no sense stands for one record: where
    /// it had more, positions lie behind the end, and that is noticed.
    private func saidEnd(_ end: DurableEnd, _ window: FileWindow, _ size: Int) throws(ParallaxError) -> Int64 {
        var (position, next) = (end.bytes, end.end)
        while position < size {
            let header = try window.bytes(at: position, Frame.headerBytes, limit: size)
            guard let frame = try? Frame(header: header, expectedBase: next, available: size - position) else { return next + 1 }
            position += frame.length
            next = frame.end
        }
        return next
    }

    /// Whether a good frame from `end` on says that the log was durable beyond it, or is not the one that belongs there.
    private func wasDurable(_ end: DurableEnd, _ window: FileWindow, _ size: Int) throws(ParallaxError) -> Bool {
        var position = end.bytes
        while let candidate = try window.nextMagic(from: position, limit: size) {
            if case .success(let frame) = try window.frame(at: candidate, expectedBase: nil, limit: size),
                frame.durableEnd > end.end || candidate == end.bytes
            {
                return true
            }
            position = candidate + 1
        }
        return false
    }
}
