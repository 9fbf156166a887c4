import CKafka
import Dispatch
import ParallaxCore
import Synchronization

/// Membership in a consumer group, for its word on who should read which partition. It reads nothing itself.
///
///     joining ─assigned─► steady ─revoked─► giving up ─gaveUp, or its time is over─► joining
///                           └─────lost────► dropping ─gaveUp, or its time is over─► joining
///
/// Not promised: that nobody else has the partition. A member that was stopped for a while learns late that it lost it; two may
/// hold one for a moment. Who may *write* is PostgreSQL's decision (leases and epochs).
public final class KafkaGroupMember: Sendable {
    /// What the group wants of this member now.
    public struct Wish: Sendable, Hashable {
        public enum Demand: Sendable, Hashable {
            case nothing
            /// Others wait for these partitions: write what is in memory, give them back, then call `gaveUp`.
            case giveUp
            /// They are others' already: forget what is in memory, then call `gaveUp`.
            case drop
        }
        public var partitions: Set<Partition> = []
        /// Grows with every assignment.
        public var generation = 0
        /// How often an assignment was lost without a word.
        public var losses = 0
        public var demand = Demand.nothing
        /// Why there is no assignment, in the cluster's words: nil where there is one, or where it may still come.
        public var trouble: ParallaxError?
    }

    private let client: KafkaClient
    private let wish: Wishes

    /// Written by the client's thread, read by the worker's.
    fileprivate final class Wishes: Sendable {
        let current = Mutex(Wish())
        let group: String
        let gaveUp = DispatchSemaphore(value: 0)
        let patience: Duration
        let isClosing = Atomic<Bool>(false)
        init(group: String, patience: Duration) {
            self.group = group
            self.patience = patience
        }
    }

    /// Joins; the first assignment comes when the group has settled (seconds).
    /// - Parameter patience: how long the others wait for a worker that is to give up its partitions. Then they go to the others all the same,
    ///   and what it writes later is fenced.
    public init(
        _ settings: KafkaSettings, group: String, patience: Duration = .seconds(10), listener: @escaping KafkaListener = { _ in }
    ) throws(ParallaxError) {
        let wishes = Wishes(group: group, patience: patience)
        wish = wishes
        client = try KafkaClient(settings, .member(group: group), listener: listener) { event, client, sink in
            guard rd_kafka_event_type(event.pointer) == RD_KAFKA_EVENT_REBALANCE else { return }
            // Whatever it was, it is over: the group has answered.
            sink.lastError.withLock { $0 = nil }
            wishes.rebalance(event, client)
        }
        let topics = rd_kafka_topic_partition_list_new(1)
        defer { rd_kafka_topic_partition_list_destroy(topics) }
        rd_kafka_topic_partition_list_add(topics, settings.topic, RD_KAFKA_PARTITION_UA)
        let code = KafkaError(rd_kafka_subscribe(client.handle.pointer, topics))
        guard code == .none else { throw code.parallaxError("cannot join group \"\(group)\"") }
    }

    public var currentWish: Wish {
        var wish = wish.current.withLock { $0 }
        guard let error = client.lastError else { return wish }
        switch (wish.generation, error.kind) {  // assigned before   what the cluster said        what it means
        case (0, _):  // no                anything                     it may be why
            wish.trouble = self.wish.trouble(error)
        case (_, .configuration):  // yes               it has no right (any more)   it will not come back by itself
            wish.trouble = self.wish.trouble(error)
        default: break  // yes               a broker was lost            it comes back
        }
        return wish
    }

    /// Asks for the group's positions, without joining it: nobody's partitions move. Throws where the cluster does not answer, or does not let us.
    ///
    /// Not promised: that it lets us join. Reading positions takes the right to DESCRIBE a group, joining the right to READ it.
    public static func check(_ settings: KafkaSettings, group: String) throws(ParallaxError) {
        let client = try KafkaClient(settings, .member(group: group), listener: { _ in })
        defer { client.stop() }
        let list = rd_kafka_topic_partition_list_new(1)
        defer { rd_kafka_topic_partition_list_destroy(list) }
        rd_kafka_topic_partition_list_add(list, settings.topic, 0)
        var code = KafkaError(rd_kafka_committed(client.handle.pointer, list, settings.requestDeadline.wholeMilliseconds))
        guard code != .none else { return }
        // While it waits for the coordinator, the connection says why there is none.
        if let said = client.lastError, code.kind == .unavailable { code = said }
        throw Self.refusal(of: group, code)
    }

