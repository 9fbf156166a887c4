import ParallaxCore
import Postgres
import TestSupport
import Testing

@Suite struct TransactionTests {
    @Test func commitsOrRollsBackAsAWhole() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            try connection.execute("CREATE TABLE t (a int)")
            let value = try connection.transaction { () throws(ParallaxError) in
                try connection.execute("INSERT INTO t VALUES (1)")
                return 7
            }
            #expect(value == 7 && !connection.isInTransaction)
            let error = try #require(throws: ParallaxError.self) {
                try connection.transaction { () throws(ParallaxError) in
                    try connection.execute("INSERT INTO t VALUES (2)")
                    throw ParallaxError(.fenced, "ours")
                }
            }
            #expect(error.code == .fenced && error.message == "ours" && !connection.isInTransaction)
            #expect(try connection.query("SELECT sum(a)::bigint FROM t").rows[0].int(0) == 1)
        }
    }

    @Test func theIsolationLevelIsTheCallers() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            let level = try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ") { () throws(ParallaxError) in
                try connection.query("SHOW transaction_isolation").rows[0][0]
            }
            #expect(level == "repeatable read")
        }
    }

    /// PostgreSQL calls a COMMIT of a failed transaction a success; we do not.
    @Test func aSwallowedErrorDoesNotCommitSilently() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            let error = try #require(throws: ParallaxError.self) {
                try connection.transaction { () throws(ParallaxError) in _ = try? connection.execute("SELECT 1/0") }
            }
            #expect(error.code == .database && error.sqlState == nil && error.message.contains("rolled back at COMMIT"))
        }
    }

    @Test func aDeferredConstraintFailsAtCommit() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            try connection.execute("CREATE TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            let error = try #require(throws: ParallaxError.self) {
                try connection.transaction { () throws(ParallaxError) in _ = try connection.execute("INSERT INTO t VALUES (1), (1)") }
            }
            #expect(error.sqlState == "23505" && error.code == .database && !connection.isInTransaction)
        }
    }

    @Test func aLostConnectionIsRetriableAndTheOriginalErrorStays() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            let killer = try Connection(dsn)
            let error = try #require(throws: ParallaxError.self) {
                try connection.transaction { () throws(ParallaxError) in
                    try killer.query("SELECT pg_terminate_backend($1::int, 10000)", [.int(Int64(connection.serverProcess))])
                    try connection.execute("SELECT 1")
                }
            }
            #expect(error.code == .unavailable && error.isRetriable)
            #expect(!connection.isOpen)
            let again = try #require(throws: ParallaxError.self) { try connection.execute("SELECT 1") }
            #expect(again.code == .unavailable && again.isRetriable)
        }
    }

    @Test func aConnectionLostAtCommitLeavesTheOutcomeUnknown() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            let killer = try Connection(dsn)
            let error = try #require(throws: ParallaxError.self) {
                try connection.transaction { () throws(ParallaxError) in
                    try killer.query("SELECT pg_terminate_backend($1::int, 10000)", [.int(Int64(connection.serverProcess))])
                }
            }
            #expect(error.code == .unavailable && error.isRetriable)
            #expect(error.message.contains("COMMIT") && error.message.contains("unknown"))
        }
    }
}
