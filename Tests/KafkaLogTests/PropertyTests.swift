import ParallaxCore
import TestSupport
import Testing

@testable import KafkaLog

@Suite struct PropertyTests {
    @Test(arguments: [
        ("enable.auto.commit", "true"), ("auto.offset.reset", "latest"), ("enable.idempotence", "false"), ("acks", "1"),
        ("group.id", "g"), ("bootstrap.servers", "x:1"), ("no.such.property", "1"), ("fetch.wait.max.ms", "soon"),
        ("partition.assignment.strategy", "cooperative-sticky"), ("transactional.id", "t"),
    ])
    func whatBreaksAPromiseIsRefused(name: String, value: String) {
        let error = #expect(throws: ParallaxError.self) {
            let settings = KafkaSettings(brokers: "127.0.0.1:1", topic: "t", properties: [name: value])
            _ = try ClientProperties(settings, .reader, library: LibraryVersion(2, 0, 2))
            _ = try KafkaLog(source: "s", settings: settings)
        }
        #expect(error?.code == .configuration && error?.description.contains(name) == true)
    }

    @Test func cooperativeAssignmentIsTakenWhereItIsSound() throws {
        let settings = KafkaSettings(brokers: "b", topic: "t", properties: ["partition.assignment.strategy": "cooperative-sticky"])
        _ = try ClientProperties(settings, .reader, library: LibraryVersion(2, 10, 0))
        #expect(throws: ParallaxError.self) { try ClientProperties(settings, .reader, library: LibraryVersion(2, 9, 9)) }
    }

    @Test func theUsersPropertiesWin() throws {
        let settings = KafkaSettings(
            brokers: "b:9092", topic: "t", properties: ["fetch.wait.max.ms": "7", "security.protocol": "SASL_SSL", "acks": "-1"])
        let values = Dictionary(uniqueKeysWithValues: try ClientProperties(settings, .reader).values)
        #expect(values["fetch.wait.max.ms"] == "7" && values["security.protocol"] == "SASL_SSL")
        #expect(values["bootstrap.servers"] == "b:9092" && values["isolation.level"] == "read_committed")
    }

    @Test(arguments: ["ssl.key.password", "sasl.password", "ssl.key.pem", "sasl.oauthbearer.client.secret"])
    func secretsStayOutOfMessages(name: String) {
        let error = #expect(throws: ParallaxError.self) {
            // Refused at the latest when the client is made.
            let properties = [name: "hunter2", "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "NONE-SUCH"]
            _ = try KafkaLog(source: "s", settings: KafkaSettings(brokers: "b:1", topic: "t", properties: properties))
        }
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test func oldLibrariesAreWarnedAbout() {
        #expect(LibraryVersion(2, 0, 2).warning?.contains("2.0.2") == true)
        #expect(LibraryVersion(2, 16, 0).warning == nil)
        #expect(LibraryVersion.loaded >= LibraryVersion(2, 0, 2))
    }

    @Test func metricsComeFromTheStatistics() {
        var metrics = KafkaMetrics()
        metrics.take("not json")
        #expect(metrics == KafkaMetrics())
        metrics.take(
            """
            {"rxmsgs": 5, "rxmsg_bytes": 60, "txmsgs": 7, "txmsg_bytes": 80, "msg_cnt": 2, "brokers": {
                "a/1": {"nodeid": 1, "state": "UP", "rtt": {"avg": 900}}, "b/2": {"nodeid": 2, "state": "DOWN", "rtt": {"avg": 100}},
                "GroupCoordinator": {"nodeid": -1, "state": "UP"}}}
            """)
        #expect(metrics.recordsRead == 5 && metrics.bytesWritten == 80 && metrics.recordsInFlight == 2)
        #expect(metrics.brokersUp == 1 && metrics.brokersKnown == 2 && metrics.roundTripMicroseconds == 900)
    }
}
