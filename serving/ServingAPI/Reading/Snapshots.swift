import Catalog
import Hummingbird
import NIOCore
import ParallaxCore
import Postgres

/// Reading transactions for requests: one snapshot each, read-only, with an end in time.
struct Snapshots: Sendable {
    let pool: ConnectionPool
    let limits: APILimits

    static let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    /// For the transaction. A plan of a merged view takes longer than an hour of its rows (measured: 2 ms, and 1 ms for 600 rows): so a prepared
    /// statement's plan is kept, whatever its parameters are.
    static let keepingPlans =
        "SELECT pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true), pg_catalog.set_config('statement_timeout', $1, true)"
    /// Where a plan depends on its parameters: each is planned for its own again.
    static let planningAnew = "SELECT pg_catalog.set_config('plan_cache_mode', 'auto', true)"
    /// Milliseconds, of each statement in the transaction.
    static let limit = "SELECT pg_catalog.set_config('statement_timeout', $1, true)"

    /// The body's rows, frontier and everything else are of one instant. The body may throw `Problem` and `ParallaxError`.
    ///
    /// Where the client hangs up, the statement is cancelled.
    ///
    /// - Parameter keepingPlans: a prepared statement's plan serves all parameters (`Snapshots.keepingPlans`).
    func read<R: Sendable>(_ request: APIRequest, keepingPlans: Bool = false, _ body: @escaping @Sendable (Catalog) throws -> R)
        async throws -> R
    {
        let answerBy = request.answerBy
        return try await request.whileConnected { try await read(answerBy: answerBy, keepingPlans: keepingPlans, body) }
    }

    /// For those who watch their client themselves, or have none.
    func read<R: Sendable>(
        answerBy: ContinuousClock.Instant, keepingPlans: Bool = false, _ body: @escaping @Sendable (Catalog) throws -> R
    ) async throws -> R {
        let deadline = APIRequest.deadline(answerBy)
        let outcome: Result<R, Problem> = try await pool.run { connection throws(ParallaxError) in
            let left = (answerBy - .now).microseconds / 1_000
            guard left > 0 else {
                throw ParallaxError(
                    .busy, "no connection to PostgreSQL came free in time",
                    hint: "try again in a moment; serve.connections makes more of them")
            }
            try connection.queryPrepared(Self.begin, until: deadline)
            try connection.queryPrepared(keepingPlans ? Self.keepingPlans : Self.limit, [.text("\(left)")], until: deadline)
            let outcome: Result<R, Problem>
            do {
                outcome = .success(try body(Catalog(connection)))
            } catch let problem as Problem {
                outcome = .failure(problem)
            } catch let error as ParallaxError {
                throw error
            } catch {
                throw ParallaxError(.internalInconsistency, "a request failed", detail: "\(error)")
            }
            // A stream may have gone on for longer than a request may take: its end has time of its own.
            try connection.queryPrepared("COMMIT", until: max(deadline, .now + limits.requestTime))
            return outcome
        }
        return try outcome.get()
    }
}

extension APIRequest {
    /// Runs the body until the client hangs up: then its task is cancelled, and with it whatever it waits for.
    func whileConnected<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
        // A request with a body is read by its own route.
        guard request.method == .get || request.method == .head else { return try await body() }
        return try await hangUps.watch(channel, body)
    }
}
