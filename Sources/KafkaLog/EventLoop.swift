import CKafka
import Glibc
import ParallaxCore
import Synchronization

/// The one thread that serves a client's events: log lines, errors, statistics, delivery reports, rebalances.
///
///     running ─stop()─► the handler is not called again, the thread has ended
final class EventLoop: Sendable {
    /// One of librdkafka's events, for the length of the handler's call.
    struct Event: ~Copyable {
        let pointer: OpaquePointer
        deinit { rd_kafka_event_destroy(pointer) }
    }

    private let work: Work
    private let thread: Mutex<pthread_t?>

    private final class Work: Sendable {
        let client: ClientHandle
        let isMember: Bool
        let handle: @Sendable (borrowing Event) -> Void
        let isStopped = Atomic<Bool>(false)
        init(_ client: ClientHandle, isMember: Bool, _ handle: @escaping @Sendable (borrowing Event) -> Void) {
            self.client = client
            self.isMember = isMember
            self.handle = handle
        }

        func run() {
            let queue = isMember ? QueueHandle(consumerOf: client) : QueueHandle(mainOf: client)
            while !isStopped.load(ordering: .acquiring) {
                if let event = rd_kafka_queue_poll(queue.pointer, 100) { handle(Event(pointer: event)) }
            }
        }
    }

    /// - Parameter isMember: a group member's rebalances come on its consumer queue, and with them everything else.
    init(
        _ client: ClientHandle, isMember: Bool = false, _ handle: @escaping @Sendable (borrowing Event) -> Void
    ) throws(ParallaxError) {
        work = Work(client, isMember: isMember, handle)
        let context = Unmanaged.passRetained(work)
        var started = pthread_t()
        let code = pthread_create(
            &started, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw ParallaxError(.limit, "cannot start a thread for a Kafka client: \(String(cString: strerror(code)))", isRetriable: true)
        }
        thread = Mutex(started)
    }

    /// Returns when the handler is not running and will not run again. Not from the handler.
    func stop() {
        work.isStopped.store(true, ordering: .releasing)
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let running { pthread_join(running, nil) }
    }

    deinit { stop() }
}
