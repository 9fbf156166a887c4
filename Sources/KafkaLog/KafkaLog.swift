import ParallaxCore
import Synchronization

/// A source's log that is a Kafka topic.
///
///     read(from: p) gives each committed record at or above p once, in order; holes (control records, aborted records,
///     compaction) are no records, and nextOffset passes over them
///
/// Not promised: an end that is newer than the last fetch (`bounds` asks the broker; a read that finds nothing does not), and that two
/// readers are fast: at different places of one partition each makes the other's fetch begin anew, and a read that waits for the broker keeps
/// other reads waiting. Open one log a reader.
public final class KafkaLog: EventLog {
    public let source: String
    public let settings: KafkaSettings
    private let client: KafkaClient
    private let listener: KafkaListener
    private let reader: Mutex<TopicReader>
    /// The end of each partition that anyone was told last. Apart from the reader, which may be waiting.
    private let promisedEnds = Mutex(PromisedEnds())
    /// Where the last read of a partition stood at its end. Apart from the reader, too.
    private let metEnds = Mutex<[Partition: Offset]>([:])
    private let knownPartitions = Atomic<Int>(0)
    private let producer = Mutex<KafkaProducer?>(nil)
    private let roundRobin = Atomic<Int>(0)
    private let deliveredOfFailed = Atomic<Int>(0)

    /// Contacts nobody yet. Throws `.configuration` for properties that cannot be.
    public init(
        source: String, settings: KafkaSettings, listener: @escaping KafkaListener = { _ in }
    ) throws(ParallaxError) {
        self.source = source
        self.settings = settings
        self.listener = listener
        client = try KafkaClient(settings, .reader, listener: listener)
        reader = Mutex(TopicReader(client))
    }

    /// By the cluster's id, as the cluster says it, and the topic's name. That a topic was made anew under its name, librdkafka cannot say before
    /// 2.3; witnesses do (see `LogWitness`).
    public func identity() throws(ParallaxError) -> LogIdentity {
        LogIdentity(kind: .kafka, topic: settings.topic, number: try client.clusterID())
    }

    public func partitions() throws(ParallaxError) -> [Partition] {
        let count = try client.partitionCount()
        knownPartitions.store(count, ordering: .relaxed)
        return (0..<count).map { Partition($0) }
    }

    public func bounds(of partition: Partition) throws(ParallaxError) -> Range<Offset> {
        guard let bounds = try bounds(of: [partition])[partition] else { preconditionFailure("no bounds of partition \(partition)") }
        return bounds
    }

    public func bounds(of partitions: [Partition]) throws(ParallaxError) -> [Partition: Range<Offset>] {
        for partition in partitions { try check(partition) }
        if partitions.isEmpty { return [:] }
        let question = promisedEnds.withLock { $0.ask() }
        let bounds = Dictionary(zip(partitions, try client.bounds(of: partitions))) { first, _ in first }
        promisedEnds.withLock { $0.take(bounds.mapValues(\.upperBound), answering: question) }
        return bounds
    }

    /// As of the last fetch: no broker is asked. For a reader that has read everything the last stable offset, since that is where its fetches meet the
    /// end. For one that has not the high watermark: librdkafka says no other, and records of an open transaction count until the reader is there.
    public func knownEnd(of partition: Partition) -> Offset? {
        metEnds.withLock { $0[partition] } ?? client.lastKnownEnd(of: partition)
    }

    public func read(
        _ partition: Partition, from offset: Offset, maxRecords: Int, maxBytes: Int
    ) throws(ParallaxError) -> RecordBatch {
        precondition(maxRecords > 0 && maxBytes > 0, "a read of at most \(maxRecords) records and \(maxBytes) bytes")
        try check(partition)
        // Negative numbers have meanings of their own in librdkafka.
        guard offset >= .zero else {
            throw ParallaxError(.offsetGone, "offset \(offset) of partition \(partition) of topic \"\(settings.topic)\" is not in Kafka")
        }
        let promisedEnd = promisedEnds.withLock { $0[partition] }
        return try reader.withLock { (reader) throws(ParallaxError) in
            defer {
                let end = reader.metEnd(of: partition)
                metEnds.withLock { $0[partition] = end }
            }
            return try reader.read(partition, from: offset, promisedEnd: promisedEnd, maxRecords: maxRecords, maxBytes: maxBytes)
        }
    }

    public func readAhead(_ places: [LogPlace]) -> [Partition] {
        let known = knownPartitions.load(ordering: .relaxed)
        func isKnown(_ place: LogPlace) -> Bool { place.offset >= .zero && Int(place.partition.rawValue) < known }
        let order = reader.withLock { $0.readAhead(places.filter(isKnown)) }
        // For `read` to refuse.
        return order + places.filter { !isKnown($0) }.map(\.partition)
    }

    public func readOnly(_ partitions: Set<Partition>) { reader.withLock { $0.readOnly(partitions) } }

