import CKafka
import ParallaxCore

/// Fetched messages that are ours to free, in slots that are used again and again. They are freed soon after they were taken, while they are in
/// the processor's cache.
struct MessageArray: ~Copyable {
    typealias Message = UnsafeMutablePointer<rd_kafka_message_t>

    /// Few enough to stay in the cache between the library's hands and ours, enough to pay for the queue's lock.
    static let capacity = 1_024
    /// So many are copied before they are freed.
    private static let run = 32

    private let slots: UnsafeMutablePointer<Message?>
    // A client waits for its messages before it goes: they must be freed first.
    private let client: ClientHandle
    private var count = 0

    init(of client: ClientHandle) {
        self.client = client
        slots = .allocate(capacity: Self.capacity)
        slots.initialize(repeating: nil, count: Self.capacity)
    }

    /// Takes what waits in the queue, at most `capacity` messages. Waits until `wanted` are there, as long as `wait`. Returns how many there were.
    /// - Parameter body: gets messages of one partition that came one after another; they are freed when it returns.
    mutating func takeAll(
        from queue: borrowing QueueHandle, waitingFor wanted: Int, _ wait: Duration,
        _ body: (_ partition: Int, UnsafeMutableBufferPointer<Message>) -> Void
    ) -> Int {
        receive(queue, wanted, wait.wholeMilliseconds)
        if count > 0 && wanted < Self.capacity { receive(queue, Self.capacity, 0) }
        let taken = count
        count = 0
        slots.withMemoryRebound(to: Message.self, capacity: taken) { slots in
            var start = 0
            while start < taken {
                let partition = slots[start].pointee.partition
                var end = start + 1
                while end < taken && end - start < Self.run && slots[end].pointee.partition == partition { end += 1 }
                body(Int(partition), UnsafeMutableBufferPointer(start: slots + start, count: end - start))
                for index in start..<end { rd_kafka_message_destroy(slots[index]) }
                start = end
            }
        }
        return taken
    }

    private mutating func receive(_ queue: borrowing QueueHandle, _ wanted: Int, _ milliseconds: Int32) {
        let room = min(wanted, Self.capacity - count)
        guard room > 0 else { return }
        // Negative only for a broken client, and the error would be thread-local: such a client gives nothing and is noticed by its silence.
        count += max(0, rd_kafka_consume_batch_queue(queue.pointer, milliseconds, slots + count, room))
    }

    deinit { slots.deallocate() }
}
