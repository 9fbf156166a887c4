import CKafka
import ParallaxCore

/// Reads a topic's partitions: one queue for all of them, which is what librdkafka does fastest, and an inbox for each, since a log is read one
/// partition at a time.
///
///     brokers ─fetch─► the queue ─`receive`─► inboxes ─`read`─► batches
///
/// A record is copied out of librdkafka's message as soon as anybody reads anything: messages that wait are fresh memory each, and touching it
/// costs more than all else (docs/benchmarks.md).
///
/// The log protocol has no position: who reads on where the last read ended is served from what came ahead; anyone else makes the
/// partition's fetch begin anew. librdkafka then drops what the queue still has of the old place.
struct TopicReader: ~Copyable {
    let client: KafkaClient
    private let queue: QueueHandle
    private var messages: MessageArray
    /// By partition number.
    private var inboxes: [PartitionInbox] = []

    /// A batch of so many is worth its overhead: no reason to wait for more of them.
    private static var worthHandingOut: Int { 1_024 }
    /// A fetch brings as little as one producer's batch. To hand each out by itself would cost more than this wait, which ends with the next fetch;
    /// only a broker in trouble lets it pass.
    private static var gatheringPatience: Duration { .milliseconds(100) }
    /// Where a good deal is known to come, librdkafka wakes us when it has it, or after this time: being woken for each fetch costs more.
    private static var backlogStep: Duration { .milliseconds(10) }
    /// More at once would leave the processor's cache, and the heap: larger pieces are mapped and faulted in anew each time.
    private static var mostHandedOut: Int { 2_048 }

    init(_ client: KafkaClient) {
        self.client = client
        queue = QueueHandle(newOf: client.handle)
        messages = MessageArray(of: client.handle)
    }

    /// - Parameter promisedEnd: the largest end that the reader was told: below it, records or holes will come.
    mutating func read(
        _ partition: Partition, from offset: Offset, promisedEnd: Offset, maxRecords: Int, maxBytes: Int
    ) throws(ParallaxError) -> RecordBatch {
        let inbox = inbox(partition)
        if let again = inbox.rereading(from: offset, maxRecords: maxRecords, maxBytes: maxBytes) { return again }
        try fetch(inbox, from: offset)
        // How far the partition goes for certain. What fetches learn meanwhile is not looked at before this is reached.
        var knownEnd = max(promisedEnd, client.lastKnownEnd(of: partition) ?? .zero)
        let enough = min(maxRecords, Self.worthHandingOut)
        var began: ContinuousClock.Instant?
        while true {
            let isEnough =
                inbox.stash.count >= enough || inbox.stash.payloadBytes >= maxBytes || inbox.state == .parked || inbox.error != nil
            if isEnough && inbox.hasSomething { return handOut(inbox, maxRecords, maxBytes) }
            if let error = inbox.error { throw failed(inbox, error) }
            let isBehind = knownEnd - inbox.next >= Int64(enough) && inbox.end != inbox.next && !inbox.isSilent
            if isBehind {
                receive(MessageArray.capacity, wait: Self.backlogStep)
            } else {
                let next = inbox.next
                receive(MessageArray.capacity, wait: .zero)
                if inbox.next != next || inbox.error != nil { continue }
                let end = client.lastKnownEnd(of: partition)
                knownEnd = max(knownEnd, end ?? .zero)
                let isAtEnd = inbox.next >= promisedEnd && (inbox.end == inbox.next || end.map { $0 <= inbox.next } ?? false)
                if isAtEnd && !inbox.hasSomething { return RecordBatch(partition: partition, nextOffset: offset) }
                if isAtEnd || (inbox.hasSomething && knownEnd <= inbox.next) { return handOut(inbox, maxRecords, maxBytes) }
            }
            let start = began ?? .now
            began = start
            let patience = inbox.hasSomething ? Self.gatheringPatience : client.settings.readPatience
            let left = inbox.isSilent ? .zero : start + patience - .now
            // What comes may be other partitions'.
            if left > .zero && (isBehind || receive(1, wait: left)) { continue }
            if inbox.hasSomething { return handOut(inbox, maxRecords, maxBytes) }
            inbox.isSilent = true
            if let fatal = client.handle.fatalError { throw failed(inbox, fatal) }
            throw silence(inbox)
        }
    }

    /// Where the partition's fetch met the end, with nothing behind it since; nil where it has not, or was begun anew.
    func metEnd(of partition: Partition) -> Offset? {
        guard inboxes.indices.contains(Int(partition.rawValue)) else { return nil }
        let inbox = inboxes[Int(partition.rawValue)]
        return inbox.end == inbox.next ? inbox.end : nil
    }

    /// Begins to fetch what will be read, so that one request asks for all of it. Returns those first whose records have come, to be copied on while
    /// they are in the processor's cache; otherwise in the order given.
    mutating func readAhead(_ places: [LogPlace]) -> [Partition] {
        var ready: [Partition] = []
        var others: [Partition] = []
        ready.reserveCapacity(places.count)
        for place in places {
            let inbox = inbox(place.partition)
            // A fetch that cannot start says so to whoever reads.
            if !inbox.mayReread(from: place.offset) { try? fetch(inbox, from: place.offset) }
            if inbox.hasSomething { ready.append(place.partition) } else { others.append(place.partition) }
        }
        return ready + others
    }

