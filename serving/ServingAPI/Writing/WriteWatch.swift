import Catalog
import ParallaxCore
import Postgres
import Synchronization

/// What requests that wait for a write share: one question to PostgreSQL a source and 50 ms, whatever their number; none while nobody waits.
final class WriteWatch: Sendable {
    static let believedFor = Duration.milliseconds(50)
    /// Sources that are waited for at a time. Beyond them all are forgotten, and asked again.
    static let maxKept = 1_000

    private struct Seen {
        var positions: AnsweredPositions?
        var at: ContinuousClock.Instant
    }

    private let pool: ConnectionPool
    private let seen = Mutex<[String: Seen]>([:])

    init(pool: ConnectionPool) { self.pool = pool }

    /// Returns when all that the tokens are of seems visible, when it never will be, or when the time is up: the caller looks in a snapshot of its own. Throws where the task
    /// is cancelled.
    func wait(for tokens: [WriteToken], until deadline: ContinuousClock.Instant) async throws {
        var pause = Duration.milliseconds(25)
        while true {
            var isVisible = true
            for token in tokens {
                // PostgreSQL may be away for a while: the caller hears of it when the time is up.
                guard let positions = await positions(token.source) else {
                    isVisible = false
                    continue
                }
                // Of another log: that is the caller's to say.
                guard let progress = try? positions.progress(of: token) else { return }
                if !progress.isVisible { isVisible = false }
            }
            let left = deadline - .now
            guard !isVisible, left > .zero else { return }
            try await Task.sleep(for: min(pause, left))
            // Whoever waits for long looks less often.
            pause = min(pause * 2, .milliseconds(200))
        }
    }

    private func positions(_ source: String) async -> AnsweredPositions? {
        let now = ContinuousClock.now
        let isMine = seen.withLock { seen in
            if let last = seen[source], now - last.at < Self.believedFor { return false }
            if seen.count >= Self.maxKept { seen = [:] }
            // Others believe what was, until this one has asked.
            seen[source, default: Seen(positions: nil, at: now)].at = now
            return true
        }
        if !isMine { return seen.withLock { $0[source]?.positions } }
        let found = try? await pool.run { connection throws(ParallaxError) in
            try Catalog(connection).answeredPositions(ofSources: [source])[source]
        }
        guard let found else { return nil }
        seen.withLock { $0[source] = Seen(positions: found, at: ContinuousClock.now) }
        return found
    }
}

/// What a request with `after` waits for.
struct AwaitedWrites: Sendable {
    static let parameters: [Route.Parameter] = [
        .init(
            name: "after", isRepeated: true,
            words: "The token of a write: the answer comes when the rows hold what was written. Several: all of them."),
        .init(
            name: "wait", words: "How long to wait for it at most, as in 5s; 10s without it. Then the answer is 503 and says how far it is."
        ),
    ]
    /// Of the code of the answer that says: not yet.
    static let notVisible = "not_visible_yet"
    static let defaultWait = Duration.seconds(10)
    static let maxTokens = 16

    var tokens: [WriteToken]
    var wait: Duration

    /// Nil where the request waits for nothing.
    init?(_ request: APIRequest, _ limits: APILimits) throws(Problem) {
        let texts = request.values("after")
        let wait = try request.duration("wait")
        guard !texts.isEmpty else {
            if wait != nil { throw Problem(.badRequest, "invalid_request", "\"wait\" is for \"after\": there is nothing to wait for") }
            return nil
        }
        guard texts.count <= Self.maxTokens else {
            throw Problem(.badRequest, "invalid_request", "there are more than \(Self.maxTokens) tokens in \"after\"")
        }
        for name in ["layer", "as_of_run"] where request.value(name) != nil && request.value(name) != "merged" {
            throw Problem(
                .badRequest, "invalid_request", "\"after\" is about merged rows of now, and \"\(name)\" asks for others",
                hint: "leave one of them out")
        }
        tokens = []
        for text in texts {
            guard let token = WriteToken(text) else {
                throw Problem(
                    .badRequest, "invalid_token", "\"\(text.prefix(40))\" is no token of a write",
                    hint: "it is in the answer to POST /v1/sources/{source}/events")
            }
            tokens.append(token)
        }
        self.wait = wait ?? Self.defaultWait
        guard self.wait <= limits.writeWait else {
            throw Problem(
                .badRequest, "invalid_value", "\"wait\" is \(limits.writeWait.words) at most",
                hint: "ask again with the same token after that")
        }
    }

    /// Throws what keeps the rows of this snapshot from holding it.
    ///
    /// - Parameter sources: those of the view.
    func check(in catalog: Catalog, of view: String, reading sources: [String], until deadline: ContinuousClock.Instant) throws {
        for token in tokens where !sources.contains(token.source) {
            throw Problem(
                .badRequest, "invalid_token", "the token is of source \"\(token.source.prefix(100))\", which \"\(view)\" does not read",
                hint: "it reads " + sources.joined(separator: ", "))
        }
        let positions = try catalog.answeredPositions(ofSources: tokens.map(\.source), until: deadline)
        for token in tokens {
            let progress: WriteProgress
            do throws(ParallaxError) {
                progress = try (positions[token.source] ?? AnsweredPositions(source: token.source)).progress(of: token)
            } catch {
                throw Problem(.conflict, "another_log", error.message, detail: error.detail, hint: error.hint)
            }
            guard !progress.isVisible else { continue }
            var problem = Problem(
                .serviceUnavailable, Self.notVisible, "what was written is not in the rows yet: \(progress.words)", detail: progress.detail,
                hint: "ask again with the same token; parallax status says how far each layer is", retryAfterSeconds: 1)
            problem.members = [("source", .string(token.source))] + progress.json
            throw problem
        }
    }
}
