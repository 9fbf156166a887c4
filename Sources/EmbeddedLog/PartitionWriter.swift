import Disk
import ParallaxCore

/// The end of one partition, for the holder of the source's lock.
///
///     prepare → write… → sync → publish        or, after an error, abandon
///
/// Records are in the log from `publish` on; nothing before it is seen by anyone.
struct PartitionWriter {
    let paths: LogPaths
    let partition: Partition
    let limits: EmbeddedLogLimits
    let faults: LogFaults
    let onRecovery: @Sendable (LogRecovery) -> Void

    var endFile: DurableEndFile
    /// The segment that is appended to, and its first offset.
    var active: (file: File, base: Int64)?
    /// What everybody sees.
    var published = DurableEnd()
    /// What is written.
    var position = DurableEnd()
    /// A sync failed and what was written could not be cut: bytes beyond the published end may look good in the page cache
    /// without being on the disk.
    var isSuspect = false

    /// Opens the partition, creating what is missing of it, and recovers what a crash or a power failure left.
    init(
        opening partition: Partition, _ paths: LogPaths, _ limits: EmbeddedLogLimits, _ faults: LogFaults,
        isCopy: Bool = false, _ onRecovery: @escaping @Sendable (LogRecovery) -> Void
    ) throws(ParallaxError) {
        self.paths = paths
        self.partition = partition
        self.limits = limits
        self.faults = faults
        self.onRecovery = onRecovery
        let folder = paths.folder(of: partition)
        try Disk.makeFolder(folder)
        let path = paths.end(of: partition)
        if let file = try File.update(path) {
            endFile = DurableEndFile(file)
        } else {
            let file = try File.openOrCreate(path)
            // All of the room that it will ever need: a publication must not fail on a full disk.
            try file.write([UInt8](repeating: 0, count: 2 * DurableEnd.slotBytes).span.bytes, at: 0)
            try file.syncContents()
            try Disk.syncFolder(folder)
            endFile = DurableEndFile(file)
        }
        let segments = try paths.segments(of: partition)
        if isCopy, let end = try endFile.read(), let whole = try wholeInCopy(end, segments) {
            try recover(from: whole, of: end)
            return
        }
        try prepare(knowing: segments.last)
    }

    /// Takes over the end from shared state, under the lock: another process may have moved it, or died while it tried to.
    mutating func prepare() throws(ParallaxError) {
        try prepare(knowing: nil)
    }

    private mutating func prepare(knowing last: Int64?) throws(ParallaxError) {
        guard let end = try endFile.read() else { return try recover(from: nil) }
        if isSuspect {
            published = end
            try cutToPublished()
        }
        if active?.base != end.segment {
            let path = paths.segment(end.segment, of: partition)
            guard let file = try File.update(path) else {
                if try beginsAnew(behind: end, GivenUp(paths, partition)) { return }
                throw paths.missingSegment(partition, offset: end.segment, file: path)
            }
            active = (file, end.segment)
        }
        // A segment begins at the end that was published just before it was created, so one name tells whether there is one more.
        let isContinued = end.end != end.segment && Disk.exists(paths.segment(end.end, of: partition))
        guard let active, !isContinued, last ?? end.segment == end.segment, try active.file.size() == end.bytes else {
            return try recover(from: end)
        }
        published = end
        position = end
    }

    mutating func write(_ frame: inout EncodedFrame, at now: Instant) throws(ParallaxError) {
        if position.bytes > 0, position.bytes + frame.bytes.count > limits.bytesPerSegment { try roll() }
        guard let active, position.end + Int64(frame.count) <= Frame.largestOffset else {
            preconditionFailure("write without prepare, or past the largest offset: \(position)")
        }
        frame.seal(base: position.end, appendedAt: now, durableEnd: published.end)
        try active.file.write(frame.bytes.span.bytes, at: position.bytes)
        position.bytes += frame.bytes.count
        position.end += Int64(frame.count)
    }

    /// Before a new segment exists, everything below its first offset is durable and published: recovery counts on it.
    private mutating func roll() throws(ParallaxError) {
        try sync()
        try publish()
        try createSegment(position.end)
        position.segment = position.end
        position.bytes = 0
        try publish()
    }

    mutating func createSegment(_ base: Int64) throws(ParallaxError) {
        let path = paths.segment(base, of: partition)
        guard let file = try File.createNew(path) else {
            throw paths.corrupt(partition, offset: base, file: path, position: 0, "the file exists before its time")
        }
        try Disk.syncFolder(paths.folder(of: partition))
        active = (file, base)
    }

    mutating func sync() throws(ParallaxError) {
        guard position != published, let active else { return }
        try faults.beforeSync(active.file.path)
        try active.file.syncContents()
    }

    mutating func publish() throws(ParallaxError) {
        guard position != published else { return }
        do {
            try faults.beforePublish(partition)
            try endFile.publish(position)
        } catch {
            // The data is durable and the slot may even be written: the next `prepare` finds out; cutting could now cut published records.
            active = nil
            position = published
            throw error
        }
        published = position
    }

    /// Takes back what was written since the last publication.
    mutating func abandon() {
        guard position != published else { return }
        do { try cutToPublished() } catch { isSuspect = true }
        position = published
        // After a failed sync a descriptor reports nothing more; a new one starts afresh.
        active = nil
    }

    private mutating func cutToPublished() throws(ParallaxError) {
        let path = paths.segment(published.segment, of: partition)
        guard let file = try File.update(path) else {
            throw paths.missingSegment(partition, offset: published.segment, file: path)
        }
        if try file.size() > published.bytes { try file.truncate(to: published.bytes) }
        try file.syncContents()
        isSuspect = false
    }

    /// Removes whole segments whose records are all below `cut`, never the active one. First everybody is told that they are gone.
    mutating func trim(below cut: Int64) throws(ParallaxError) {
        let segments = try paths.segments(of: partition)
        guard let kept = segments.last(where: { $0 <= min(cut, published.segment) }), kept > published.earliest else { return }
        var trimmed = published
        trimmed.earliest = kept
        try endFile.publish(trimmed, durably: true)
        published = trimmed
        position = trimmed
        for base in segments where base < kept { try Disk.removeFile(paths.segment(base, of: partition)) }
        try Disk.syncFolder(paths.folder(of: partition))
    }
}
