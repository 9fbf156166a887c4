import Synchronization

/// The log that a source reads, and how its offsets are numbered.
///
///     the source's offset = the log's own offset + shift(partition)
///
/// The first log of a source has no shift. One that took its place (`parallax adopt-log`) continues behind everything that is known of the former,
/// so that archive, slices, cuts and positions go on: an offset of the source is one record, for ever.
public struct LogBinding: Hashable, Sendable, Codable {
    /// How often another log was adopted. Whoever works with another number works with offsets of another log.
    public var number: Int
    public var identity: LogIdentity
    /// Where the log begins in the source's offsets, for every partition that was known when it was adopted. Partitions that come later begin at 0.
    public var starts: [Start]

    public struct Start: Hashable, Sendable, Codable {
        public var partition: Partition
        /// In the source's offsets: everything below is the former log's.
        public var offset: Offset
        /// The log's own offset that has this number: what it holds below is not read.
        public var own: Offset

        public init(partition: Partition, offset: Offset, own: Offset) {
            self.partition = partition
            self.offset = offset
            self.own = own
        }
    }

    public init(number: Int = 0, identity: LogIdentity, starts: [Start] = []) {
        self.number = number
        self.identity = identity
        self.starts = starts
    }

    /// What the log's own offsets lack to be the source's.
    public func shift(_ partition: Partition) -> Int64 { starts.last { $0.partition == partition }.map { $0.offset - $0.own } ?? 0 }

    /// Where the source's offsets end, in a log whose own ends are given. Of a partition that only the former log had: where that one did.
    public func ends(_ own: [Partition: Offset]) -> [Partition: Offset] {
        var ends: [Partition: Offset] = [:]
        for (partition, end) in own { ends[partition] = Offset(end.rawValue + shift(partition)) }
        for start in starts { ends[start.partition] = max(start.offset, ends[start.partition] ?? .zero) }
        return ends
    }

    /// The log as the source numbers it.
    public func bound(_ log: any EventLog) -> any EventLog { number == 0 ? log : BoundLog(log, self) }
}

/// A log, numbered as its source's offsets are. Partitions that only the former log had are there, and end where they are known to.
public final class BoundLog: EventLog {
    public let log: any EventLog
    public let binding: LogBinding
    private let starts: [Partition: LogBinding.Start]
    /// Partitions that the log is known to have. They only grow, and to ask again is a question to a broker.
    private let seen = Mutex<Set<Partition>>([])

    public init(_ log: any EventLog, _ binding: LogBinding) {
        self.log = log
        self.binding = binding
        starts = Dictionary(binding.starts.map { ($0.partition, $0) }) { $1 }
    }

    public var source: String { log.source }
    public func identity() throws(ParallaxError) -> LogIdentity { try log.identity() }

    public func partitions() throws(ParallaxError) -> [Partition] { Set(try log.partitions()).union(starts.keys).sorted() }

    public func bounds(of partition: Partition) throws(ParallaxError) -> Range<Offset> {
        guard let bounds = try bounds(of: [partition])[partition] else { preconditionFailure("no bounds of partition \(partition)") }
        return bounds
    }

    public func bounds(of partitions: [Partition]) throws(ParallaxError) -> [Partition: Range<Offset>] {
        var own: [Partition] = []
        for partition in partitions {
            let isOwn = starts[partition] == nil ? true : try isThere(partition)
            if isOwn { own.append(partition) }
        }
        var all = try log.bounds(of: own)
        for partition in partitions {
            guard let start = starts[partition] else { continue }
            guard let bounds = all[partition] else {
                all[partition] = start.offset..<start.offset
                continue
            }
            // A log that ends below its start is an older state of itself: its end says so.
            let end = bounds.upperBound + shift(partition)
            all[partition] = min(max(bounds.lowerBound, start.own) + shift(partition), end)..<end
        }
        return all
    }

    public func knownEnd(of partition: Partition) -> Offset? { log.knownEnd(of: partition).map { $0 + shift(partition) } }

