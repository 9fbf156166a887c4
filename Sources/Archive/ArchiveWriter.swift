import Disk
import Operators
import ParallaxCore
import Synchronization
import ViewLanguage

/// Copies one source's log into Parquet segments, each record once, byte for byte (I6).
///
/// A segment is in the archive from the moment in which its partition's manifest lists it. The steps, in order:
///
///     temporary file ─► fsync ─► rename ─► fsync folder ─► manifest line ─► fsync
///
/// A crash before the last of them leaves files that no manifest lists; the next archiver removes them and begins again at the
/// manifest's end, while the log still has the records: it gives up only what is archived.
///
/// Any number of processes may hold a writer; `flock` lets one at a time work on a source. Calls block: use a thread of your own.
public final class ArchiveWriter: Sendable {
    public let source: SourceDefinition
    public let limits: ArchiveLimits
    let schema: ArchiveSchema
    let directory: String
    let folder: ArchiveFolder
    let log: any EventLog
    let decoding: ArchiveDecoding
    let now: @Sendable () -> Instant
    /// What was read of the manifests so far, so that a service does not read them anew every second.
    private let manifests = Mutex<[Partition: Manifest]>([:])
    /// When the log was last seen to be the one that was archived. As long as somebody looks all the time, no other can take its place unnoticed:
    /// it would be away in between, or end too early.
    private let compared = Mutex<[Partition: ContinuousClock.Instant]>([:])
    /// Since when a partition's oldest record waits to be archived, as far as this archiver has seen.
    private let waiting = Mutex<[Partition: (first: Offset, since: Instant)]>([:])
    /// Folders that are known to outlive a power cut.
    private let durableFolders = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - directory: holds one folder a source; it is made when the first segment is.
    ///   - now: for the age of the oldest record that is not archived, in `TailPolicy`.
    /// Throws `.definition` where a column has a name that the archive uses itself.
    public init(
        directory: String, source: SourceDefinition, log: any EventLog, limits: ArchiveLimits = ArchiveLimits(),
        decoding: ArchiveDecoding = .standard, now: @escaping @Sendable () -> Instant = systemClock
    ) throws(ParallaxError) {
        precondition(
            limits.recordsPerSegment > 0 && limits.bytesPerSegment > 0 && limits.recordsPerRowGroup > 0 && limits.bytesPerRowGroup > 0,
            "limits that hold nothing: \(limits)")
        self.source = source
        self.directory = directory
        self.limits = limits
        self.log = log
        self.decoding = decoding
        self.now = now
        schema = try ArchiveSchema(source)
        folder = ArchiveFolder(directory: directory, source: source.name)
    }

    /// Per partition, the first offset that is not archived.
    public func archived() throws(ParallaxError) -> Cut {
        var cut = Cut()
        for partition in try folder.partitions() { cut[partition] = try manifest(partition).position }
        return cut
    }

    /// Archives every partition up to the cut, or up to the durable end of the log where there is none.
    ///
    /// Throws `.busy` (another archiver), `.offsetGone` (the log no longer has, or does not have yet, what is needed), `.corrupt`
    /// (a manifest), `.disk`; segments that are listed by then stay. What `progress` throws ends it likewise: it is
    /// called after every row group, and is the way to cancel.
    @discardableResult
    public func archive(
        upTo cut: Cut?, tail: TailPolicy = .everything,
        progress: (ArchiveProgress) throws(ParallaxError) -> Void = { (_) throws(ParallaxError) in }
    ) throws(ParallaxError) -> ArchiveSummary {
        let partitions = try log.partitions()
        try makeDurable(folder.path)
        let lock = try folder.lock(within: limits.lockWait)
        defer { withExtendedLifetime(lock) {} }
        try checkAdopted()
        var summary = ArchiveSummary()
        let decode = decoding.makeDecoder(source)
        do throws(ParallaxError) {
            var due = try due(Set(partitions).union(cut?.partitions ?? []).sorted(), below: cut)
            for partition in due.order {
                guard let target = due.targets[partition], let manifest = due.manifests[partition] else { continue }
                do throws(ParallaxError) {
                    due.manifests[partition] = try archive(partition, manifest, below: target, tail, decode, &summary, progress)
                } catch {
                    // One partition's loss or damage must not keep the log from archiving the others before it gives them up, too.
                    guard error.code == .offsetGone || error.code == .corrupt else { throw error }
                    due.failure = due.failure ?? error
                }
            }
            if let failure = due.failure { throw failure }
            for (partition, manifest) in due.manifests { summary.archived[partition] = manifest.position }
        } catch {
            // A log that is back may be another one.
            compared.withLock { $0 = [:] }
            throw error
        }
        return summary
    }