    /// Returns when every replica in sync has all of the records. Otherwise the error says how many are in the topic and
    /// which is the first that is not; a record without an answer may be there all the same.
    @discardableResult
    public func append(_ records: [NewRecord], to partition: Partition?) throws(ParallaxError) -> [Partition: Range<Offset>] {
        if let partition { try check(partition) }
        if records.isEmpty { return [:] }
        let count = try partitionsToWriteTo()
        let placed = records.map { KafkaProducer.Placed(partition: partition ?? choose($0, of: count), record: $0) }
        let producer = try currentProducer()
        let outcome = producer.append(placed)
        guard let (index, error) = outcome.firstFailure else { return try ranges(of: outcome) }
        deliveredOfFailed.store(outcome.delivered, ordering: .relaxed)
        throw producer.reason(of: error).parallaxError(
            "\(outcome.failed) of \(records.count) records were not delivered to topic \"\(settings.topic)\"",
            detail: "The first of them is number \(index + 1) of the call, for partition \(placed[index].partition); "
                + "\(outcome.delivered) are in the topic."
                + (producer.lastTrouble.map { " The connections say: \($0)" } ?? ""))
    }

    /// Whoever counts on the end of what was appended may count on the partition's: a record that no broker said the place of is below it.
    private func ranges(of outcome: KafkaProducer.Outcome) throws(ParallaxError) -> [Partition: Range<Offset>] {
        guard !outcome.unplaced.isEmpty else { return outcome.ranges }
        var ranges = outcome.ranges
        for (partition, bounds) in try bounds(of: outcome.unplaced.sorted()) {
            let known = ranges[partition] ?? bounds
            ranges[partition] = known.lowerBound..<max(known.upperBound, bounds.upperBound)
        }
        return ranges
    }

    /// How many records of the last append that threw are in the topic all the same.
    public var recordsOfFailedAppend: Int { deliveredOfFailed.load(ordering: .relaxed) }

    /// A producer that has begun goes on while no broker answers: what it hands over waits for them (`message.timeout.ms`).
    private func partitionsToWriteTo() throws(ParallaxError) -> Int {
        do { return try partitions().count } catch {
            let known = knownPartitions.load(ordering: .relaxed)
            guard error.code == .unavailable, known > 0 else { throw error }
            return known
        }
    }

    /// Does nothing: Kafka's own retention decides what it keeps (retention.ms, retention.bytes), and other readers may need it.
    public func trim(below cut: Cut) throws(ParallaxError) {}

    /// What the reading client has counted and, where there is one, the writing client.
    public var metrics: (reading: KafkaMetrics, writing: KafkaMetrics?) {
        (client.metrics, producer.withLock { $0?.metrics })
    }

    private func choose(_ record: NewRecord, of count: Int) -> Partition {
        if let key = record.key { return KeyPartitioner.partition(forKey: key, partitions: count) }
        return Partition(Int(UInt(bitPattern: roundRobin.wrappingAdd(1, ordering: .relaxed).oldValue) % UInt(count)))
    }

    private func currentProducer() throws(ParallaxError) -> KafkaProducer {
        try producer.withLock { (producer) throws(ParallaxError) in
            if let producer, !producer.isBroken { return producer }
            let made = try KafkaProducer(settings, listener: listener)
            producer = made
            return made
        }
    }

    private func check(_ partition: Partition) throws(ParallaxError) {
        let number = Int(partition.rawValue)
        if number >= 0 && number < knownPartitions.load(ordering: .relaxed) { return }
        let count = try partitions().count
        guard number >= 0 && number < count else {
            throw ParallaxError(.missing, "topic \"\(settings.topic)\" has no partition \(partition): it has \(count)")
        }
    }
}

/// The ends that were told. A newer question's answer counts, also where it is smaller: an unclean election, or a topic made anew, takes records
/// away, and a reader that waited for them would wait for ever. Of two answers on their way at once the larger one counts.
private struct PromisedEnds {
    private var ends: [Partition: (end: Offset, question: Int)] = [:]
    private var questions = 0

    mutating func ask() -> Int {
        questions += 1
        return questions
    }

    mutating func take(_ told: [Partition: Offset], answering question: Int) {
        for (partition, end) in told {
            if let known = ends[partition], question < known.question {
                ends[partition] = (max(known.end, end), known.question)
            } else {
                ends[partition] = (end, question)
            }
        }
    }

    subscript(_ partition: Partition) -> Offset { ends[partition]?.end ?? .zero }
}

extension KafkaLog: ReportingLog {
    public var clientReport: LogClientReport {
        let metrics = client.metrics
        var report = LogClientReport(library: "librdkafka \(LibraryVersion.loaded)")
        report.brokersUp = metrics.brokersUp
        report.brokersKnown = metrics.brokersKnown
        report.roundTripMicroseconds = metrics.roundTripMicroseconds
        report.recordsRead = metrics.recordsRead
        report.bytesRead = metrics.bytesRead
        report.errors = metrics.errors
        report.lastError = client.lastTrouble
        return report
    }
}