    /// Ends the fetches of all others and forgets what came of them.
    mutating func readOnly(_ partitions: Set<Partition>) {
        for inbox in inboxes where inbox.state != .resting && !partitions.contains(inbox.partition) {
            stop(inbox)
            inbox.reset(at: inbox.position)
        }
    }

    /// Makes sure that what the partition has from `offset` on is here or on its way.
    private mutating func fetch(_ inbox: PartitionInbox, from offset: Offset) throws(ParallaxError) {
        if offset != inbox.position {
            stop(inbox)
            inbox.reset(at: offset)
        }
        if inbox.state == .resting || (inbox.state == .parked && !inbox.hasSomething) { try start(inbox) }
    }

    private mutating func inbox(_ partition: Partition) -> PartitionInbox {
        while inboxes.count <= Int(partition.rawValue) { inboxes.append(PartitionInbox(Partition(inboxes.count))) }
        return inboxes[Int(partition.rawValue)]
    }

    private func handOut(_ inbox: PartitionInbox, _ maxRecords: Int, _ maxBytes: Int) -> RecordBatch {
        inbox.handOut(
            maxRecords: min(maxRecords, Self.mostHandedOut), maxBytes: maxBytes, keepingUpTo: client.settings.limits.recordsKeptForRereading
        )
    }

    private func silence(_ inbox: PartitionInbox) -> ParallaxError {
        ParallaxError(
            .unavailable,
            "no records come from partition \(inbox.partition) of topic \"\(client.settings.topic)\", which has more at offset \(inbox.position)",
            detail: client.lastTrouble.map { "The connections say: \($0)" }, hint: "Is the partition's leader up?")
    }

    /// Moves what the queue has into the inboxes; false where nothing came. Waits until there are as many as `wanted`.
    @discardableResult
    private mutating func receive(_ wanted: Int, wait: Duration) -> Bool {
        var isCrowded = false
        let most = mostBytesAhead
        let inboxes = inboxes
        let readsHeaders = client.settings.readsHeaders
        let count = messages.takeAll(from: queue, waitingFor: wanted, wait) { number, messages in
            guard inboxes.indices.contains(number) else { return }
            let inbox = inboxes[number]
            inbox.receive(messages, withHeaders: readsHeaders)
            if inbox.stash.bytes > most { isCrowded = true }
        }
        if isCrowded { park(above: most) }
        return count > 0
    }

    /// How much may wait for one partition. Those that were put aside have their part, too.
    private var mostBytesAhead: Int {
        let limits = client.settings.limits
        let busy = inboxes.reduce(0) { $1.state == .resting ? $0 : $0 + 1 }
        return max(limits.bytesAheadOfOnePartition, limits.bytesAhead / max(1, busy))
    }

    private mutating func park(above most: Int) {
        for inbox in inboxes where inbox.state == .fetching && inbox.stash.bytes > most {
            stop(inbox)
            inbox.state = .parked
        }
    }

    private mutating func start(_ inbox: PartitionInbox) throws(ParallaxError) {
        inbox.reset(at: inbox.position)
        // The reason of a failure would be thread-local. There is one that the world can cause: a client that cannot go on.
        guard rd_kafka_consume_start_queue(client.topic.pointer, inbox.partition.rawValue, inbox.position.rawValue, queue.pointer) == 0
        else {
            throw failed(inbox, client.handle.fatalError ?? KafkaError(RD_KAFKA_RESP_ERR__STATE))
        }
        inbox.state = .fetching
    }

    /// Ends the fetch. Waits for the client's threads, not for the network.
    private mutating func stop(_ inbox: PartitionInbox) {
        guard inbox.state == .fetching else { return }
        _ = rd_kafka_consume_stop(client.topic.pointer, inbox.partition.rawValue)
        inbox.state = .resting
    }

    private mutating func failed(_ inbox: PartitionInbox, _ error: KafkaError) -> ParallaxError {
        stop(inbox)
        inbox.reset(at: inbox.position)
        let place = "offset \(inbox.position) of partition \(inbox.partition) of topic \"\(client.settings.topic)\""
        guard error.kind == .offsetGone else { return error.parallaxError("\(place) cannot be read") }
        let bounds = try? client.bounds(of: [inbox.partition]).first
        return ParallaxError(
            .offsetGone, "\(place) is not in Kafka",
            detail: bounds.map { "Kafka holds offsets from \($0.lowerBound) up to, not including, \($0.upperBound)." } ?? error.words,
            hint: "Kafka's retention removed it before it was read, or the topic was made anew.")
    }

    deinit {
        for inbox in inboxes where inbox.state == .fetching { _ = rd_kafka_consume_stop(client.topic.pointer, inbox.partition.rawValue) }
    }
}