    /// What there is to do, by partition.
    private struct Due {
        /// Those with something to archive, in the order in which reading costs least.
        var order: [Partition] = []
        var targets: [Partition: Offset] = [:]
        var manifests: [Partition: Manifest] = [:]
        /// The first that cannot be archived; the others can.
        var failure: ParallaxError?
    }

    /// One question to the log for all partitions, and one word that they will be read: behind a network each question waits its turn after
    /// whatever the connection is waiting for, so that partitions which are asked one by one cost two or three long polls each.
    private func due(_ partitions: [Partition], below cut: Cut?) throws(ParallaxError) -> Due {
        var due = Due()
        for partition in partitions {
            do {
                let manifest = try manifest(partition)
                // A cut may name a partition of which nothing is wanted.
                if cut?[partition] == .zero && manifest.position == .zero { continue }
                due.manifests[partition] = manifest
            } catch {
                guard error.code == .corrupt else { throw error }
                due.failure = due.failure ?? error
            }
        }
        let bounds = try log.bounds(of: due.manifests.keys.sorted())
        for partition in due.manifests.keys.sorted() {
            guard var manifest = due.manifests[partition], let bounds = bounds[partition] else { continue }
            do {
                try recover(&manifest, logBegins: bounds.lowerBound)
                due.manifests[partition] = manifest
            } catch {
                guard error.code == .corrupt else { throw error }
                due.manifests[partition] = nil
                due.failure = due.failure ?? error
            }
        }
        try compare(due.manifests, bounds)
        var places: [LogPlace] = []
        for partition in due.manifests.keys.sorted() {
            guard let manifest = due.manifests[partition], let bounds = bounds[partition] else { continue }
            do {
                let target = cut?[partition] ?? bounds.upperBound
                guard manifest.position < target else { continue }
                try checkRange(manifest.position..<target, within: bounds, partition)
                try makeDurable(folder.partition(partition))
                due.targets[partition] = target
                places.append(LogPlace(partition, manifest.position))
            } catch {
                guard error.code == .offsetGone || error.code == .corrupt else { throw error }
                due.failure = due.failure ?? error
            }
        }
        due.order = log.readAhead(places)
        return due
    }

