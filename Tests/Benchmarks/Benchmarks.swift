import Archive
import BatchLayer
import BatchWorker
import Catalog
import EmbeddedLog
import Foundation
import Glibc
import KafkaLog
import Logging
import MergeLaw
import Operators
import ParallaxCore
import Postgres
import PrivatePostgres
import ServingViews
import SpeedWorker
import TestSupport
import ViewLanguage

/// `benchmarks EVENTS.ndjson DEFINITIONS.sql [--json FILE]`: each stage of an event's way alone, on the same events. With `--kafka` first: the
/// way from Kafka (see `KafkaBench`).
///
/// The figures are for comparing stages and versions in one run on one machine; absolute times on shared machines mean little.
@main
struct Benchmarks {
    static func main() async {
        // As the product does.
        KafkaHeap.keepFreedMemory()
        do {
            var arguments = Array(CommandLine.arguments.dropFirst())
            var jsonPath: String?
            if let flag = arguments.firstIndex(of: "--json"), flag + 1 < arguments.count {
                jsonPath = arguments[flag + 1]
                arguments.removeSubrange(flag...(flag + 1))
            }
            if arguments.first == "--read-topic" { exit(try KafkaReading.run(Array(arguments.dropFirst()))) }
            let isKafka = arguments.first == "--kafka"
            if isKafka { arguments.removeFirst() }
            guard arguments.count == 2 else {
                print("usage: benchmarks [--kafka] EVENTS.ndjson DEFINITIONS.sql [--json FILE]")
                exit(64)
            }
            let bench = try Bench(events: arguments[0], definitions: arguments[1])
            let stages: [Stage]
            if isKafka {
                stages = try await KafkaBench(bench.lines, bench.definitions).run()
                print(KafkaBench.report(stages))
            } else {
                stages = try await bench.run()
            }
            if let jsonPath { try JSONEncoder().encode(stages).write(to: URL(fileURLWithPath: jsonPath)) }
        } catch {
            FileHandle.standardError.write(Data("benchmarks: \(error)\n".utf8))
            exit(70)
        }
    }
}

final class Bench {
    private let folder: TemporaryFolder
    let lines: [NewRecord]
    let definitions: Definitions
    private var stages: [Stage] = []
    private static let batch = 8_192

