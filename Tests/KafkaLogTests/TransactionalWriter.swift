import CKafka
import ParallaxCore
import TestSupport
import Testing

@testable import KafkaLog

/// Somebody else's producer: writes in a transaction, which leaves a control record. (Parallax does not write so.)
final class TransactionalWriter {
    private let client: OpaquePointer
    private let topic: String

    init(_ broker: TestBroker, _ topic: String) throws {
        self.topic = topic
        let configuration = rd_kafka_conf_new()
        for (name, value) in ["bootstrap.servers": broker.bootstrapServers, "transactional.id": topic, "log_level": "0"] {
            #expect(rd_kafka_conf_set(configuration, name, value, nil, 0) == RD_KAFKA_CONF_OK)
        }
        client = try #require(rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0))
    }

    func write(_ texts: [String]) throws {
        #expect(KafkaError.take(rd_kafka_init_transactions(client, 10_000)) == .none)
        #expect(KafkaError.take(rd_kafka_begin_transaction(client)) == .none)
        let handle = rd_kafka_topic_new(client, topic, nil)
        defer { rd_kafka_topic_destroy(handle) }
        for text in texts {
            var bytes = Array(text.utf8)
            #expect(rd_kafka_produce(handle, 0, RD_KAFKA_MSG_F_COPY, &bytes, bytes.count, nil, 0, nil) == 0)
        }
        #expect(KafkaError.take(rd_kafka_commit_transaction(client, 10_000)) == .none)
    }

    deinit { rd_kafka_destroy(client) }
}