    private func archive(
        _ partition: Partition, _ manifest: Manifest, below target: Offset, _ tail: TailPolicy, _ decode: (RecordBatch) -> EventBatch,
        _ summary: inout ArchiveSummary, _ progress: (ArchiveProgress) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> Manifest {
        var manifest = manifest
        while manifest.position < target {
            if try isLeftForLater(manifest.position..<target, partition, tail) { break }
            let segment = try writeSegment(manifest.position..<target, partition, decode, summary, progress)
            FaultPoint.pass("archive.beforeManifest")
            try manifest.append(segment)
            keep(manifest)
            FaultPoint.pass("archive.afterManifest")
            summary.add(segment)
        }
        return manifest
    }

    /// Throws `.anotherLog` where the log cannot be the one that was archived: it ends below what is archived, or holds another record where the newest
    /// archived one was. The end is compared every time; the record at the first look, and when nobody has looked for a while.
    private func compare(_ manifests: [Partition: Manifest], _ bounds: [Partition: Range<Offset>]) throws(ParallaxError) {
        let now = ContinuousClock.now
        let fresh = compared.withLock { compared in compared.filter { now - $0.value < limits.logComparedAfter } }
        var known: [Partition: LogKnowledge] = [:]
        var places: [LogPlace] = []
        for (partition, manifest) in manifests.sorted(by: { $0.key < $1.key }) {
            guard let bounds = bounds[partition] else { continue }
            let knowledge = LogKnowledge(partition: partition, position: manifest.position, witness: manifest.witness)
            try LogCheck.checkEnd(source: source.name, knowledge, bounds: bounds)
            guard fresh[partition] == nil else { continue }
            known[partition] = knowledge
            if let witness = manifest.witness, bounds.contains(witness.offset) { places.append(LogPlace(partition, witness.offset)) }
        }
        // Nobody is asked for nothing.
        for partition in places.isEmpty ? [] : log.readAhead(places) {
            guard let knowledge = known[partition], let bounds = bounds[partition] else { continue }
            try LogCheck.check(log, source: source.name, knowledge, bounds: bounds)
        }
        compared.withLock { compared in for partition in known.keys { compared[partition] = now } }
    }

    /// - Parameter range: what is to be archived.
    private func checkRange(_ range: Range<Offset>, within bounds: Range<Offset>, _ partition: Partition) throws(ParallaxError) {
        if range.lowerBound < bounds.lowerBound {
            throw ParallaxError(
                .offsetGone,
                "offsets \(range.lowerBound) up to, not including, \(bounds.lowerBound) of partition \(partition) of source "
                    + "\"\(source.name)\" are gone from the log and not in the archive",
                detail: "The log holds offsets from \(bounds.lowerBound) up to, not including, \(bounds.upperBound).",
                hint: "Restore the archive's folder \"\(folder.partition(partition))\" or the log from a backup, or give these records up: "
                    + "parallax archive accept-gap \(source.name)")
        }
        if bounds.upperBound < range.upperBound {
            throw ParallaxError(
                .offsetGone,
                "offsets \(max(bounds.upperBound, range.lowerBound)) up to, not including, \(range.upperBound) of partition "
                    + "\(partition) of source \"\(source.name)\" are not in the log yet",
                detail: "The log ends, durably, at \(bounds.upperBound).")
        }
    }

    /// A service leaves a short tail for later; a full segment is never left.
    private func isLeftForLater(_ range: Range<Offset>, _ partition: Partition, _ tail: TailPolicy) throws(ParallaxError) -> Bool {
        guard case .when(let records, let age) = tail else { return false }
        if range.upperBound - range.lowerBound >= Int64(min(records, limits.recordsPerSegment)) { return false }
        let oldest = try log.read(partition, from: range.lowerBound, maxRecords: 1, maxBytes: 1)
        guard let appendedAt = oldest.appendedAt.first else { return true }
        let longest = age.microseconds
        let now = now()
        let seen = waiting.withLock { waiting in
            if let known = waiting[partition], known.first == range.lowerBound { return known.since }
            waiting[partition] = (range.lowerBound, now)
            return now
        }
        // By its own timestamp, where that is believed: a wrong clock keeps no record from being archived.
        let believed = source.appendTime == .record ? appendedAt : EventBatch.noAppendTime
        return now.rawValue - EventBatch.vouchingClock(appendedAt: believed, arrivedAt: seen.rawValue) < longest
    }

    private func writeSegment(
        _ range: Range<Offset>, _ partition: Partition, _ decode: (RecordBatch) -> EventBatch, _ summary: ArchiveSummary,
        _ progress: (ArchiveProgress) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> ArchiveSegment {
        let writer = try SegmentWriter(schema, partition: partition, first: range.lowerBound, folder: folder.partition(partition))
        var position = range.lowerBound
        while position < range.upperBound && writer.records < limits.recordsPerSegment && writer.bytes < limits.bytesPerSegment {
            let room = min(limits.recordsPerRowGroup, limits.recordsPerSegment - writer.records)
            let records: RecordBatch
            do {
                records = try RowGroupReader(log: log, partition: partition, records: room, bytes: limits.bytesPerRowGroup)
                    .next(position..<range.upperBound)
            } catch {
                // What is good before a damage is archived; the next segment would begin with it.
                guard error.code == .corrupt, writer.records > 0 else { throw error }
                break
            }
            try writer.append(records, decode(records))
            position = records.nextOffset
            try progress(
                ArchiveProgress(
                    partition: partition, position: position, target: range.upperBound, records: summary.records + writer.records))
        }
        return try writer.publish(next: position, archivedAt: now())
    }
}

extension ArchiveWriter {
    /// A person's decision that records which the log lost before they were archived are given up: a segment without records takes their place
    /// in the manifest, with the time of the decision. Returns the gap; nil where nothing is missing.
    ///
    /// - Parameters:
    ///   - eventsFrom, eventsUntil: what the event times of the lost records can have been, where that is known; half-open.
    ///
    /// Throws `.busy`, `.corrupt`, `.disk`, and whatever keeps the log from telling its bounds.
    public func acceptGap(
        in partition: Partition, eventsFrom: Instant? = nil, eventsUntil: Instant? = nil
    ) throws(ParallaxError) -> AcceptedGap? {
        let bounds = try log.bounds(of: partition)
        try makeDurable(folder.path)
        let lock = try folder.lock(within: limits.lockWait)
        defer { withExtendedLifetime(lock) {} }
        try checkAdopted()
        var manifest = try manifest(partition)
        try recover(&manifest, logBegins: bounds.lowerBound)
        guard manifest.position < bounds.lowerBound else { return nil }
        return try giveUp(&manifest, upTo: bounds.lowerBound, eventsFrom: eventsFrom, eventsUntil: eventsUntil)
    }

    /// A segment without records. Under the folder's lock.
    @discardableResult
    func giveUp(
        _ manifest: inout Manifest, upTo next: Offset, eventsFrom: Instant?, eventsUntil: Instant?
    ) throws(ParallaxError) -> AcceptedGap? {
        try makeDurable(folder.partition(manifest.partition))
        var segment = try newSegment(manifest.partition, first: manifest.position).publish(next: next, archivedAt: now())
        segment.gapAcceptedAt = now()
        segment.gapEventsFrom = eventsFrom
        segment.gapEventsUntil = eventsUntil
        try manifest.append(segment)
        keep(manifest)
        return segment.acceptedGap
    }

    /// Changes a partition's manifest while nobody else works on the source.
    func locked<R>(_ partition: Partition, _ body: (inout Manifest) throws(ParallaxError) -> R) throws(ParallaxError) -> R {
        try makeDurable(folder.path)
        let lock = try folder.lock(within: limits.lockWait)
        defer { withExtendedLifetime(lock) {} }
        try checkAdopted()
        var manifest = try manifest(partition)
        try recover(&manifest, logBegins: try log.bounds(of: partition).lowerBound)
        try makeDurable(folder.partition(partition))
        let result = try body(&manifest)
        keep(manifest)
        return result
    }

    func newSegment(_ partition: Partition, first: Offset) throws(ParallaxError) -> SegmentWriter {
        try SegmentWriter(schema, partition: partition, first: first, folder: folder.partition(partition))
    }

    func partitionsOfArchive() throws(ParallaxError) -> [Partition] { try folder.partitions() }
    func listed(_ partition: Partition) throws(ParallaxError) -> [ArchiveSegment] { try manifest(partition).segments }
    func path(of segment: ArchiveSegment) -> String { folder.segment(segment) }

    /// What was given up, in all partitions.
    public func acceptedGaps() throws(ParallaxError) -> [AcceptedGap] {
        var gaps: [AcceptedGap] = []
        for partition in try folder.partitions() { gaps += try manifest(partition).segments.compactMap(\.acceptedGap) }
        return gaps
    }

    func manifest(_ partition: Partition) throws(ParallaxError) -> Manifest {
        var manifest = manifests.withLock { $0[partition] } ?? Manifest(folder, partition)
        try manifest.refresh()
        keep(manifest)
        return manifest
    }

    /// Once for each folder: a service comes by every second.
    func makeDurable(_ path: String) throws(ParallaxError) {
        if durableFolders.withLock({ $0.contains(path) }), Disk.exists(path) { return }
        try Openness.makeFolder(path, in: directory)
        durableFolders.withLock { _ = $0.insert(path) }
    }

    private func keep(_ manifest: Manifest) { manifests.withLock { $0[manifest.partition] = manifest } }

    /// Takes away what a crash left: temporary files, segments that no manifest lists, the torn end of a manifest.
    /// A segment goes only if its records are in listed segments or still in the log.
    func recover(_ manifest: inout Manifest, logBegins: Offset) throws(ParallaxError) {
        try manifest.cutTornLine()
        let path = folder.partition(manifest.partition)
        let listed = Set(manifest.segments.map(\.file))
        for name in try Disk.names(in: path) {
            if name.hasSuffix(SegmentWriter.temporaryEnding) {
                try Disk.removeFile("\(path)/\(name)")
            } else if let range = ArchiveSegment.range(ofFileName: name), !listed.contains(name) {
                guard range.upperBound <= manifest.position || logBegins <= manifest.position else {
                    throw ParallaxError(
                        .corrupt, "segment \"\(path)/\(name)\" is not in its partition's manifest",
                        detail: "It holds offsets \(range.lowerBound) up to, not including, \(range.upperBound) of partition "
                            + "\(manifest.partition), which the log no longer has: it begins at \(logBegins).",
                        hint: "Restore \"\(manifest.path)\" from a backup; do not delete the segment.")
                }
                try Disk.removeFile("\(path)/\(name)")
            }
        }
    }
}
