import ParallaxCore
import Synchronization
import TestSupport
import Testing

@testable import KafkaLog

/// Kafka's protocol numbers that the tests inject errors for.
enum RequestKind {
    static let produce = 0
    static let fetch = 1
    static let listOffsets = 2
    static let findCoordinator = 10
    static let joinGroup = 11
    static let heartbeat = 12
    static let syncGroup = 14
    static let producerID = 22
}

@Suite struct FaultTests {
    /// NOT_LEADER, timeouts, leader changes while records are written and read: all there, once, in order.
    @Test func errorsOfRequestsAreSurvived() throws {
        let broker = try TestBroker(brokers: 3)
        let topic = try broker.makeTopic(partitions: 1)
        let log = try KafkaLog(source: "s", settings: KafkaSettings(broker, topic: topic))
        var position = Offset.zero
        var seen: [Int64] = []
        for round in 0..<6 {
            // 6 NOT_LEADER_FOR_PARTITION, 7 REQUEST_TIMED_OUT, 14 COORDINATOR_LOAD_IN_PROGRESS
            try broker.tell("errors \(RequestKind.produce) \([6, 7, 19][round % 3]) 2")
            try broker.tell("errors \(RequestKind.fetch) \([6, 5, 3][round % 3]) 1")
            try broker.tell("errors \(RequestKind.listOffsets) 6 1")
            if round % 2 == 1 { try broker.tell("leader \(topic) 0 \(round % 3 + 1)") }
            try log.append((0..<20).map { NewRecord(key: nil, payload: Array("\(round * 20 + $0)".utf8)) }, to: nil)
            let end = try patiently { try log.bounds(of: Partition(0)).upperBound }
            while position < end {
                let batch = try patiently { try log.read(Partition(0), from: position, maxRecords: 7, maxBytes: 1_000) }
                for row in 0..<batch.count { #expect(batch.payloads.string(row) == "\(batch.offsets[row])") }
                seen += batch.offsets
                position = batch.nextOffset
            }
        }
        #expect(seen == (0..<120).map { $0 })
    }

    @Test func aBrokerThatIsDownIsUnavailableAndComesBack() throws {
        let broker = try TestBroker()
        let topic = try broker.makeTopic(partitions: 1)
        var settings = KafkaSettings(broker, topic: topic, properties: ["message.timeout.ms": "1000"])
        settings.readPatience = .milliseconds(300)
        settings.requestDeadline = .seconds(1)
        let log = try KafkaLog(source: "s", settings: settings)
        try log.append([NewRecord(key: nil, payload: [1]), NewRecord(key: nil, payload: [2])], to: nil)
        _ = try patiently { try log.bounds(of: Partition(0)) }
        #expect(try patiently { try log.read(Partition(0), from: .zero, maxRecords: 1, maxBytes: 1) }.offsets == [0])
        try broker.tell("down 1")
        let asked = #expect(throws: ParallaxError.self) { try log.bounds(of: Partition(0)) }
        #expect(asked?.code == .unavailable && asked?.isRetriable == true, "\(asked.map { "\($0)" } ?? "nothing was thrown")")
        let appended = #expect(throws: ParallaxError.self) {
            try log.append((0..<3).map { _ in NewRecord(key: nil, payload: [3]) }, to: Partition(0))
        }
        #expect(appended?.code == .unavailable)
        try broker.tell("up 1")
        #expect(try patiently { try log.read(Partition(0), from: Offset(1), maxRecords: 1, maxBytes: 1) }.offsets == [1])
        try patiently { try log.append([NewRecord(key: nil, payload: [4])], to: nil) }
    }

    @Test func whatWasNotDeliveredIsReported() throws {
        let broker = try TestBroker()
        let topic = try broker.makeTopic(partitions: 2)
        let log = try KafkaLog(source: "s", settings: KafkaSettings(broker, topic: topic, properties: ["message.max.bytes": "1000"]))
        let records = (0..<10).map { NewRecord(key: nil, payload: [UInt8](repeating: 1, count: $0 == 6 ? 2_000 : 10)) }
        let error = #expect(throws: ParallaxError.self) { try log.append(records, to: Partition(1)) }
        #expect(error?.code == .limit)
        #expect(error?.message == "1 of 10 records were not delivered to topic \"\(topic)\"")
        #expect(error?.detail?.contains("number 7 of the call, for partition 1; 9 are in the topic") == true)
        #expect(try log.bounds(of: Partition(1)).upperBound == Offset(9))
        #expect(log.recordsOfFailedAppend == 9)
    }

    /// 29 TOPIC_AUTHORIZATION_FAILED of a produce, 31 CLUSTER_AUTHORIZATION_FAILED of the idempotent producer's number: the right that is missing is what people
    /// hear of, not the queue that was emptied because of it.
    @Test(arguments: [
        (RequestKind.produce, 29, "TOPIC_AUTHORIZATION_FAILED"), (RequestKind.producerID, 31, "CLUSTER_AUTHORIZATION_FAILED"),
    ])
    func aRightThatIsMissingIsNamed(request: Int, code: Int, name: String) throws {
        let broker = try TestBroker()
        let topic = try broker.makeTopic(partitions: 1)
        let log = try KafkaLog(source: "s", settings: KafkaSettings(broker, topic: topic, properties: ["message.timeout.ms": "5000"]))
        try broker.tell("errors \(request) \(code) 1000")
        let error = #expect(throws: ParallaxError.self) {
            try log.append((0..<5).map { _ in NewRecord(key: nil, payload: [1]) }, to: nil)
        }
        #expect(error?.code == .configuration && error?.detail?.contains(name) == true, "\(error.map { "\($0)" } ?? "")")
        #expect(error?.hint?.contains("WRITE") == true, "\(error?.hint ?? "")")
    }

    @Test func noBrokerAtAll() throws {
        var settings = KafkaSettings(brokers: "127.0.0.1:1", topic: "t")
        settings.requestDeadline = .milliseconds(300)
        let log = try KafkaLog(source: "s", settings: settings)
        let error = #expect(throws: ParallaxError.self) { try log.partitions() }
        #expect(error?.code == .unavailable && error?.hint != nil)
    }

    /// Tries again what the error says may be tried again, for a minute.
    @discardableResult
    private func patiently<R>(_ body: () throws -> R) throws -> R {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do { return try body() } catch let error as ParallaxError where error.isRetriable && ContinuousClock.now < deadline {}
        }
    }
}