    public func read(
        _ partition: Partition, from offset: Offset, maxRecords: Int, maxBytes: Int
    ) throws(ParallaxError) -> RecordBatch {
        guard let start = starts[partition] else {
            return try log.read(partition, from: offset, maxRecords: maxRecords, maxBytes: maxBytes)
        }
        guard offset >= start.offset else {
            throw ParallaxError(
                .offsetGone, "offset \(offset) of partition \(partition) of source \"\(source)\" is not in the log",
                detail: "It was in a log that was given up for this one, whose records begin at offset \(start.offset).")
        }
        if offset == start.offset, try !isThere(partition) {
            return RecordBatch(partition: partition, nextOffset: offset)
        }
        let shift = shift(partition)
        var batch = try log.read(partition, from: offset + -shift, maxRecords: maxRecords, maxBytes: maxBytes)
        for row in 0..<batch.count { batch.offsets[row] += Int64(shift) }
        batch.nextOffset = batch.nextOffset + shift
        return batch
    }

    public func readAhead(_ places: [LogPlace]) -> [Partition] {
        // A place that is not in this log is for `read` to refuse.
        let isHere = { [starts] (place: LogPlace) in starts[place.partition].map { place.offset >= $0.offset } ?? true }
        let order = log.readAhead(places.filter(isHere).map { LogPlace($0.partition, $0.offset + -shift($0.partition)) })
        return order + places.filter { !isHere($0) }.map(\.partition)
    }

    public func readOnly(_ partitions: Set<Partition>) { log.readOnly(partitions) }

    @discardableResult
    public func append(_ records: [NewRecord], to partition: Partition?) throws(ParallaxError) -> [Partition: Range<Offset>] {
        var ranges: [Partition: Range<Offset>] = [:]
        for (partition, range) in try log.append(records, to: partition) {
            ranges[partition] = (range.lowerBound + shift(partition))..<(range.upperBound + shift(partition))
        }
        return ranges
    }

    public func trim(below cut: Cut) throws(ParallaxError) {
        let own = Set(try log.partitions())
        var shifted = Cut()
        for partition in cut.partitions where own.contains(partition) {
            shifted[partition] = max(.zero, cut[partition] + -shift(partition))
        }
        try log.trim(below: shifted)
    }

    private func isThere(_ partition: Partition) throws(ParallaxError) -> Bool {
        if seen.withLock({ $0.contains(partition) }) { return true }
        let own = Set(try log.partitions())
        seen.withLock { $0 = own }
        return own.contains(partition)
    }

    private func shift(_ partition: Partition) -> Int { starts[partition].map { Int($0.offset - $0.own) } ?? 0 }
}

/// What of the log's own is damaged, in the source's offsets; nothing where its log cannot be damaged. What only the former log had is none of it.
extension BoundLog: DamageableLog {
    public func damages(of partition: Partition, from offset: Offset) throws(ParallaxError) -> [LogDamage] {
        guard let log = log as? any DamageableLog, try log.partitions().contains(partition) else { return [] }
        let own = Offset(max(0, offset.rawValue - binding.shift(partition)))
        return try log.damages(of: partition, from: own).compactMap { numbered($0) }
    }

    public func damage(of partition: Partition, at offset: Offset) throws(ParallaxError) -> LogDamage? {
        guard let log = log as? any DamageableLog, try log.partitions().contains(partition), offset.rawValue >= binding.shift(partition)
        else {
            return nil
        }
        return try log.damage(of: partition, at: Offset(offset.rawValue - binding.shift(partition))).flatMap { numbered($0) }
    }

    public func giveUp(_ damage: LogDamage) throws(ParallaxError) {
        guard let log = log as? any DamageableLog else { return }
        var own = damage
        let shift = binding.shift(damage.partition)
        own.offsets =
            Offset(max(0, damage.offsets.lowerBound.rawValue - shift))..<Offset(max(0, damage.offsets.upperBound.rawValue - shift))
        guard !own.offsets.isEmpty else { return }
        try log.giveUp(own)
    }

    private func numbered(_ damage: LogDamage) -> LogDamage? {
        var numbered = damage
        let shift = binding.shift(damage.partition)
        let first = starts[damage.partition].map { max(damage.offsets.lowerBound, $0.own) } ?? damage.offsets.lowerBound
        guard first < damage.offsets.upperBound else { return nil }
        numbered.offsets = Offset(first.rawValue + shift)..<Offset(damage.offsets.upperBound.rawValue + shift)
        return numbered
    }
}
