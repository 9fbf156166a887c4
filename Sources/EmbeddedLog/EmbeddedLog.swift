import Disk
import ParallaxCore
import Synchronization

/// The log of one source in files of the pipeline's own folder.
///
///     acknowledged ⟹ on the disk ⟹ readable by every process, in order, until it is trimmed
///
/// Any number of processes may read; those that append take turns. Not promised: that a record whose append threw is not
/// there (a crash between its sync and the answer leaves it).
public final class EmbeddedLog: EventLog {
    public let source: String
    public let limits: EmbeddedLogLimits
    let paths: LogPaths
    /// Nil where the log was opened for reading only.
    let writer: LogWriter?
    private let lanes: Mutex<Lanes>
    private let roundRobin = Atomic<Int>(0)

    private struct Lanes {
        var countFile: PartitionCountFile
        var readers: [PartitionReader] = []
    }

    /// Opens `<directory>/<source>`, creates what is missing, and recovers what a crash left.
    ///
    /// - Parameters:
    ///   - partitions: how many there shall be. More than there are: they are added (keys then move, as in Kafka). Fewer:
    ///     `.configuration`.
    ///   - clock: gives the append times.
    ///   - onRecovery: told of every partition in which a tail was found, now or in a later append. It must not call the log.
    public convenience init(
        directory: String, source: String, partitions: Int, limits: EmbeddedLogLimits = .init(),
        clock: @escaping @Sendable () -> Instant = systemClock, onRecovery: @escaping @Sendable (LogRecovery) -> Void = { _ in }
    ) throws(ParallaxError) {
        try self.init(
            directory: directory, source: source, partitions: partitions, limits: limits, clock: clock, onRecovery: onRecovery,
            faults: LogFaults())
    }

    init(
        directory: String, source: String, partitions: Int, limits: EmbeddedLogLimits = .init(),
        clock: @escaping @Sendable () -> Instant = systemClock, onRecovery: @escaping @Sendable (LogRecovery) -> Void = { _ in },
        faults: LogFaults
    ) throws(ParallaxError) {
        precondition(limits.bytesPerRecord + limits.bytesPerBatchFrame < Int(Int32.max) / 2, "\(limits)")
        precondition(limits.bytesPerRecord > 0 && limits.bytesPerBatchFrame > 0 && limits.recordsPerBatchFrame > 0, "\(limits)")
        guard partitions > 0, partitions <= limits.partitions else {
            throw ParallaxError(
                .configuration,
                "source \"\(source)\" cannot have \(partitions) partitions: 1 to \(limits.partitions) are possible (limit `partitions`)")
        }
        self.source = source
        self.limits = limits
        paths = try LogPaths(directory: directory, source: source)
        try Disk.makeFolder(paths.root)
        let writer = try LogWriter(paths, limits, faults, clock: clock, onRecovery: onRecovery)
        self.writer = writer
        lanes = Mutex(Lanes(countFile: PartitionCountFile(paths)))
        try writer.open(partitions: partitions)
    }

    /// Opens an existing log for reading: creates nothing, locks nothing, recovers nothing. What a power failure left behind the published
    /// end is seen once a writer has opened the log. Throws `.missing` where there is no log.
    public init(readingFrom directory: String, source: String) throws(ParallaxError) {
        self.source = source
        limits = EmbeddedLogLimits()
        paths = try LogPaths(directory: directory, source: source)
        writer = nil
        lanes = Mutex(Lanes(countFile: PartitionCountFile(paths)))
        _ = try partitionCount()
    }

    /// A log from before there were numbers has none until it is opened for writing.
    public func identity() throws(ParallaxError) -> LogIdentity {
        let readers = lanes.withLock { $0.readers }
        for reader in readers where try !reader.isCurrent() {
            throw ParallaxError(
                .anotherLog, "the log of source \"\(source)\" in \(paths.root) was replaced while it was open", hint: "It is opened anew.")
        }
        return LogIdentity(kind: .embedded, topic: source, number: try LogNumberFile.read(paths)?.number)
    }

    public func partitions() throws(ParallaxError) -> [Partition] {
        (0..<(try partitionCount())).map { Partition($0) }
    }

    public func bounds(of partition: Partition) throws(ParallaxError) -> Range<Offset> {
        let end = try reader(of: partition).durableEnd()
        return Offset(end.earliest)..<Offset(end.end)
    }

    public func read(
        _ partition: Partition, from offset: Offset, maxRecords: Int, maxBytes: Int
    ) throws(ParallaxError) -> RecordBatch {
        precondition(maxRecords > 0 && maxBytes > 0, "a read of at most \(maxRecords) records and \(maxBytes) bytes")
        return try reader(of: partition).read(from: offset, maxRecords: maxRecords, maxBytes: maxBytes)
    }

    @discardableResult
    public func append(_ records: [NewRecord], to partition: Partition?) throws(ParallaxError) -> [Partition: Range<Offset>] {
        let writer = try writing()
        if records.isEmpty { return [:] }
        return try writer.append(try encode(records, to: partition, of: try partitionsToWriteTo(writer)))
    }

    /// Whole segments only, and never the one that is appended to: what stays begins at or below the cut.
    public func trim(below cut: Cut) throws(ParallaxError) {
        let writer = try writing()
        let count = try partitionCount()
        for partition in cut.partitions where !(0..<count).contains(Int(partition.rawValue)) {
            throw paths.noPartition(partition, of: count)
        }
        try writer.trim(below: cut)
        for partition in cut.partitions { try reader(of: partition).forget(below: try bounds(of: partition).lowerBound.rawValue) }
    }

    func chooseUnkeyed(of count: Int) -> Int {
        Int(UInt(bitPattern: roundRobin.wrappingAdd(1, ordering: .relaxed).oldValue) % UInt(count))
    }

    private func writing() throws(ParallaxError) -> LogWriter {
        guard let writer else {
            throw ParallaxError(.internalInconsistency, "the log of source \"\(source)\" was opened for reading and cannot be changed")
        }
        return writer
    }

    /// A log that was taken away is made anew: what is acknowledged is in the log that is there.
    private func partitionsToWriteTo(_ writer: LogWriter) throws(ParallaxError) -> Int {
        do { return try partitionCount() } catch {
            guard error.code == .missing else { throw error }
            try writer.openAgain()
            return try partitionCount()
        }
    }

    private func partitionCount() throws(ParallaxError) -> Int {
        try lanes.withLock { (lanes) throws(ParallaxError) in try count(&lanes) }
    }

    private func count(_ lanes: inout Lanes) throws(ParallaxError) -> Int {
        try lanes.countFile.refresh()
        guard let count = lanes.countFile.count else {
            throw ParallaxError(
                .missing, "source \"\(source)\" has no log: \(paths.partitions) does not exist",
                hint: "It is created by the first `parallax up`, `parallax ingest` or `parallax generate`.")
        }
        return count
    }

    func reader(of partition: Partition) throws(ParallaxError) -> PartitionReader {
        try lanes.withLock { (lanes) throws(ParallaxError) in
            let index = Int(partition.rawValue)
            if lanes.readers.indices.contains(index) { return lanes.readers[index] }
            let count = try count(&lanes)
            guard (0..<count).contains(index) else { throw paths.noPartition(partition, of: count) }
            for number in lanes.readers.count..<count { lanes.readers.append(try PartitionReader(paths, Partition(number))) }
            return lanes.readers[index]
        }
    }
}
