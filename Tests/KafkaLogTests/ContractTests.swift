import Glibc
import KafkaLog
import ParallaxCore
import TestSupport
import Testing

/// One broker for all tests that do not harm it.
let sharedBroker = Result { () throws(ParallaxError) in try TestBroker(brokers: 3) }

@Suite struct ContractTests {
    @Test(arguments: EventLogContract.allCases)
    func kafkaKeepsTheContract(_ promise: EventLogContract) throws {
        let broker = try sharedBroker.get()
        try promise.check { partitions in
            try KafkaLog(source: "page_view", settings: KafkaSettings(broker, topic: broker.makeTopic(partitions: partitions)))
        }
    }

    /// `KAFKA_BROKERS=host:port make test` runs the same promises on a cluster of yours; its topics are made and taken away.
    @Test(.enabled(if: RealCluster.brokers != nil), arguments: EventLogContract.allCases)
    func aRealClusterKeepsTheContract(_ promise: EventLogContract) throws {
        let cluster = try RealCluster()
        try promise.check { partitions in
            try KafkaLog(
                source: "page_view", settings: KafkaSettings(brokers: cluster.brokers, topic: cluster.makeTopic(partitions: partitions)))
        }
    }
}

extension KafkaSettings {
    /// The mock answers an empty fetch only when the whole wait is over, so it is short here.
    init(_ broker: TestBroker, topic: String, properties: [String: String] = [:]) {
        self.init(
            brokers: broker.bootstrapServers, topic: topic, properties: ["fetch.wait.max.ms": "10"].merging(properties) { $1 })
        readPatience = .seconds(20)
        requestDeadline = .seconds(20)
    }
}