    fileprivate static func refusal(of group: String, _ error: KafkaError) -> ParallaxError {
        let isForbidden = error.code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED
        return error.parallaxError(
            "the consumer group \"\(group)\" gives no partitions",
            hint: isForbidden ? "Give its user READ on the group: kafka-acls --add --operation Read --group \(group) …" : nil)
    }

    /// The worker's answer to a demand.
    public func gaveUp() {
        let wasAsked = wish.current.withLock { wish in
            defer { wish.demand = .nothing }
            return wish.demand != .nothing
        }
        if wasAsked { wish.gaveUp.signal() }
    }

    /// Tells Kafka where the worker is, for people's lag tools. Nothing of ours reads it; failures are passed over.
    public func committed(_ positions: [Partition: Offset]) {
        guard !positions.isEmpty else { return }
        let list = rd_kafka_topic_partition_list_new(Int32(positions.count))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for (partition, offset) in positions {
            rd_kafka_topic_partition_list_add(list, client.settings.topic, partition.rawValue)?.pointee.offset = offset.rawValue
        }
        _ = rd_kafka_commit(client.handle.pointer, list, 1)
    }

    /// Leaves the group, so that the others need not wait for the session's end. The worker has given up everything before.
    public func close() {
        guard !wish.isClosing.exchange(true, ordering: .relaxed) else { return }
        gaveUp()
        client.stop()
        _ = rd_kafka_consumer_close(client.handle.pointer)
    }
}

extension KafkaGroupMember.Wishes {
    fileprivate func trouble(_ error: KafkaError) -> ParallaxError { KafkaGroupMember.refusal(of: group, error) }

    /// On the client's thread. The group waits for the end of this call, the heartbeats do not.
    fileprivate func rebalance(_ event: borrowing EventLoop.Event, _ client: ClientHandle) {
        let list = rd_kafka_event_topic_partition_list(event.pointer)
        guard rd_kafka_event_error(event.pointer) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, let list else {
            let isLost = rd_kafka_assignment_lost(client.pointer) == 1
            let gone = list.map { Set(partitions($0)) } ?? []
            waitUntilGivenUp(gone, isLost ? .drop : .giveUp)
            answer(client, event, nil)
            return
        }
        // From their ends: without a place, the client would look for one that was committed, and warn of each partition that has none.
        for index in 0..<Int(list.pointee.cnt) { list.pointee.elems[index].offset = Int64(RD_KAFKA_OFFSET_END) }
        answer(client, event, list)
        // Members read nothing: the worker's own client does.
        _ = rd_kafka_pause_partitions(client.pointer, list)
        let added = partitions(list)
        current.withLock { wish in
            wish.partitions = KafkaGroupMember.isCooperative(client) ? wish.partitions.union(added) : Set(added)
            wish.generation += 1
            wish.demand = .nothing
        }
    }

    private func partitions(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> [Partition] {
        (0..<Int(list.pointee.cnt)).map { Partition(rawValue: list.pointee.elems[$0].partition) }
    }

    private func waitUntilGivenUp(_ gone: Set<Partition>, _ demand: KafkaGroupMember.Wish.Demand) {
        let mustWait = current.withLock { wish in
            let had = !wish.partitions.isDisjoint(with: gone)
            wish.partitions.subtract(gone)
            wish.demand = had ? demand : .nothing
            if demand == .drop { wish.losses += 1 }
            return had
        }
        guard mustWait, !isClosing.load(ordering: .relaxed) else { return }
        _ = gaveUp.wait(timeout: .now() + .milliseconds(Int(patience.wholeMilliseconds)))
    }

    /// Every rebalance event must be answered, or the group stands still.
    private func answer(
        _ client: ClientHandle, _ event: borrowing EventLoop.Event, _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    ) {
        guard KafkaGroupMember.isCooperative(client) else {
            _ = rd_kafka_assign(client.pointer, list)
            return
        }
        if let list {
            _ = KafkaError.take(rd_kafka_incremental_assign(client.pointer, list))
        } else if let revoked = rd_kafka_event_topic_partition_list(event.pointer) {
            _ = KafkaError.take(rd_kafka_incremental_unassign(client.pointer, revoked))
        }
    }
}

extension KafkaGroupMember {
    fileprivate static func isCooperative(_ client: ClientHandle) -> Bool {
        rd_kafka_rebalance_protocol(client.pointer).map { String(cString: $0) } == "COOPERATIVE"
    }
}