    init(events: String, definitions path: String) throws {
        folder = try TemporaryFolder()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let compilation = compile([SQLFile(path: path, text: text)])
        guard let definitions = compilation.definitions, !compilation.hasErrors else {
            throw ParallaxError(.definition, compilation.diagnostics.map(\.rendered).joined(separator: "\n"))
        }
        self.definitions = definitions
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: events)))
        // Keys: the event id's place varies, and producers know it without parsing; a running number stands for it here.
        lines = bytes.split(separator: UInt8(ascii: "\n")).enumerated().map {
            NewRecord(key: Array(String($0.offset).utf8), payload: Array($0.element))
        }
    }

    private func record(_ stage: Stage) {
        stages.append(stage)
        func rate(_ value: Double) -> String {
            value >= 1e6 ? String(format: "%.2f M", value / 1e6) : String(format: "%.0f k", value / 1e3)
        }
        let server = stage.serverCPUSeconds.map { String(format: " + %.2f PostgreSQL", $0) } ?? ""
        print(
            stage.name.padding(toLength: 44, withPad: " ", startingAt: 0)
                + "\(rate(stage.perSecond)) \(stage.unit)/s".padding(toLength: 22, withPad: " ", startingAt: 0)
                + "\(rate(stage.perCPUSecond)) /CPU s".padding(toLength: 20, withPad: " ", startingAt: 0)
                + String(format: "%.2f s wall, %.2f s CPU", stage.seconds, stage.cpuSeconds) + server)
        fflush(nil)
    }

    func run() async throws -> [Stage] {
        let source = definitions.sources[0]
        print("\(lines.count) events, \(definitions.views.count) views of \(source.name)")

        let log = try EmbeddedLog(directory: folder.path + "/log", source: source.name, partitions: 4)
        record(
            try Stage.measure("durable append (4 partitions)", unit: "records") {
                for start in stride(from: 0, to: lines.count, by: Self.batch) {
                    try log.append(Array(lines[start..<min(lines.count, start + Self.batch)]), to: nil)
                }
                return lines.count
            })

        var batches: [RecordBatch] = []
        record(try Stage.measure("log read", unit: "records") { try readAll(log) { batches.append($0) } })

        var events: [EventBatch] = []
        let decoder = EventDecoder(source)
        record(
            Stage.measure("JSON to columns", unit: "records") {
                for batch in batches { events.append(decoder.decode(batch)) }
                return lines.count
            })
        batches = []

        for view in definitions.views {
            for layer in [StateLayout.Layer.speed, .batch] {
                let aggregator = ViewAggregator(plan: view.plan, layer: layer)
                record(
                    Stage.measure("operators: \(view.name), \(layer) states", unit: "records") {
                        for batch in events {
                            let rows = (0..<Int32(batch.count)).filter { batch.isRejected[Int($0)] == 0 }
                            _ = aggregator.add(batch, rows: rows)
                        }
                        return lines.count
                    })
                let groups = aggregator.groupCount
                record(
                    Stage.measure("rows to COPY text: \(view.name), \(layer)", unit: "groups") {
                        let rows = aggregator.takeRows()
                        var buffer: [UInt8] = []
                        rows.appendCopyText(rows: 0..<rows.count, prefix: [], to: &buffer)
                        return groups
                    })
            }
        }
        events = []

        let dsn = try TestCluster.shared.freshDatabase()
        defer { try? TestCluster.shared.drop(dsn) }
        let connection = try Connection(dsn)
        let server = try serverProcess(connection)
        try Catalog.migrate(connection)
        let refresh: @Sendable (Connection) throws(ParallaxError) -> Void = { (connection) throws(ParallaxError) in
            if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
        }
        try Catalog(connection).apply(definitions, partitions: [source.name: 4], refreshServing: refresh)

        var logger = Logger(label: "benchmarks") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .error
        let worker = SpeedWorker(
            id: WorkerID(UUID().uuidString.lowercased()), dsn: dsn, openLog: { (_) throws(ParallaxError) in log }, logger: logger)
        let clock = Stage.Clock(server: server)
        try await worker.runUntilCaughtUp()
        record(clock.stop("speed layer: log to PostgreSQL", unit: "records", count: lines.count))
        let statistics = worker.statistics
        print("    \(statistics.flushes) flushes")

        let writer = try ArchiveWriter(directory: folder.path + "/archive", source: source, log: log)
        record(try Stage.measure("archive (decode, Parquet, SHA-256)", unit: "records") { try writer.archive(upTo: nil).records })
        let archive = ParquetArchive(writer: writer, reader: try ArchiveReader(directory: folder.path + "/archive", source: source))

        let batch = BatchWorker(dsn: dsn, log: log, archive: archive, settings: BatchSettings(), logger: logger, refreshServing: refresh)
        var report: RunReport?
        record(
            try Stage.measure("batch run, full (archive to publication)", unit: "records", server: server) {
                report = try batch.run(source: source.name, full: true)
                return lines.count
            })
        for (phase, seconds) in (report?.seconds ?? [:]).sorted(by: { $0.value > $1.value }) {
            print("    \(phase): \(String(format: "%.3f", seconds)) s")
        }
        record(
            try Stage.measure("batch run, nothing new", unit: "runs", server: server) {
                _ = try batch.run(source: source.name, full: false)
                return 1
            })
        return stages
    }

    private func readAll(_ log: EmbeddedLog, _ body: (RecordBatch) -> Void) throws -> Int {
        var count = 0
        for partition in try log.partitions() {
            let bounds = try log.bounds(of: partition)
            var next = bounds.lowerBound
            while next < bounds.upperBound {
                let batch = try log.read(partition, from: next, maxRecords: Self.batch, maxBytes: 16 << 20)
                guard !batch.isEmpty else { break }
                count += batch.count
                next = batch.nextOffset
                body(batch)
            }
        }
        return count
    }

    /// The postmaster: the parent of our backend.
    private func serverProcess(_ connection: Connection) throws -> pid_t? {
        let backend = connection.serverProcess
        guard let text = try? String(contentsOfFile: "/proc/\(backend)/stat", encoding: .utf8), let end = text.lastIndex(of: ")")
        else { return nil }
        return pid_t(text[text.index(after: end)...].split(separator: " ")[1])
    }
}
