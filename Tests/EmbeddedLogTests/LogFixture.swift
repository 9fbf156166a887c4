import Foundation
import ParallaxCore
import Testing
import TestSupport

@testable import EmbeddedLog

/// A log in a folder of its own, and what tests do to its files behind its back.
final class LogFixture: Sendable {
    let folder: TemporaryFolder
    let limits: EmbeddedLogLimits

    static let lane = Partition(0)

    init(_ change: (inout EmbeddedLogLimits) -> Void = { _ in }) throws {
        folder = try TemporaryFolder("log")
        var limits = EmbeddedLogLimits()
        change(&limits)
        self.limits = limits
    }

    func open(
        partitions: Int = 1, faults: LogFaults = LogFaults(), onRecovery: @escaping @Sendable (LogRecovery) -> Void = { _ in }
    ) throws -> EmbeddedLog {
        try EmbeddedLog(
            directory: folder.path, source: "s", partitions: partitions, limits: limits, clock: { Instant(microseconds: 1_000_000) },
            onRecovery: onRecovery, faults: faults)
    }

    func openForReading() throws -> EmbeddedLog { try EmbeddedLog(readingFrom: folder.path, source: "s") }

    func path(_ name: String) -> String { folder.path("s/0/\(name)") }

    func segment(_ base: Int) -> String { path(String(repeating: "0", count: 20 - String(base).count) + "\(base).log") }

    func bytes(of path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

    func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

    func segments() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path("s/0")).filter { $0.hasSuffix(".log") }.sorted()
    }

    /// Appends that are synced and never published: what a process that dies in between leaves.
    func appendAndDie(_ records: [NewRecord]) throws {
        let died = ParallaxError(.cancelled, "the process died here")
        let log = try open(faults: LogFaults(beforePublish: { (_) throws(ParallaxError) in throw died }))
        do {
            try log.append(records, to: Self.lane)
            Issue.record("the append should have died")
        } catch { #expect(error == died) }
    }
}

func records(_ range: Range<Int>, bytes: Int = 0) -> [NewRecord] {
    range.map { NewRecord(key: Array("k\($0)".utf8), payload: Array("{\"n\":\($0)}".utf8) + [UInt8](repeating: 32, count: bytes)) }
}

/// All payloads of a partition from `offset` on, read in small pieces.
func payloads(_ log: any EventLog, _ partition: Partition = LogFixture.lane, from offset: Offset? = nil) throws -> [String] {
    var next = try offset ?? log.bounds(of: partition).lowerBound
    var found: [String] = []
    while true {
        let batch = try log.read(partition, from: next, maxRecords: 7, maxBytes: 1 << 20)
        if batch.isEmpty { return found }
        found += (0..<batch.count).map { batch.payloads.string($0) }
        next = batch.nextOffset
    }
}

func texts(_ range: Range<Int>) -> [String] { range.map { "{\"n\":\($0)}" } }

/// The error that `body` throws.
func refusal<T>(_ body: () throws -> T) -> ParallaxError? {
    do {
        _ = try body()
        return nil
    } catch { return error as? ParallaxError }
}
