import CKafka
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

    // Never leaves a group here: that would talk to the network. A member says good-bye before (`GroupMember.close`).
    deinit { rd_kafka_destroy_flags(pointer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
}
