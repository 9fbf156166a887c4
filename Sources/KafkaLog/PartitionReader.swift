import CKafka
import ParallaxCore

/// Reads one partition: a fetch that runs ahead, and where its reader stands.
///
///     resting ─read─► fetching from `position` ─read elsewhere, error─► resting
///
/// The log protocol has no position: who reads on where the last read ended is served from what was fetched ahead; anyone else makes the
/// fetch begin anew, with a queue of its own, so that nothing of the old place can come in.
struct PartitionReader: ~Copyable {
    let client: KafkaClient
    let partition: Partition

    private var queue: QueueHandle?
    /// The first offset that was not handed out.
    private var position = Offset.zero
    private var fetched: MessageArray
    /// Where the last fetch met the end.
    private var end: Offset?
    /// The largest end that a reader was told: below it, records or holes will come.
    private var promisedEnd = Offset.zero
    /// A read has waited in vain; nothing has come since.
    private var isSilent = false
    private var lastSize = RecordColumns.Size()
    /// The last batch handed out, if it was small.
    private var last: RecordBatch?
    private var lastFrom = Offset.zero

    init(_ client: KafkaClient, _ partition: Partition) {
        self.client = client
        self.partition = partition
        fetched = MessageArray(of: client.handle)
    }

    mutating func promise(_ end: Offset) { promisedEnd = max(promisedEnd, end) }

    mutating func read(from offset: Offset, maxRecords: Int, maxBytes: Int) throws(ParallaxError) -> RecordBatch {
        if offset != position, let again = rereading(from: offset, maxRecords: maxRecords, maxBytes: maxBytes) { return again }
        if queue == nil || offset != position { try start(at: offset) }
        var columns = RecordColumns(partition, from: position, expecting: lastSize, maxRecords: maxRecords)
        while true {
            switch fetched.take(into: &columns, end: &end, maxRecords: maxRecords, maxBytes: maxBytes) {
            case .full: return handOut(columns)
            case .failed(let error):
                if columns.next > position.rawValue { return handOut(columns) }
                throw failed(error)
            case .exhausted:
                let room = maxRecords - columns.count
                if room > 0, columns.payloadBytes < maxBytes, refill(atMost: room, wait: .zero) { continue }
                guard columns.next > position.rawValue else {
                    if isAtEnd { return columns.batch() }
                    try waitForMore(maxRecords)
                    continue
                }
                // A fetch brings as little as one producer's batch. To hand each out by itself would cost more than this wait, which ends
                // with the next fetch; only a broker in trouble lets it pass.
                let isMoreKnown = client.lastKnownEnd(of: partition).map { $0 > Offset(columns.next) } ?? false
                if room > 0, columns.payloadBytes < maxBytes, isMoreKnown, refill(atMost: room, wait: Self.gatheringPatience) { continue }
                return handOut(columns)
            }
        }
    }

    private static var gatheringPatience: Duration { .milliseconds(100) }

    /// As far as anyone knows without asking the broker.
    private var isAtEnd: Bool {
        if position < promisedEnd { return false }
        if end == position { return true }
        return client.lastKnownEnd(of: partition).map { $0 <= position } ?? false
    }

    private mutating func waitForMore(_ maxRecords: Int) throws(ParallaxError) {
        if !isSilent, refill(atMost: maxRecords, wait: client.settings.readPatience) { return }
        isSilent = true
        if let fatal = client.handle.fatalError { throw failed(fatal) }
        throw ParallaxError(
            .unavailable,
            "no records come from partition \(partition) of topic \"\(client.settings.topic)\", which has more at offset \(position)",
            detail: client.lastTrouble.map { "The connections say: \($0)" }, hint: "Is the partition's leader up?")
    }

    private mutating func refill(atMost wanted: Int, wait: Duration) -> Bool {
        guard queue?.fill(&fetched, atMost: wanted, wait: wait) == true else { return false }
        isSilent = false
        return true
    }

    private mutating func handOut(_ columns: consuming RecordColumns) -> RecordBatch {
        lastSize = columns.size
        let batch = columns.batch()
        lastFrom = position
        position = batch.nextOffset
        last = batch.count <= client.settings.limits.recordsKeptForRereading ? batch : nil
        return batch
    }

    /// The records of the last batch from `offset` on, if it began there or before.
    private func rereading(from offset: Offset, maxRecords: Int, maxBytes: Int) -> RecordBatch? {
        guard let last, offset >= lastFrom, offset < position else { return nil }
        return last.part(from: offset, maxRecords: maxRecords, maxBytes: maxBytes)
    }

    private mutating func start(at offset: Offset) throws(ParallaxError) {
        stop()
        let queue = QueueHandle(newOf: client.handle)
        // The reason of a failure would be thread-local. There is one that the world can cause: a client that cannot go on.
        guard rd_kafka_consume_start_queue(client.topic.pointer, partition.rawValue, offset.rawValue, queue.pointer) == 0 else {
            throw failed(client.handle.fatalError ?? KafkaError(RD_KAFKA_RESP_ERR__STATE))
        }
        self.queue = consume queue
        position = offset
    }

    /// Ends the fetch. Waits for the client's threads, not for the network.
    mutating func stop() {
        if queue != nil { _ = rd_kafka_consume_stop(client.topic.pointer, partition.rawValue) }
        queue = nil
        fetched.clear()
        end = nil
        isSilent = false
        last = nil
    }

    private mutating func failed(_ error: KafkaError) -> ParallaxError {
        let offset = position
        stop()
        let place = "offset \(offset) of partition \(partition) of topic \"\(client.settings.topic)\""
        guard error.kind == .offsetGone else { return error.parallaxError("\(place) cannot be read") }
        let bounds = try? client.bounds(of: partition)
        return ParallaxError(
            .offsetGone, "\(place) is not in Kafka",
            detail: bounds.map { "Kafka holds offsets from \($0.lowerBound) up to, not including, \($0.upperBound)." } ?? error.words,
            hint: "Kafka's retention removed it before it was read, or the topic was made anew.")
    }

    deinit { if queue != nil { _ = rd_kafka_consume_stop(client.topic.pointer, partition.rawValue) } }
}

extension RecordBatch {
    /// The records at or above `offset`, up to the limits.
    func part(from offset: Offset, maxRecords: Int, maxBytes: Int) -> RecordBatch {
        let first = offsets.firstIndex { $0 >= offset.rawValue } ?? count
        var part = RecordBatch(partition: partition, nextOffset: offset)
        var bytes = 0
        var row = first
        while row < count && part.count < maxRecords {
            let payload = payloads.isNull(row) ? nil : payloads[row]
            bytes += payload?.count ?? 0
            if part.count > 0 && bytes > maxBytes { break }
            part.append(
                offset: Offset(offsets[row]), appendedAt: Instant(microseconds: appendedAt[row]), key: keys.isNull(row) ? nil : keys[row],
                payload: payload, headers: headers.flatMap { $0.isNull(row) ? nil : $0[row] })
            row += 1
        }
        if row == count { part.nextOffset = nextOffset }
        return part
    }
}
