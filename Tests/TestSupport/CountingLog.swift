import ParallaxCore
import Synchronization

/// A log that counts what it is asked: behind a network each question costs a round trip, and more while a fetch is under way.
public final class CountingLog: EventLog {
    public enum Question: Sendable, Hashable {
        case partitions
        case bounds([Partition])
        case readAhead([LogPlace])
        case read(Partition)
    }

    private let log: any EventLog
    private let asked = Mutex<[Question]>([])

    public init(_ log: any EventLog) { self.log = log }

    public var source: String { log.source }
    /// In order.
    public var questions: [Question] { asked.withLock { $0 } }

    private func note(_ question: Question) { asked.withLock { $0.append(question) } }

    public func identity() throws(ParallaxError) -> LogIdentity { try log.identity() }
    public func partitions() throws(ParallaxError) -> [Partition] {
        note(.partitions)
        return try log.partitions()
    }

    public func bounds(of partition: Partition) throws(ParallaxError) -> Range<Offset> {
        note(.bounds([partition]))
        return try log.bounds(of: partition)
    }

    public func bounds(of partitions: [Partition]) throws(ParallaxError) -> [Partition: Range<Offset>] {
        note(.bounds(partitions))
        return try log.bounds(of: partitions)
    }

    public func readAhead(_ places: [LogPlace]) -> [Partition] {
        note(.readAhead(places))
        return log.readAhead(places)
    }

    public func readOnly(_ partitions: Set<Partition>) { log.readOnly(partitions) }

    public func read(
        _ partition: Partition, from offset: Offset, maxRecords: Int, maxBytes: Int
    ) throws(ParallaxError) -> RecordBatch {
        note(.read(partition))
        return try log.read(partition, from: offset, maxRecords: maxRecords, maxBytes: maxBytes)
    }

    @discardableResult
    public func append(_ records: [NewRecord], to partition: Partition?) throws(ParallaxError) -> [Partition: Range<Offset>] {
        try log.append(records, to: partition)
    }

    public func trim(below cut: Cut) throws(ParallaxError) { try log.trim(below: cut) }
}
