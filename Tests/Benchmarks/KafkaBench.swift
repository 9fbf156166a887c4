import Catalog
import Foundation
import KafkaLog
import Logging
import ParallaxCore
import Postgres
import ServingViews
import SpeedWorker
import TestSupport
import ViewLanguage

/// `benchmarks --kafka EVENTS.ndjson DEFINITIONS.sql`: what a record from Kafka costs, through a broker process on the same machine: by
/// librdkafka alone (a program in C), by our client, and through the speed layer into PostgreSQL.
///
/// Rounds alternate between the three readers, so that who else uses the machine hits all of them; the median round of each counts.
final class KafkaBench {
    private let lines: [NewRecord]
    private let definitions: Definitions
    private let broker: TestBroker
    private let topic: String
    /// The mock broker keeps 5 MiB a partition.
    private static let partitions = 64
    /// Properties that all three readers share: `PARALLAX_BENCH_PROPERTIES=name=value,name=value` adds some.
    private static let properties: [String: String] = {
        var properties = ["fetch.wait.max.ms": "10"]
        for pair in (ProcessInfo.processInfo.environment["PARALLAX_BENCH_PROPERTIES"] ?? "").split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { properties[String(parts[0])] = String(parts[1]) }
        }
        return properties
    }()
    private static let rounds = 7
    private static let passes = 2
    /// Each measured in a process of its own, so that it has a fresh heap and is charged with nothing but its reading.
    private static let readers: [(name: String, program: String, words: [String], kind: String)] = [
        ("librdkafka alone, in C: received", "bare-consumer", [], "received"),
        ("librdkafka alone, in C: copied", "bare-consumer", [], "copied"),
        ("our client, as a speed worker reads", "benchmarks", ["--read-topic"], "copied"),
        ("librdkafka alone, in C: copied, with headers", "bare-consumer", [], "headers"),
        ("our client, as the archiver reads: with headers", "benchmarks", ["--read-topic"], "headers"),
    ]

    init(_ lines: [NewRecord], _ definitions: Definitions) throws {
        self.lines = lines
        self.definitions = definitions
        broker = try TestBroker()
        topic = try broker.makeTopic(partitions: Self.partitions)
    }

    private var settings: KafkaSettings {
        KafkaSettings(brokers: broker.bootstrapServers, topic: topic, properties: Self.properties)
    }

    func run() async throws -> [Stage] {
        let log = try KafkaLog(source: definitions.sources[0].name, settings: settings)
        var stages = [
            try Stage.measure("produce (idempotent, acks=all)", unit: "records", server: broker.process) {
                for start in stride(from: 0, to: lines.count, by: 8_192) {
                    try log.append(Array(lines[start..<min(lines.count, start + 8_192)]), to: nil)
                }
                return lines.count
            }
        ]
        var rounds: [String: [Stage]] = [:]
        for _ in 0..<Self.rounds {
            for reader in Self.readers { rounds[reader.name, default: []].append(try child(reader)) }
        }
        for reader in Self.readers {
            let sorted = (rounds[reader.name] ?? []).sorted { $0.cpuSeconds < $1.cpuSeconds }
            stages.append(sorted[sorted.count / 2])
        }
        stages.append(try await speedLayer())
        return stages
    }

    /// Processor nanoseconds a record, and what they are of those of the program in C that does the same; all else is compared with the copying one.
    static func report(_ stages: [Stage]) -> String {
        func cost(_ stage: Stage) -> Double { stage.cpuSeconds / Double(stage.count) * 1e9 }
        func reference(_ ending: String) -> Double { stages.first { $0.name.hasSuffix(ending) }.map(cost) ?? .nan }
        let copied = reference("in C: copied")
        let withHeaders = reference("in C: copied, with headers")
        return stages.map { stage in
            let server = stage.serverCPUSeconds.map { String(format: " + %.0f in the server", $0 / Double(stage.count) * 1e9) } ?? ""
            return stage.name.padding(toLength: 52, withPad: " ", startingAt: 0)
                + String(
                    format: "%8.0f k records/s %6.0f ns CPU/record  %.2f x librdkafka", stage.perSecond / 1e3, cost(stage),
                    cost(stage) / (stage.name.contains("with headers") ? withHeaders : copied))
                + server
        }.joined(separator: "\n")
    }

    private func child(_ reader: (name: String, program: String, words: [String], kind: String)) throws -> Stage {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent(reader.program)
        process.arguments =
            reader.words + [broker.bootstrapServers, topic, "\(Self.partitions)", "\(Self.passes)", reader.kind]
            + Self.properties.flatMap { [$0.key, $0.value] }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        process.waitUntilExit()
        guard words.count == 4, let count = Int(words[0]), let wall = Double(words[2]), let cpu = Double(words[3]) else {
            throw ParallaxError(.internalInconsistency, "\(reader.program) said \(words)")
        }
        return Stage(name: reader.name, unit: "records", count: count, seconds: wall, cpuSeconds: cpu)
    }

    private func speedLayer() async throws -> Stage {
        let dsn = try TestCluster.shared.freshDatabase()
        defer { try? TestCluster.shared.drop(dsn) }
        let connection = try Connection(dsn)
        try Catalog.migrate(connection)
        try Catalog(connection).apply(definitions, partitions: [definitions.sources[0].name: Self.partitions]) {
            (connection) throws(ParallaxError) in
            if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
        }
        let logger = Logger(label: "benchmarks") { _ in SwiftLogNoOpLogHandler() }
        var settings = settings
        settings.readsHeaders = false
        let worker = SpeedWorker(
            id: WorkerID(UUID().uuidString.lowercased()), dsn: dsn,
            openLog: { [settings] (source) throws(ParallaxError) in try KafkaLog(source: source.name, settings: settings) }, logger: logger)
        let clock = Stage.Clock(server: try postmaster(connection))
        try await worker.runUntilCaughtUp()
        return clock.stop("speed layer: Kafka to committed rows", unit: "records", count: lines.count)
    }

    private func postmaster(_ connection: Connection) throws -> pid_t? {
        let backend = connection.serverProcess
        guard let text = try? String(contentsOfFile: "/proc/\(backend)/stat", encoding: .utf8), let end = text.lastIndex(of: ")")
        else { return nil }
        return pid_t(text[text.index(after: end)...].split(separator: " ")[1])
    }
}
