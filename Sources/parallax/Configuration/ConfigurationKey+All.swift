import KafkaLog

extension ConfigurationKey {
    static let logKind = ConfigurationKey(
        "log.kind", .choice(["embedded", "kafka"]), default: "embedded",
        "Where the events come in. embedded: files in this folder's .parallax/log. kafka: topics of a cluster of yours.")
    static let logPartitions = ConfigurationKey(
        "log.partitions", .integer(1...1_024), default: "1",
        "Partitions of each source's log. It can grow, never shrink.")
    static let logBytesPerSegment = ConfigurationKey(
        "log.bytes_per_segment", .bytes(1_024...(1 << 40)), default: "128MiB",
        "Size at which the log begins a new file. Retention works in whole files.")
    static let logMaxRecordBytes = ConfigurationKey(
        "log.max_record_bytes", .bytes(1...(64 << 20)), default: "16MiB",
        "Largest record; a longer line of an ingested file is reported and passed over.")

    static let logRetention = ConfigurationKey(
        "log.retention", .choice(["processed", "forever"]), default: "processed",
        "processed: after a batch run the log gives up what is archived, below the run's cut and processed by the speed layer.",
        "The archive keeps every record. forever: the log keeps them too.")

    static let logKafkaBrokers = ConfigurationKey(
        "log.kafka.brokers", .text, default: "",
        "With log.kind kafka: host:port of some of the cluster's brokers, with commas between them.")
    static let logKafkaGroup = ConfigurationKey(
        "log.kafka.group", .text, default: "parallax",
        "The consumer group in which speed workers share the partitions. One a pipeline; the source's name is added to it.")

    /// `log.kafka.properties.<name>`: librdkafka's own properties, whatever it has. Not in the table: librdkafka's documentation is their list.
    static let kafkaPropertyPrefix = "log.kafka.properties."
    /// At the end of a property's name: the value is in the file that is named.
    static let kafkaPropertyFileEnding = "_file"

    static func kafkaProperty(_ path: String) -> ConfigurationKey? {
        guard path.hasPrefix(kafkaPropertyPrefix), path != kafkaPropertyPrefix else { return nil }
        return ConfigurationKey(path, .text, default: "", isSecret: KafkaSettings.isSecret(path), "A property of librdkafka.")
    }

    /// `PARALLAX_LOG_KAFKA_PROPERTIES_SASL_PASSWORD` → `log.kafka.properties.sasl.password`. (No property of librdkafka has an underscore.)
    static func kafkaProperty(variable: String) -> ConfigurationKey? {
        let prefix = "PARALLAX_LOG_KAFKA_PROPERTIES_"
        guard variable.hasPrefix(prefix) else { return nil }
        let isFile = variable.hasSuffix("_FILE")
        let name = variable.dropFirst(prefix.count).dropLast(isFile ? 5 : 0).lowercased().replacing("_", with: ".")
        return kafkaProperty(kafkaPropertyPrefix + name + (isFile ? kafkaPropertyFileEnding : ""))
    }

    static let speedFlushInterval = ConfigurationKey(
        "speed.flush_interval", .duration(.milliseconds(10)...(.seconds(60)), offAllowed: false), default: "500ms",
        "How often the speed layer writes what it has gathered: the live views are at most this stale, plus the write.")
    static let speedDuplicateHorizon = ConfigurationKey(
        "speed.duplicate_horizon", .integer(0...100_000_000), default: "200000",
        "Records of the same partition in which the speed layer looks for duplicates of an event. The batch layer finds all.")
    static let speedIdleAfter = ConfigurationKey(
        "speed.idle_after", .duration(.milliseconds(10)...(.seconds(86_400)), offAllowed: false), default: "5s",
        "A partition with nothing new for so long does not hold the watermark back.")
    static let speedMaxFutureSkew = ConfigurationKey(
        "speed.max_future_skew", .duration(.zero...(.seconds(366 * 86_400)), offAllowed: false), default: "1h",
        "An event time further than this after its append time does not move the watermark; others move it at most to their append time.")
    static let speedLease = ConfigurationKey(
        "speed.lease", .duration(.seconds(1)...(.seconds(3_600)), offAllowed: false), default: "15s",
        "How long a worker or a run that hangs keeps what it owns. (One that dies loses it at once, one that works keeps it.)")

    static let lookupRows = ConfigurationKey(
        "lookup.max_rows", .integer(1...1_000_000_000), default: "5000000",
        "Rows of a table that views join. Each worker and each run holds the table in memory; a larger one is an error, and nothing is read meanwhile."
    )
    static let lookupBytes = ConfigurationKey(
        "lookup.max_bytes", .bytes(1...(1 << 44)), default: "512MiB",
        "Bytes of such a table, of the columns that views read, as text.")

