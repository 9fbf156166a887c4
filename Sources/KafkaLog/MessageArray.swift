import CKafka
import ParallaxCore

/// Fetched messages that are ours to free, in slots that are used again and again. Each is freed when it is taken, while it is in the
/// processor's cache.
struct MessageArray: ~Copyable {
    typealias Message = UnsafeMutablePointer<rd_kafka_message_t>

    /// Few enough to stay in the cache between the library's hands and ours, enough to pay for the queue's lock.
    static let capacity = 1_024

    private let slots: UnsafeMutablePointer<Message?>
    // A client waits for its messages before it goes: they must be freed first.
    private let client: ClientHandle
    private var count = 0
    private var next = 0

    init(of client: ClientHandle) {
        self.client = client
        slots = .allocate(capacity: Self.capacity)
        slots.initialize(repeating: nil, count: Self.capacity)
    }

    var isExhausted: Bool { next == count }

    /// At most so many messages, when all before were taken. Waits for the first one only; false where none came.
    mutating func refill(from queue: borrowing QueueHandle, atMost wanted: Int, wait: Duration) -> Bool {
        precondition(isExhausted, "\(count - next) messages are left")
        (count, next) = (0, 0)
        // The library's own wait goes on until it has as many as were asked for.
        if wait > .zero { receive(queue, 1, wait.wholeMilliseconds) }
        if wait == .zero || count > 0 { receive(queue, wanted, 0) }
        return count > 0
    }

    private mutating func receive(_ queue: borrowing QueueHandle, _ wanted: Int, _ milliseconds: Int32) {
        let room = min(wanted, Self.capacity) - count
        guard room > 0 else { return }
        // Negative only for a broken client, and the error would be thread-local: such a client gives nothing and is noticed by its silence.
        count += max(0, rd_kafka_consume_batch_queue(queue.pointer, milliseconds, slots + count, room))
    }

    /// Why a walk over the messages stopped.
    enum Stop {
        case exhausted
        /// The next record would go beyond a limit.
        case full
        /// An error stands where the walk stopped; nothing before it is lost. It is taken only where nothing stands before it.
        case failed(KafkaError)
    }

    /// Moves records into the columns, up to the limits; always one where there is one. Records below the columns' next offset (a fault of older
    /// versions of the library may bring them again) are dropped. `end` becomes where the partition ends, if its end is met. Bytes count payloads.
    mutating func take(into columns: inout RecordColumns, end: inout Offset?, maxRecords: Int, maxBytes: Int) -> Stop {
        while next < count {
            guard let message = slots[next] else { preconditionFailure("message \(next) of \(count)") }
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                if message.pointee.offset >= columns.next {
                    if columns.count == maxRecords { return .full }
                    if columns.count > 0 && columns.payloadBytes + message.pointee.len > maxBytes { return .full }
                    columns.append(message)
                }
            case RD_KAFKA_RESP_ERR__PARTITION_EOF:
                // Beyond the last record where control records or aborted ones stand at the end.
                columns.pass(message.pointee.offset)
                end = Offset(message.pointee.offset)
            default:
                let error = KafkaError(message.pointee.err)
                if columns.count == 0 { drop() }
                return .failed(error)
            }
            drop()
        }
        return .exhausted
    }

    private mutating func drop() {
        if let message = slots[next] { rd_kafka_message_destroy(message) }
        next += 1
    }

    mutating func clear() {
        while next < count { drop() }
    }

    deinit {
        for index in next..<count { if let message = slots[index] { rd_kafka_message_destroy(message) } }
        slots.deallocate()
    }
}
