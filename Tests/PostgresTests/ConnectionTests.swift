import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

@Suite struct ConnectionTests {
    @Test func parametersKeepTheirBytes() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            let texts = ["", "NULL", "a,b", "{x}", "q\"q", "b\\b", "'; DROP TABLE t; --", "line\nbreak\ttab", "é漢🙂", "\u{1}\u{7f}"]
            for text in texts { #expect(try connection.query("SELECT $1::text", [.text(text)]).rows[0][0] == text) }
            let back = try connection.query("SELECT t FROM unnest($1::text[]) WITH ORDINALITY AS u (t, i) ORDER BY i", [.texts(texts)])
            #expect(back.rows.map { $0[0] } == texts)
            #expect(try connection.query("SELECT cardinality($1::text[])", [.texts([])]).rows[0].int(0) == 0)

            let numbers: [Int64] = [.min, -1, 0, .max]
            let sum = try connection.query("SELECT n FROM unnest($1::bigint[]) WITH ORDINALITY AS u (n, i) ORDER BY i", [.ints(numbers)])
            #expect(try sum.ints(0) == numbers)
            #expect(try connection.query("SELECT $1::bigint IS NULL", [.null]).rows[0].bool(0) == true)
            #expect(try connection.query("SELECT $1::boolean, $2::boolean", [.bool(true), .bool(false)]).rows[0].values == ["t", "f"])
            for double in [0.1, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude] {
                let text = try connection.query("SELECT $1::float8", [.double(double)]).rows[0][0]
                #expect(text.flatMap { Double($0.lowercased()) } == double)
            }
            #expect(try connection.query("SELECT $1::float8", [.double(.nan)]).rows[0][0] == "NaN")
            let bytes = (0...255).map { UInt8($0) }
            #expect(
                try connection.query("SELECT encode($1::bytea, 'hex')", [.bytes(bytes)]).rows[0][0]
                    == bytes.map { String(format: "%02x", $0) }.joined())
        }
    }

    @Test func manyParametersAreRefusedByName() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            let error = try #require(throws: ParallaxError.self) {
                try connection.query("SELECT 1", [Parameter](repeating: .int(1), count: 65_536))
            }
            #expect(error.code == .limit && error.message.contains("65535"))
        }
    }

    @Test func aNULCharacterIsRefusedWithItsPlace() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            let error = try #require(throws: ParallaxError.self) { try connection.query("SELECT $1, $2", [.int(1), .text("a\0b")]) }
            #expect(error.code == .input && error.message.contains("$2"))
            #expect(throws: ParallaxError.self) { try connection.query("SELECT $1", [.texts(["\0"])]) }
            #expect(throws: ParallaxError.self) { try connection.execute("SELECT 1 \0 DROP TABLE t") }
            #expect(try connection.query("SELECT 1").rows.count == 1)
        }
    }

    @Test func theSessionIsTheSameEverywhere() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let first = try Connection(dsn)
            try first.execute(
                """
                ALTER ROLE parallax IN DATABASE \(Connection.quoteIdentifier(databaseName(dsn))) SET TimeZone = 'Asia/Tokyo';
                ALTER ROLE parallax IN DATABASE \(Connection.quoteIdentifier(databaseName(dsn))) SET DateStyle = 'German';
                ALTER ROLE parallax IN DATABASE \(Connection.quoteIdentifier(databaseName(dsn))) SET standard_conforming_strings = off
                """)
            let connection = try Connection(dsn, applicationName: "under test")
            let values = try connection.query(
                "SELECT timestamptz '2024-02-03 04:05:06.789+00', current_setting('client_encoding'), '\\', current_setting('application_name')"
            )
            #expect(values.rows[0].values == ["2024-02-03 04:05:06.789+00", "UTF8", "\\", "under test"])
        }
    }

    @Test func executeTakesSeveralStatementsAndTellsTheRowsChanged() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            let last = try connection.execute(
                "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); SELECT a AS \"A a\" FROM t ORDER BY a")
            #expect(last.columns == ["A a"] && last.rows.map { $0[0] } == ["1", "2"])
            #expect(try connection.query("UPDATE t SET a = a + $1", [.int(1)]).affectedRows == 2)
            #expect(try connection.execute("").rows.isEmpty)
        }
    }

    @Test func noticesGoToTheHandler() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            var heard: [Notice] = []
            connection.onNotice = { heard.append($0) }
            try connection.execute("DO $$ BEGIN RAISE WARNING 'careful' USING DETAIL = 'd', HINT = 'h'; END $$")
            #expect(heard.map(\.message) == ["careful"] && heard.first?.severity == "WARNING" && heard.first?.hint == "h")
        }
    }

    @Test func aClosedConnectionSaysSo() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            connection.close()
            connection.close()
            #expect(!connection.isOpen)
            #expect(try #require(throws: ParallaxError.self) { try connection.query("SELECT 1") }.code == .unavailable)
        }
    }

    @Test func anotherThreadCancels() throws {
        let dsn = try TestCluster.shared.freshDatabase()
        let connection = try Connection(dsn)
        let canceller = try connection.canceller()
        let process = Int64(connection.serverProcess)
        // What is cancelled waits for a lock that stays taken. Without the cancel it would end at its deadline, with another SQLSTATE (55P03).
        let holder = try Connection(dsn)
        try holder.execute("SELECT pg_advisory_lock(1)")
        try connection.execute("SET lock_timeout = '60s'")
        let cancelled = OwnThread {
            let watcher = try Connection(dsn)
            // Until the statement waits; a cancel before it would be lost.
            while try watcher.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'advisory'", [.int(process)]).rows
                .isEmpty
            {}
            try canceller.cancel()
        }
        let error = try #require(throws: ParallaxError.self) { try connection.query("SELECT pg_advisory_lock(1)") }
        #expect(error.sqlState == "57014" && error.code == .database && !error.isRetriable)
        try cancelled.join()
        #expect(connection.isOpen)
        try TestCluster.shared.drop(dsn)
    }

    @Test func notificationsArriveAlsoDuringOtherStatements() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let listener = try Connection(dsn)
            let speaker = try Connection(dsn)
            try listener.listen("a \"channel\"")
            #expect(try listener.waitForNotification(timeout: .zero) == nil)
            try speaker.query("SELECT pg_notify($1, $2)", [.text("a \"channel\""), .text("one")])
            try speaker.query("SELECT pg_notify($1, '')", [.text("a \"channel\"")])
            _ = try listener.query("SELECT 1")
            #expect(try listener.waitForNotification(timeout: .seconds(60)) == Notification(channel: "a \"channel\"", payload: "one"))
            #expect(try listener.waitForNotification(timeout: .seconds(60))?.payload == "")
            #expect(try listener.waitForNotification(timeout: .milliseconds(5)) == nil)
            try speaker.query("SELECT pg_terminate_backend($1::int)", [.int(Int64(listener.serverProcess))])
            let error = try #require(throws: ParallaxError.self) { try listener.waitForNotification(timeout: .seconds(60)) }
            #expect(error.code == .unavailable && error.isRetriable)
        }
    }
}

func databaseName(_ dsn: String) -> String { dsn.firstMatch(of: /dbname=(\w+)/).map { String($0.1) } ?? "" }
