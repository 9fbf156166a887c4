import CKafka
import Dispatch
import Glibc
import ParallaxCore

/// `rd_kafka_t`. Freed when the last of its topics and queues is gone.
///
/// `@unchecked Sendable`: librdkafka's clients may be used from any thread.
final class ClientHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ properties: ClientProperties, _ type: rd_kafka_type_t, events: Int32) throws(ParallaxError) {
        pointer = try ConfigurationHandle(properties, events: events).makeClient(type)
    }

    /// A client that cannot go on, by its own word; nil while it can.
    var fatalError: KafkaError? {
        var trouble = [CChar](repeating: 0, count: 512)
        let code = rd_kafka_fatal_error(pointer, &trouble, trouble.count)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(code)
    }

    /// What freeing a client may take. It waits for the client's own threads; in 2.0.2 one of them may wait without end for a partition whose topic was
    /// deleted meanwhile.
    private static let patience = DispatchTimeInterval.seconds(5)

    /// Never leaves a group here: that would talk to the network. A member says good-bye before (`KafkaGroupMember.close`).
    ///
    /// On a thread of its own, so that a client which cannot be freed costs its memory and not the end of the process.
    deinit {
        let work = Unmanaged.passRetained(Destruction(pointer))
        let ended = work.takeUnretainedValue().ended
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Destruction>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, work.toOpaque())
        guard code == 0 else { return work.takeRetainedValue().run() }
        pthread_detach(thread)
        _ = ended.wait(timeout: .now() + Self.patience)
    }

    /// `@unchecked Sendable`: the pointer is handed over, from the handle that ends to the thread that frees it.
    private final class Destruction: @unchecked Sendable {
        private let pointer: OpaquePointer
        let ended = DispatchSemaphore(value: 0)
        init(_ pointer: OpaquePointer) { self.pointer = pointer }

        func run() {
            rd_kafka_destroy_flags(pointer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
            ended.signal()
        }
    }
}
