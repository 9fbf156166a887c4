import CKafka
import ParallaxCore
import Synchronization

/// A connection to a cluster for one topic, with no C in its signatures: asks for partitions and offsets, and serves the client's events.
final class KafkaClient: Sendable {
    let settings: KafkaSettings
    let handle: ClientHandle
    let topic: TopicHandle
    private let knownClusterID = Mutex<String?>(nil)
    private let loop: EventLoop
    private let sink: Sink

    /// What events become; shared by the loop's thread and whoever asks.
    final class Sink: Sendable {
        let listener: KafkaListener
        let metrics = Mutex(KafkaMetrics())
        let lastError = Mutex<KafkaError?>(nil)
        init(_ listener: @escaping KafkaListener) { self.listener = listener }
    }

    /// - Parameter onEvent: called on the loop's thread with the events that are not log lines, errors or statistics.
    init(
        _ settings: KafkaSettings, _ role: ClientProperties.Role, listener: @escaping KafkaListener,
        onEvent: @escaping @Sendable (borrowing EventLoop.Event, ClientHandle, Sink) -> Void = { _, _, _ in }
    ) throws(ParallaxError) {
        self.settings = settings
        let properties = try ClientProperties(settings, role)
        var events = RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS
        let type: rd_kafka_type_t
        var isMember = false
        switch role {
        case .producer:
            type = RD_KAFKA_PRODUCER
            events |= RD_KAFKA_EVENT_DR
        case .reader: type = RD_KAFKA_CONSUMER
        case .member:
            type = RD_KAFKA_CONSUMER
            events |= RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT
            isMember = true
        }
        handle = try ClientHandle(properties, type, events: events)
        topic = try TopicHandle(handle, settings.topic)
        // From now on the log lines are events of the main queue.
        let forwarded = rd_kafka_set_log_queue(handle.pointer, nil)
        precondition(forwarded == RD_KAFKA_RESP_ERR_NO_ERROR, "log queue: \(forwarded)")
        if isMember { _ = rd_kafka_poll_set_consumer(handle.pointer) }
        let sink = Sink(listener)
        self.sink = sink
        loop = try EventLoop(handle, isMember: isMember) { [handle] event in
            if !sink.take(event) { onEvent(event, handle, sink) }
        }
    }

    var metrics: KafkaMetrics { sink.metrics.withLock { $0 } }
    /// What the cluster's connections said last, in librdkafka's words: the likely reason when nothing comes.
    var lastTrouble: String? { lastError?.words }
    var lastError: KafkaError? { sink.lastError.withLock { $0 } }

    /// Serves events to the end, then stops serving.
    func stop() { loop.stop() }

    /// Nil where the cluster has none (brokers before 0.10.1). Asks once: librdkafka keeps to the first that it hears.
    func clusterID() throws(ParallaxError) -> String? {
        if let known = knownClusterID.withLock({ $0 }) { return known }
        guard let text = rd_kafka_clusterid(handle.pointer, settings.requestDeadline.wholeMilliseconds) else {
            // It has answered, or the caller hears why not.
            _ = try partitionCount()
            return nil
        }
        defer { rd_kafka_mem_free(handle.pointer, text) }
        let id = String(cString: text)
        knownClusterID.withLock { $0 = id }
        return id
    }