    static let batchInterval = ConfigurationKey(
        "batch.interval", .duration(.seconds(1)...(.seconds(366 * 86_400)), offAllowed: true), default: "5 minutes",
        "How often `parallax up` runs the batch layer. off: only `parallax batch run` does.")
    static let batchKeepPublications = ConfigurationKey(
        "batch.keep_publications", .integer(1...1_000), default: "3",
        "Publications that are kept, so that the newest can be taken back with `parallax batch revert`.")
    static let batchKeepComparisons = ConfigurationKey(
        "batch.keep_comparisons", .integer(0...1_000), default: "10",
        "Runs of a source whose comparison of the layers is kept row by row (comparison.<view>). 0: only their figures are kept.")
    static let batchComparisonRows = ConfigurationKey(
        "batch.comparison_rows", .integer(1...10_000_000), default: "10000",
        "Rows that such a comparison keeps of a view; those that differ most come first.")
    static let batchMaxLoss = ConfigurationKey(
        "batch.max_loss_percent", .integer(1...100), default: "50",
        "A run after which more than this share of a source's events, or of a view's rows, would be gone is held for a person. 100: none is."
    )
    static let batchMinInput = ConfigurationKey(
        "batch.min_input_percent", .integer(0...100), default: "90",
        "A run that is computed from fewer events than this share of those of the publication before is held for a person. 0: none is.")
    static let batchMemory = ConfigurationKey(
        "batch.memory_bytes", .bytes((16 << 20)...(1 << 44)), default: "4GiB",
        "Memory for the identities and groups of a run. A run that needs more ends with a message; what was published stays.")

    static let archiveRecordsPerSegment = ConfigurationKey(
        "archive.records_per_segment", .integer(1...100_000_000), default: "1000000",
        "Records after which the archive begins a new Parquet file.")
    static let archiveMinimumAge = ConfigurationKey(
        "archive.minimum_age", .duration(.zero...(.seconds(366 * 86_400)), offAllowed: false), default: "1 minute",
        "How old the oldest waiting record is before `parallax up` archives a file that is not full yet.")

    static let postgresURL = ConfigurationKey(
        "postgres.url", .text, default: "", isSecret: true,
        "A PostgreSQL server of yours, 15 or later (`parallax doctor` names the extensions that it lacks): postgresql://user@host:5432/database.",
        "Not set: a private server in .parallax/postgres, started when needed.")
    static let postgresURLFile = ConfigurationKey(
        "postgres.url_file", .text, default: "",
        "A file that holds postgres.url, so that the password is not in this one.")
    static let postgresTCPPort = ConfigurationKey(
        "postgres.tcp_port", .integer(0...65_535), default: "0",
        "TCP port of the private server on 127.0.0.1. 0: none, only the socket in .parallax.")

    static let serveListen = ConfigurationKey(
        "serve.listen", .text, default: "127.0.0.1:8321",
        "Where the HTTP API listens, as host:port; port 0 takes any that is free. off: `parallax up` has none.")
    static let serveConnections = ConfigurationKey(
        "serve.connections", .integer(1...256), default: "4",
        "Connections to PostgreSQL that the API's requests share. About as many as the server has cores. Where views are followed, one more listens, and up to half",
        "as many more look at what has changed.")
    static let serveWaiting = ConfigurationKey(
        "serve.max_waiting", .integer(0...65_536), default: "256",
        "Requests that may wait for one of them. The next is answered with 503 at once.")
    static let serveClients = ConfigurationKey(
        "serve.max_clients", .integer(1...65_536), default: "4096",
        "Open connections of clients. The next waits until one closes. Where the process may not open as many files (ulimit -n), there are fewer, and the log says so."
    )
    static let serveRequestTime = ConfigurationKey(
        "serve.request_timeout", .duration(.milliseconds(10)...(.seconds(3_600)), offAllowed: false), default: "30s",
        "How long a request may take, its wait for a connection included. An answer that streams may go on for longer.")
    static let serveTemporaryBytes = ConfigurationKey(
        "serve.temporary_bytes", .bytes(65_536...(1 << 44)), default: "1GiB",
        "What a query of the API may write to PostgreSQL's disk while it sorts and groups. The role that Parallax works as must be a superuser, or have been",
        "given the right: GRANT SET ON PARAMETER temp_file_limit TO … .")
    static let serveAuth = ConfigurationKey(
        "serve.auth", .choice(["auto", "tokens", "off"]), default: "auto",
        "Who may ask. auto: anybody on this machine, until a token is made with `parallax token create`; then whoever has one. tokens: whoever has one.",
        "off: anybody on this machine. An address that other machines reach needs a token in any case.")
    static let serveStreams = ConfigurationKey(
        "serve.streams_per_token", .integer(1...65_536), default: "64",
        "Streams, and polls that wait, that one token may have at a time. The next is answered with 429.")
    static let serveBody = ConfigurationKey(
        "serve.max_body", .bytes(1_024...(256 << 20)), default: "32MiB",
        "Largest body of events that are sent to the API, as it comes and decompressed. A larger one is answered with 413.")
    static let serveIngestMemory = ConfigurationKey(
        "serve.ingest_memory", .bytes(65_536...(64 << 30)), default: "128MiB",
        "Memory for such bodies, all together; while they are appended the process takes about twice as much. A body that finds no room is answered with 429."
    )
    static let serveMetricsListen = ConfigurationKey(
        "serve.metrics_listen", .text, default: "127.0.0.1:9321",
        "Where `parallax up` and `parallax serve` tell Prometheus their figures (/metrics), as host:port. Who reaches it needs no token, and gets figures and the names of",
        "sources, views and outputs. off: nowhere.")
    static let serveMaxStreams = ConfigurationKey(
        "serve.max_streams", .integer(0...65_536), default: "3500",
        "Streams, and polls that wait, at a time. The next is answered with 503. Fewer than serve.max_clients, so that others get in.")
    static let serveHeartbeat = ConfigurationKey(
        "serve.heartbeat", .duration(.milliseconds(100)...(.seconds(3_600)), offAllowed: false), default: "15s",
        "How often a stream of /live says that it lives where nothing changes. Proxies close what is silent, most after 60 seconds.")
    static let serveWriteTime = ConfigurationKey(
        "serve.write_timeout", .duration(.milliseconds(10)...(.seconds(3_600)), offAllowed: false), default: "30s",
        "A client that takes nothing of its answer for so long is let go.")

