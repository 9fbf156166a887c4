import Operators
import ParallaxCore
import Synchronization
import ViewLanguage

/// What a program that runs for long appends to: each source's log is opened once, by the first who writes to it.
///
/// Any number of threads may append. Those that come while others' records are on their way to the disk share the next sync (see `LogWriter`); another process,
/// such as `parallax ingest`, takes its turn between.
///
///     appended returns ⟹ every record of the body is durable, and the token's ends are behind all of them
///
/// Not promised: that nothing of a body is in the log whose append threw. Whoever sends it again adds copies, which have the same identity.
public final class LogAppends: Sendable {
    public typealias Open = @Sendable (SourceDefinition) throws(ParallaxError) -> any EventLog

    /// Line numbers that an answer names, for each reason.
    public static let linesPerReason = 100

    private let open: Open
    private let limits: EventBody.Limits
    private let logs = Mutex<[String: Slot]>([:])

    /// A log that takes long to open keeps others of its own source waiting.
    private final class Slot: Sendable {
        let log = Mutex<(any EventLog)?>(nil)
        let topic: String
        init(topic: String) { self.topic = topic }
    }

    public init(_ limits: EventBody.Limits = .init(), open: @escaping Open) {
        self.limits = limits
        self.open = open
    }

    public struct Appended: Sendable {
        public var totals: IngestionTotals
        /// Nil: nothing was written.
        public var token: WriteToken?
    }

    /// Blocks until all of the body is durable.
    ///
    /// - Parameters:
    ///   - expected: the log that the source's positions belong to. Where another one is in its place, nobody would read what is appended: `.anotherLog`.
    ///   - reserve: see `EventBody`.
    public func append(
        _ body: EventBody, to source: SourceDefinition, expecting expected: LogIdentity?,
        reserve: (Int) throws(ParallaxError) -> Void = { (_) throws(ParallaxError) in }
    ) throws(ParallaxError) -> Appended {
        let payloads = try body.payloads(limits, reserve: reserve)
        guard payloads.column.count > 0 else { return Appended(totals: IngestionTotals(), token: nil) }
        let intake = RecordIntake(payloads.column, lines: payloads.numbers, headers: [], source, EventDecoder(source))
        let slot = slot(source)
        do throws(ParallaxError) {
            let log = try self.log(source, slot)
            try Self.check(try log.identity(), expected, source)
            let ranges = try log.append(intake.records, to: nil)
            // A log that took the place of ours meanwhile has the records: its own name goes with their offsets, or nobody reads them.
            let identity = try log.identity()
            try Self.check(identity, expected, source)
            var totals = IngestionTotals()
            totals.add(intake, ranges, keeping: Self.linesPerReason)
            return Appended(totals: totals, token: WriteToken(source: source.name, log: identity, ends: totals.ends))
        } catch {
            // What was opened is not there any more: the next one opens what is.
            if error.code == .anotherLog || error.code == .missing { slot.log.withLock { $0 = nil } }
            throw error
        }
    }

    private func slot(_ source: SourceDefinition) -> Slot {
        logs.withLock { logs in
            if let slot = logs[source.name], slot.topic == source.topic { return slot }
            let slot = Slot(topic: source.topic)
            logs[source.name] = slot
            return slot
        }
    }

    private func log(_ source: SourceDefinition, _ slot: Slot) throws(ParallaxError) -> any EventLog {
        try slot.log.withLock { (log) throws(ParallaxError) in
            if let log { return log }
            let opened = try open(source)
            log = opened
            return opened
        }
    }

    private static func check(_ found: LogIdentity, _ expected: LogIdentity?, _ source: SourceDefinition) throws(ParallaxError) {
        guard let expected else { return }
        try LogCheck.checkIdentity(source: source.name, expected: expected, found: found)
    }
}