    /// Throws `.missing` where there is no such topic, `.unavailable` where no broker answers.
    func partitionCount() throws(ParallaxError) -> Int {
        var found: UnsafePointer<rd_kafka_metadata>?
        let code = KafkaError(rd_kafka_metadata(handle.pointer, 0, topic.pointer, &found, settings.requestDeadline.wholeMilliseconds))
        defer { if let found { rd_kafka_metadata_destroy(found) } }
        guard code == .none, let found else { throw failed("ask for its partitions", code) }
        guard found.pointee.topic_cnt == 1, let topic = found.pointee.topics?.pointee else {
            throw failed("ask for its partitions", KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC))
        }
        // LEADER_NOT_AVAILABLE: just created, or its brokers are down; the partitions are known all the same, if there are any.
        let trouble = KafkaError(topic.err)
        guard trouble == .none || topic.partition_cnt > 0 else { throw failed("ask for its partitions", trouble) }
        return Int(topic.partition_cnt)
    }

    /// Earliest offsets, and the first that a reader cannot get yet (with read_committed: the last stable offset). Two questions to each leader,
    /// however many partitions it leads.
    ///
    /// Not by rd_kafka_query_watermark_offsets: in 2.0.2 it waits without end for a broker that is down, whatever its timeout.
    func bounds(of partitions: [Partition]) throws(ParallaxError) -> [Range<Offset>] {
        let deadline = ContinuousClock.now + settings.requestDeadline
        let low = try offsets(of: partitions, at: Int64(RD_KAFKA_OFFSET_BEGINNING), until: deadline)
        let high = try offsets(of: partitions, at: Int64(RD_KAFKA_OFFSET_END), until: deadline)
        // Retention may have moved between the two questions.
        return zip(low, high).map { min($0, $1)..<$1 }
    }

    /// `place` is one of Kafka's two special times: -2, the earliest offset, and -1, the end.
    private func offsets(
        of partitions: [Partition], at place: Int64, until deadline: ContinuousClock.Instant
    ) throws(ParallaxError) -> [Offset] {
        let list = rd_kafka_topic_partition_list_new(Int32(partitions.count))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for partition in partitions {
            rd_kafka_topic_partition_list_add(list, settings.topic, partition.rawValue)?.pointee.offset = place
        }
        let left = max(1, (deadline - .now).wholeMilliseconds)
        let code = KafkaError(rd_kafka_offsets_for_times(handle.pointer, list, left))
        var found: [Partition: rd_kafka_topic_partition_t] = [:]
        if let list {
            for index in 0..<Int(list.pointee.cnt) {
                found[Partition(rawValue: list.pointee.elems[index].partition)] = list.pointee.elems[index]
            }
        }
        var offsets: [Offset] = []
        for partition in partitions {
            let entry = found[partition]
            guard code == .none, let entry, entry.err == RD_KAFKA_RESP_ERR_NO_ERROR, entry.offset >= 0 else {
                var trouble = code == .none ? KafkaError(entry?.err ?? RD_KAFKA_RESP_ERR__INVALID_ARG) : code
                if trouble == .none { trouble = KafkaError(RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE) }
                // What newer versions say of a partition while no broker leads it. Whoever asks has seen that the topic has it.
                if trouble.code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION { trouble = KafkaError(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) }
                throw failed("ask for the offsets of partition \(partition)", trouble)
            }
            offsets.append(Offset(entry.offset))
        }
        return offsets
    }

    /// The high watermark as of the last fetch, without asking; nil where nothing was fetched yet. An open transaction's records lie below it.
    func lastKnownEnd(of partition: Partition) -> Offset? {
        var low: Int64 = 0
        var high: Int64 = 0
        let code = rd_kafka_get_watermark_offsets(handle.pointer, settings.topic, partition.rawValue, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? Offset(high) : nil
    }

    private func failed(_ what: String, _ code: KafkaError) -> ParallaxError {
        let isSilent = code.code == RD_KAFKA_RESP_ERR__TRANSPORT || code.code == RD_KAFKA_RESP_ERR__TIMED_OUT
        let reason = isSilent ? sink.lastError.withLock { $0 } : nil
        return code.parallaxError(
            "topic \"\(settings.topic)\": cannot \(what)", detail: reason.map { "The connections say: \($0.words)" },
            hint: code.kind == .missing ? "Create the topic: Parallax does not." : reason?.hint)
    }
}

extension KafkaClient.Sink {
    /// True where the event was one of those that every client has.
    func take(_ event: borrowing EventLoop.Event) -> Bool {
        switch rd_kafka_event_type(event.pointer) {
        case RD_KAFKA_EVENT_LOG:
            var facility: UnsafePointer<CChar>?
            var text: UnsafePointer<CChar>?
            var level: Int32 = 7
            guard rd_kafka_event_log(event.pointer, &facility, &text, &level) == 0, let facility, let text else { return true }
            say(level, String(cString: facility), String(cString: text))
        case RD_KAFKA_EVENT_ERROR:
            let error = KafkaError(rd_kafka_event_error(event.pointer))
            lastError.withLock { $0 = error }
            metrics.withLock { $0.errors += 1 }
            say(4, "ERROR", rd_kafka_event_error_string(event.pointer).map { String(cString: $0) } ?? error.words)
        case RD_KAFKA_EVENT_STATS:
            guard let text = rd_kafka_event_stats(event.pointer) else { return true }
            let json = String(cString: text)
            metrics.withLock { $0.take(json) }
        default: return false
        }
        return true
    }

    /// `level` is syslog's.
    private func say(_ level: Int32, _ facility: String, _ message: String) {
        // One set of properties serves readers and producers; librdkafka remarks on every one that is meant for the other.
        if facility == "CONFWARN", message.contains("will be ignored by this") { return }
        // Commits are for people's lag tools: the next one comes with the next flush, to wherever the coordinator is by then.
        let level = facility == "COMMITFAIL" ? 7 : level
        let kind: KafkaNotice.Level =
            switch level {
            case ...3: .error
            case 4: .warning
            case 5, 6: .info
            default: .debug
            }
        listener(KafkaNotice(level: kind, facility: facility, message: message))
    }
}
