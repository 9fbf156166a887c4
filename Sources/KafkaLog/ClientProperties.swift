import ParallaxCore

/// The properties that a client is made with: ours, then the user's on top of them.
///
/// Every property of librdkafka may be given, but for those on which a promise of ours rests: for them only the value that
/// keeps it is taken, and anything else is refused with the reason.
struct ClientProperties {
    enum Role { case reader, producer, member(group: String) }

    /// In the order in which they are set.
    let values: [(name: String, value: String)]

    /// Throws `.configuration`.
    init(_ settings: KafkaSettings, _ role: Role, library: LibraryVersion = .loaded) throws(ParallaxError) {
        var values = Self.defaults(role, library)
        values["bootstrap.servers"] = settings.brokers
        for (name, value) in settings.properties {
            if let fixed = Self.fixed[name], !fixed.values.contains(value) {
                throw ParallaxError(
                    .configuration, "Kafka property \"\(name)\" cannot be \"\(value)\": \(fixed.reason)",
                    hint: "Leave it out: it is \(fixed.values[0]).")
            }
            if let reason = Self.ours[name] {
                throw ParallaxError(.configuration, "Kafka property \"\(name)\" cannot be set: \(reason)")
            }
            if name == "partition.assignment.strategy" { try Self.check(strategy: value, library) }
            values[name] = value
        }
        self.values = values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func defaults(_ role: Role, _ library: LibraryVersion) -> [String: String] {
        var values = [
            "client.id": "parallax",
            "log.connection.close": "false",
            "statistics.interval.ms": "5000",
            // A lost broker is looked for again soon: the views' freshness waits for it.
            "reconnect.backoff.ms": "50",
            "reconnect.backoff.max.ms": "2000",
        ]
        switch role {
        case .producer:
            values["enable.idempotence"] = "true"
            values["acks"] = "all"
            values["linger.ms"] = "5"
            values["message.timeout.ms"] = "120000"
        case .reader:
            values.merge(Self.reading) { $1 }
        case .member(let group):
            values.merge(Self.reading) { $1 }
            values["group.id"] = group
            values["partition.assignment.strategy"] = "range,roundrobin"
            values["session.timeout.ms"] = "15000"
            values["heartbeat.interval.ms"] = "2000"
            values["topic.metadata.refresh.interval.ms"] = "30000"
        }
        return values
    }

    private static let reading = [
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        "enable.partition.eof": "true",
        "check.crcs": "true",
        "fetch.wait.max.ms": "100",
        "fetch.error.backoff.ms": "100",
        // What librdkafka fetches ahead of the reader. Our readers have one queue for all partitions, so that these two count all of it. Not much less:
        // where this much is waiting, nothing more is fetched for a second, however soon the queue is empty (fixed before 2.2, then
        // `fetch.queue.backoff.ms`), and a second's worth should be there.
        "queued.max.messages.kbytes": "131072",
        "queued.min.messages": "1000000",
    ]

    private static let fixed: [String: (values: [String], reason: String)] = [
        "auto.offset.reset": (["error"], "a position that Kafka no longer has is an error that someone sees, never a jump"),
        "enable.auto.commit": (["false"], "positions live in PostgreSQL, in the transaction that writes what was read"),
        "enable.auto.offset.store": (["false"], "positions live in PostgreSQL, in the transaction that writes what was read"),
        "enable.partition.eof": (["true"], "the end of a partition is how a reader knows that it has everything"),
        "enable.idempotence": (["true"], "a retry could append records twice"),
        "acks": (["all", "-1"], "a record is in the log when every replica in sync has it"),
        "request.required.acks": (["all", "-1"], "a record is in the log when every replica in sync has it"),
    ]

    private static let ours = [
        "bootstrap.servers": "give the brokers as log.kafka.brokers",
        "metadata.broker.list": "give the brokers as log.kafka.brokers",
        "group.id": "give the group as log.kafka.group",
        "transactional.id": "Parallax writes without transactions",
        "log.queue": "the client's own loop reads it",
        "test.mock.num.brokers": "that would replace the cluster by a pretended one",
    ]

    private static func check(strategy: String, _ library: LibraryVersion) throws(ParallaxError) {
        guard strategy.contains("cooperative-sticky"), library < LibraryVersion.soundCooperativeRebalance else { return }
        throw ParallaxError(
            .configuration, "cooperative-sticky assignment cannot be used with librdkafka \(library)",
            detail: "Before \(LibraryVersion.soundCooperativeRebalance) it loses assignments and may loop without end.",
            hint: "Leave partition.assignment.strategy out: it is range,roundrobin.")
    }

    static func isSecret(_ name: String) -> Bool { KafkaSettings.isSecret(name) }
}

extension KafkaSettings {
    /// Whether a property's value must never be shown.
    public static func isSecret(_ name: String) -> Bool {
        let marks = ["password", "secret", "key.pem", "keystore", "oauthbearer.config", "sasl.jaas", "private", "token"]
        return marks.contains { name.contains($0) } && !name.hasSuffix(".location") && !name.hasSuffix(".url") && !name.hasSuffix("_file")
    }
}
