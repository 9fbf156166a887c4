import CKafka
import Foundation
import ParallaxCore
import Testing

@testable import KafkaLog

/// The cluster that `KAFKA_BROKERS` names, with the topics that one test made in it.
final class RealCluster {
    static let brokers = ProcessInfo.processInfo.environment["KAFKA_BROKERS"]

    let brokers: String
    private let client: OpaquePointer
    private var topics: [String] = []

    init() throws {
        brokers = try #require(Self.brokers)
        let configuration = rd_kafka_conf_new()
        #expect(rd_kafka_conf_set(configuration, "bootstrap.servers", brokers, nil, 0) == RD_KAFKA_CONF_OK)
        client = try #require(rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0))
    }

    func makeTopic(partitions: Int) throws -> String {
        let name = "parallax-test-\(UUID().uuidString.lowercased())"
        var made = [rd_kafka_NewTopic_new(name, Int32(partitions), -1, nil, 0)]
        defer { rd_kafka_NewTopic_destroy(made[0]) }
        let answers = try #require(rd_kafka_queue_new(client))
        defer { rd_kafka_queue_destroy(answers) }
        rd_kafka_CreateTopics(client, &made, 1, nil, answers)
        let event = try #require(rd_kafka_queue_poll(answers, 30_000), "the cluster \(brokers) does not answer")
        defer { rd_kafka_event_destroy(event) }
        var count = 0
        let results = try #require(rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count))
        #expect(KafkaError(rd_kafka_topic_result_error(results[0])) == .none)
        topics.append(name)
        return name
    }

    deinit {
        var gone = topics.map { rd_kafka_DeleteTopic_new($0) }
        if let answers = rd_kafka_queue_new(client), !gone.isEmpty {
            rd_kafka_DeleteTopics(client, &gone, gone.count, nil, answers)
            if let event = rd_kafka_queue_poll(answers, 30_000) { rd_kafka_event_destroy(event) }
            rd_kafka_queue_destroy(answers)
        }
        for topic in gone { rd_kafka_DeleteTopic_destroy(topic) }
        rd_kafka_destroy(client)
    }
}
