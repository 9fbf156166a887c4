import Catalog
import Dispatch
import Logging
import ParallaxCore
import Postgres
import ServiceLifecycle
import Synchronization

/// What is kept of the answers that are given, so that later runs can tell how wrong they were.
public struct AuditSettings: Sendable {
    /// Of the answers: 0, none.
    public var share = 0.0
    /// Rows of one answer. More are not kept, and then nothing is said of rows that it lacked.
    public var rowsPerAnswer = 100
    /// The same of their texts.
    public var bytesPerAnswer = 64 << 10
    /// Rows of all answers that are kept; the oldest answers go.
    public var rows = 100_000
    public var age = Duration.seconds(7 * 86_400)
    /// Answers that wait to be written. The next is not kept.
    public var waiting = 64
    public init() {}
}

/// Writes the sample down: on a thread and a connection of its own, which may write what the requests' may not. No request waits for it, nor fails because of it:
/// where it cannot keep up, or cannot write, answers are left out of the sample, and counted.
final class AnswerAudit: Sendable {
    struct Figures: Sendable {
        var kept = 0
        var rows = 0
        /// Too many waited.
        var dropped = 0
        /// They could not be written.
        var failed = 0
    }

    private struct State {
        var waiting: [ServedAnswer] = []
        var figures = Figures()
        var isEnded = false
    }

    /// A statement of the writer's; what waits for a lock for longer is not kept.
    private static let patienceMilliseconds = 5_000
    /// Old answers are looked for so often, where nothing else asks for it.
    private static let pruneEvery = Duration.seconds(60)

    let settings: AuditSettings
    private let connect: ConnectionPool.Connect
    private let random: @Sendable () -> Double
    private let logger: Logger
    private let state = Mutex(State())
    private let bell = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - random: below 1; at or below the share: an answer is kept.
    ///   - connect: as a role that may write control tables.
    init(
        _ settings: AuditSettings, logger: Logger, random: @escaping @Sendable () -> Double = { .random(in: 0..<1) },
        connect: @escaping ConnectionPool.Connect
    ) {
        self.settings = settings
        self.logger = logger
        self.random = random
        self.connect = connect
    }

    var figures: Figures { state.withLock { $0.figures } }

    /// Whether the next answer is one of the sample.
    var isNextSampled: Bool { settings.share > 0 && random() < settings.share }

    /// To be written, if there is room.
    func offer(_ answer: ServedAnswer) {
        let isTaken = state.withLock { state in
            guard !state.isEnded, state.waiting.count < settings.waiting else {
                state.figures.dropped += 1
                return false
            }
            state.waiting.append(answer)
            return true
        }
        if isTaken { bell.signal() }
    }

    /// What waits then is still written, where that goes well.
    private func end() {
        state.withLock { $0.isEnded = true }
        bell.signal()
    }

    private func next() -> (answer: ServedAnswer, isEnded: Bool)? {
        while true {
            bell.wait()
            let (answer, isEnded) = state.withLock { state in
                (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), state.isEnded)
            }
            if let answer { return (answer, isEnded) }
            if isEnded { return nil }
        }
    }

    private func loop() {
        var session = Session()
        var isFailing = false
        while let (answer, isEnded) = next() {
            do throws(ParallaxError) {
                try write(answer, &session)
                if isFailing { logger.info("answers are kept again") }
                isFailing = false
            } catch {
                state.withLock { $0.figures.failed += 1 }
                if !isFailing { logger.warning("a served answer was not kept", metadata: ["error": "\(error.message)"]) }
                isFailing = true
                // Nobody waits for a server that is gone.
                if isEnded { break }
            }
        }
        session.connection?.close()
    }

    private struct Session {
        var connection: Connection?
        var rowsSincePruning = 0
        var prunedAt: ContinuousClock.Instant?
    }

    private func write(_ answer: ServedAnswer, _ session: inout Session) throws(ParallaxError) {
        let isOld = session.connection != nil
        do throws(ParallaxError) {
            try keep(answer, &session)
        } catch {
            session.connection?.close()
            session.connection = nil
            // Somebody may have ended the session since the answer before.
            guard isOld, error.isRetriable || error.code == .unavailable else { throw error }
            try keep(answer, &session)
        }
        state.withLock { state in
            state.figures.kept += 1
            state.figures.rows += answer.rows.count
        }
        session.rowsSincePruning += max(1, answer.rows.count)
        let now = ContinuousClock.now
        // So the table is never larger by more than a tenth.
        guard session.rowsSincePruning * 10 >= settings.rows || session.prunedAt.map({ now - $0 >= Self.pruneEvery }) ?? true else {
            return
        }
        session.rowsSincePruning = 0
        session.prunedAt = now
        guard let connection = session.connection else { return }
        try Catalog(connection).pruneAnswers(toRows: settings.rows)
        try Catalog(connection).pruneAnswers(olderThan: settings.age)
    }

    private func keep(_ answer: ServedAnswer, _ session: inout Session) throws(ParallaxError) {
        let connection: Connection
        if let open = session.connection, open.isOpen {
            connection = open
        } else {
            connection = try connect()
            session.connection = connection
            // What a crash of the server takes away of a sample is no loss.
            try connection.execute("SET synchronous_commit = off; SET statement_timeout = \(Self.patienceMilliseconds); SET jit = off")
        }
        try Catalog(connection).keep(answer)
    }
}

extension AnswerAudit: Service {
    /// Until the server ends.
    func run() async throws {
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await onOwnThread(name: "answer audit") { self.loop() }
        } onCancelOrGracefulShutdown: {
            self.end()
        }
    }
}
