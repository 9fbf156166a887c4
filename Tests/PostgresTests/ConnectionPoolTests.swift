import Foundation
import ParallaxCore
import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite struct ConnectionPoolTests {
    private func pool(_ dsn: String, connections: Int = 2, waiting: Int = 16, wait: Duration = .seconds(30)) throws -> ConnectionPool {
        var limits = ConnectionPool.Limits()
        limits.connections = connections
        limits.waiting = waiting
        limits.wait = wait
        return try ConnectionPool(limits) { () throws(ParallaxError) in try Connection(dsn) }
    }

    private func withDatabase(_ body: (String) async throws -> Void) async throws {
        let dsn = try TestCluster.shared.freshDatabase()
        do { try await body(dsn) } catch {
            try? TestCluster.shared.drop(dsn)
            throw error
        }
        try? TestCluster.shared.drop(dsn)
    }

    /// Until somebody opens it, statements of other sessions wait here.
    private static let gate = "SELECT pg_advisory_xact_lock_shared(77)"

    @Test func manyShareAFewConnections() async throws {
        try await withDatabase { dsn in
            let pool = try pool(dsn, connections: 3, waiting: 200)
            let sum = try await withThrowingTaskGroup(of: Int64.self) { group in
                for number in 1...200 {
                    group.addTask {
                        try await pool.run { connection throws(ParallaxError) in
                            try connection.queryPrepared("SELECT $1::bigint", [.int(Int64(number))]).rows[0].int(0)
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 200 * 201 / 2)
            // An answer is on its way before its worker is free.
            #expect(becomesTrue { pool.statistics.busy == 0 })
            let statistics = pool.statistics
            #expect(statistics.connects <= 3 && statistics.jobs == 200 && statistics.waiting == 0)
            pool.close()
        }
    }

    /// One at work, which waits for the gate, and a line of one place.
    private func withBusyPool(_ dsn: String, wait: Duration, _ body: (ConnectionPool) async throws -> Void) async throws {
        let holder = try Connection(dsn)
        try holder.execute("BEGIN; SELECT pg_advisory_xact_lock(77)")
        let pool = try pool(dsn, connections: 1, waiting: 1, wait: wait)
        let gate = Self.gate
        let stuck = Task { try await pool.run { connection throws(ParallaxError) in try connection.execute(gate).rows.count } }
        #expect(becomesTrue { pool.statistics.busy == 1 })
        try await body(pool)
        try holder.execute("COMMIT")
        _ = try await stuck.value
        pool.close()
    }

    private func ask(_ pool: ConnectionPool) async throws -> Int {
        try await pool.run { connection throws(ParallaxError) in try connection.execute("SELECT 1").rows.count }
    }

    @Test func aFullLineIsAnErrorAtOnce() async throws {
        try await withDatabase { dsn in
            try await withBusyPool(dsn, wait: .seconds(600)) { pool in
                let inLine = Task { try await ask(pool) }
                #expect(becomesTrue { pool.statistics.waiting == 1 })
                let refused = await #expect(throws: ParallaxError.self) { try await ask(pool) }
                #expect(refused?.code == .busy && refused?.message.contains("wait for a connection to PostgreSQL already") == true)
                #expect(pool.statistics.refused == 1 && pool.statistics.timedOut == 0 && pool.statistics.waiting == 1)
                // Whoever gives up in line leaves it.
                inLine.cancel()
                await #expect(throws: ParallaxError.self) { _ = try await inLine.value }
                #expect(pool.statistics.waiting == 0)
            }
        }
    }

    @Test func aLongWaitIsAnErrorInTime() async throws {
        try await withDatabase { dsn in
            try await withBusyPool(dsn, wait: .milliseconds(100)) { pool in
                let late = await #expect(throws: ParallaxError.self) { try await ask(pool) }
                #expect(late?.code == .busy && late?.message.contains("came free within") == true)
                #expect(pool.statistics.timedOut == 1 && pool.statistics.refused == 0 && pool.statistics.waiting == 0)
            }
        }
    }

    @Test func whoeverGivesUpHasItsStatementCancelled() async throws {
        try await withDatabase { dsn in
            let holder = try Connection(dsn)
            try holder.execute("BEGIN; SELECT pg_advisory_xact_lock(77)")
            let pool = try pool(dsn, connections: 1)
            let gate = Self.gate
            let task = Task { try await pool.run { connection throws(ParallaxError) in try connection.execute(gate).rows.count } }
            // Not the holder: within a transaction the activity stays as it was first seen.
            let onlooker = try Connection(dsn)
            #expect(
                becomesTrue {
                    (try? onlooker.query(
                        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                    )
                    .rows[0].int(0)) == 1
                })
            task.cancel()
            await #expect(throws: ParallaxError.self) { _ = try await task.value }
            // The next job meets no cancel request of the one before, however late it comes.
            for _ in 0..<20 {
                let answer = try await pool.run { connection throws(ParallaxError) in try connection.query("SELECT 5").rows[0].int(0) }
                #expect(answer == 5)
            }
            pool.close()
        }
    }

    @Test func aTerminatedBackendIsReplacedWithoutAnError() async throws {
        try await withDatabase { dsn in
            let pool = try pool(dsn, connections: 1)
            let first = try await pool.run { connection throws(ParallaxError) in connection.serverProcess }
            let other = try Connection(dsn)
            try other.query("SELECT pg_terminate_backend($1::bigint::int)", [.int(Int64(first))])
            #expect(
                becomesTrue {
                    (try? other.query("SELECT count(*) FROM pg_stat_activity WHERE pid = $1::bigint::int", [.int(Int64(first))]).rows[0]
                        .int(0)) == 0
                })
            let second = try await pool.run { connection throws(ParallaxError) in
                _ = try connection.query("SELECT 1")
                return connection.serverProcess
            }
            #expect(second != first)
            // What is not only a look is not done twice: its caller hears of it.
            try other.query("SELECT pg_terminate_backend($1::bigint::int)", [.int(Int64(second))])
            #expect(
                becomesTrue {
                    (try? other.query("SELECT count(*) FROM pg_stat_activity WHERE pid = $1::bigint::int", [.int(Int64(second))]).rows[0]
                        .int(0)) == 0
                })
            await #expect(throws: ParallaxError.self) {
                try await pool.run(retriesLostConnection: false) { connection throws(ParallaxError) in
                    try connection.query("SELECT 1").rows.count
                }
            }
            #expect(try await pool.run { connection throws(ParallaxError) in try connection.query("SELECT 1").rows.count } == 1)
            pool.close()
        }
    }

    @Test func aPreparedStatementOutlivesAChangeOfWhatItReads() async throws {
        try await withDatabase { dsn in
            let other = try Connection(dsn)
            try other.execute("CREATE VIEW v AS SELECT 1 AS a")
            let pool = try pool(dsn, connections: 1)
            let read: @Sendable (Connection) throws(ParallaxError) -> String? = { connection throws(ParallaxError) in
                try connection.queryPrepared("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                let found = try connection.queryPrepared("SELECT a FROM v").rows[0][0]
                try connection.queryPrepared("COMMIT")
                return found
            }
            #expect(try await pool.run(read) == "1")
            try other.execute("DROP VIEW v; CREATE VIEW v AS SELECT 'two'::text AS a")
            #expect(try await pool.run(read) == "two")
            pool.close()
        }
    }

    @Test func aServerThatDoesNotAnswerIsLeftInTime() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let holder = try Connection(dsn)
            try holder.execute("BEGIN; SELECT pg_advisory_xact_lock(77)")
            let connection = try Connection(dsn)
            // It waits for the holder, who never lets go.
            let error = try #require(throws: ParallaxError.self) {
                try connection.queryPrepared(Self.gate, until: ContinuousClock.now + .milliseconds(50))
            }
            #expect(error.code == .unavailable && error.message.contains("in time"))
            // Nobody knows what the session is doing, so nobody uses it again.
            #expect(!connection.isOpen)
        }
    }

    @Test func rowsAreVisitedAsTheyCome() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            for delivery in [Connection.RowDelivery.atOnce, .oneByOne] {
                var (names, sum, nulls): ([String], Int64, Int) = ([], 0, 0)
                try connection.visit(
                    "SELECT n, CASE WHEN n % 2 = 0 THEN 'é' || n END AS t FROM generate_series(1, $1::int) n", [.int(1_000)], rows: delivery
                ) { fields throws(ParallaxError) in
                    names = fields.map(\.name)
                    #expect(fields.map(\.type) == [23, 25])
                } row: { row throws(ParallaxError) in
                    sum += row[0].flatMap { Int64(String(decoding: $0, as: UTF8.self)) } ?? 0
                    if row[1] == nil { nulls += 1 }
                }
                #expect(names == ["n", "t"] && sum == 500_500 && nulls == 500)
            }
            var columns: [String] = []
            try connection.visit("SELECT 1 AS a WHERE false") { fields throws(ParallaxError) in
                columns = fields.map(\.name)
            } row: { _ throws(ParallaxError) in
            }
            #expect(columns == ["a"], "the columns of no rows")
            #expect(
                try connection.describe("SELECT 1::bigint AS x, $1::text AS y") == [.init(name: "x", type: 20), .init(name: "y", type: 25)])
            let error = try #require(throws: ParallaxError.self) { try connection.queryPrepared("SELECT 1 / $1::int", [.int(0)]) }
            #expect(error.sqlState == "22012" && connection.isOpen)
        }
    }

    @Test func manyStatementsDoNotFillTheSession() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            for number in 0..<(PreparedStatements.maxCount + 10) { try connection.queryPrepared("SELECT \(number)") }
            #expect(try Self.kept(connection) <= Int64(PreparedStatements.maxCount))
        }
    }

    /// As the API works: nothing but the beginnings of transactions is outside of one, and those are known.
    @Test func norDoThoseOfManyTransactions() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            for number in 0..<(2 * PreparedStatements.maxCount) {
                try connection.queryPrepared("BEGIN")
                let answer = try connection.queryPrepared("SELECT \(number)").rows.first?[0]
                #expect(answer == "\(number)")
                try connection.queryPrepared("COMMIT")
            }
            #expect(try Self.kept(connection) <= Int64(PreparedStatements.maxCount))
            // In the midst of one nothing is forgotten, whatever their number: the transaction goes on.
            try connection.queryPrepared("BEGIN")
            for number in 0..<(PreparedStatements.maxCount + 10) { try connection.queryPrepared("SELECT \(number), 'more'") }
            #expect(try connection.queryPrepared("SELECT 0, 'more'").rows.first?[0] == "0" && connection.isInTransaction)
            try connection.queryPrepared("COMMIT")
            try connection.queryPrepared("BEGIN")
            #expect(try Self.kept(connection) == 1)
        }
    }

    private static func kept(_ connection: Connection) throws -> Int64 {
        try #require(connection.query("SELECT count(*) FROM pg_prepared_statements").rows.first).int(0)
    }
}