    static let serveMaxRange = ConfigurationKey(
        "serve.max_range", .duration(.seconds(1)...(.seconds(36_525 * 86_400)), offAllowed: true), default: "off",
        "How much time one question to a view with windows may be about, such as 31 days. A longer one, or one without a beginning, is answered with 422. off: any."
    )
    static let serveCORSOrigins = ConfigurationKey(
        "serve.cors_origins", .text, default: "",
        "Origins whose pages may ask the API in a browser (CORS), with commas between them: https://app.example.com, http://localhost:3000. Not set: none.",
        "Where no token is needed, such a page may do whatever anybody on this machine may.")

    static let serveAuditSample = ConfigurationKey(
        "serve.audit_sample", .share, default: "0%",
        "Share of the answers of /rows that are kept, so that `parallax compare VIEW --answers` can say how wrong they were. 0%: none.")
    static let serveAuditRows = ConfigurationKey(
        "serve.audit_rows", .integer(1...100_000_000), default: "100000",
        "Rows of such answers that are kept, all together; the oldest answers go. At most the first 100 rows of one answer are kept.")
    static let serveAuditAge = ConfigurationKey(
        "serve.audit_age", .duration(.seconds(1)...(.seconds(366 * 86_400)), offAllowed: false), default: "7 days",
        "How long they are kept.")

    static let generatorSource = ConfigurationKey(
        "generator.source", .text, default: "",
        "Demo traffic inside `parallax up`: the source that it goes to. Not set: none.")
    static let generatorRate = ConfigurationKey(
        "generator.rate", .integer(1...1_000_000), default: "200",
        "Events a second of that traffic.")
    static let generatorSeed = ConfigurationKey(
        "generator.seed", .integer(0...Int.max), default: "1",
        "The same seed makes the same events.")

    /// In the order of the example and of the reference; a section's keys stand together.
    static let all: [ConfigurationKey] = [
        logKind, logPartitions, logBytesPerSegment, logMaxRecordBytes, logKafkaBrokers, logKafkaGroup, logRetention,
        speedFlushInterval, speedDuplicateHorizon, speedIdleAfter, speedMaxFutureSkew, speedLease,
        lookupRows, lookupBytes,
        batchInterval, batchKeepPublications, batchKeepComparisons, batchComparisonRows, batchMaxLoss, batchMinInput, batchMemory,
        archiveRecordsPerSegment, archiveMinimumAge,
        serveListen, serveConnections, serveWaiting, serveClients, serveRequestTime, serveTemporaryBytes, serveAuth, serveStreams,
        serveBody, serveIngestMemory,
        serveMetricsListen, serveMaxStreams, serveHeartbeat, serveWriteTime,
        serveCORSOrigins, serveMaxRange, serveAuditSample, serveAuditRows, serveAuditAge,
        postgresURL, postgresURLFile, postgresTCPPort,
        generatorSource, generatorRate, generatorSeed,
    ]

    static func named(_ path: String) -> ConfigurationKey? { all.first { $0.path == path } ?? kafkaProperty(path) }
    static let sections: [String] = all.reduce(into: []) { if $0.last != $1.section { $0.append($1.section) } }
}
