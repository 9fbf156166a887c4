import CKafka
import ParallaxCore

// The owners of librdkafka's objects. Each frees its object once; those that live inside a client keep that client.

/// `rd_kafka_conf_t`: filled in, then handed over to a client.
struct ConfigurationHandle: ~Copyable {
    private let pointer: OpaquePointer

    init(_ properties: ClientProperties, events: Int32) throws(ParallaxError) {
        pointer = rd_kafka_conf_new()
        for (name, value) in properties.values { try set(name, value) }
        try set("log.queue", "true")
        rd_kafka_conf_set_events(pointer, events)
    }

    private func set(_ name: String, _ value: String) throws(ParallaxError) {
        var trouble = [CChar](repeating: 0, count: 512)
        let result = rd_kafka_conf_set(pointer, name, value, &trouble, trouble.count)
        guard result != RD_KAFKA_CONF_OK else { return }
        // librdkafka's message may quote the value.
        let words = ClientProperties.isSecret(name) ? "its value is not shown" : String(decodingCString: trouble)
        throw ParallaxError(
            .configuration,
            result == RD_KAFKA_CONF_UNKNOWN
                ? "librdkafka \(LibraryVersion.loaded) has no property \"\(name)\"" : "librdkafka does not take the value of \"\(name)\"",
            detail: words, hint: "See librdkafka's CONFIGURATION.md for its properties.")
    }

    /// Makes the client; the configuration is its own from then on.
    consuming func makeClient(_ type: rd_kafka_type_t) throws(ParallaxError) -> OpaquePointer {
        var trouble = [CChar](repeating: 0, count: 512)
        let client = rd_kafka_new(type, pointer, &trouble, trouble.count)
        let unused = pointer
        discard self
        guard let client else {
            // Only then it is still ours.
            rd_kafka_conf_destroy(unused)
            throw ParallaxError(
                .configuration, "librdkafka cannot make a client of these properties", detail: String(decodingCString: trouble))
        }
        return client
    }

    deinit { rd_kafka_conf_destroy(pointer) }
}

/// `rd_kafka_queue_t`.
struct QueueHandle: ~Copyable {
    let pointer: OpaquePointer
    private let client: ClientHandle

    init(newOf client: ClientHandle) {
        self.client = client
        pointer = rd_kafka_queue_new(client.pointer)
    }

    init(mainOf client: ClientHandle) {
        self.client = client
        pointer = rd_kafka_queue_get_main(client.pointer)
    }

    /// The queue of a group member: its main queue flows into it.
    init(consumerOf client: ClientHandle) {
        self.client = client
        pointer = rd_kafka_queue_get_consumer(client.pointer)
    }

    deinit { rd_kafka_queue_destroy(pointer) }
}

/// `rd_kafka_topic_t`.
/// `@unchecked Sendable`: librdkafka's topic objects may be used from any thread.
struct TopicHandle: ~Copyable, @unchecked Sendable {
    let pointer: OpaquePointer
    private let client: ClientHandle

    init(_ client: ClientHandle, _ name: String) throws(ParallaxError) {
        // Fails on an empty or overlong name only; the reason would be in a thread-local variable.
        guard let topic = rd_kafka_topic_new(client.pointer, name, nil) else {
            throw ParallaxError(.configuration, "\"\(name)\" cannot be a topic's name")
        }
        pointer = topic
        self.client = client
    }

    deinit { rd_kafka_topic_destroy(pointer) }
}

extension Duration {
    var wholeMilliseconds: Int32 {
        let (seconds, attoseconds) = max(.zero, self).components
        return Int32(clamping: Int64(clamping: seconds) &* 1_000 + attoseconds / 1_000_000_000_000_000)
    }
}

extension String {
    /// Up to the terminating zero.
    init(decodingCString characters: [CChar]) {
        self.init(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
