import ParallaxCore
import Postgres
import TestSupport
import Testing

@Suite struct ErrorTests {
    private func failure(_ sql: String, _ dsn: String) throws -> ParallaxError {
        let connection = try Connection(dsn)
        return try #require(throws: ParallaxError.self) { try connection.query(sql) }
    }

    @Test func theServersWordsComeWhole() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            try connection.execute("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)")
            let error = try #require(throws: ParallaxError.self) { try connection.execute("INSERT INTO t VALUES (1)") }
            #expect(error.code == .database && error.sqlState == "23505" && !error.isRetriable)
            #expect(error.message == #"duplicate key value violates unique constraint "t_pkey""#)
            #expect(error.detail == "Key (a)=(1) already exists.")
            let hinted = try failure("SELECT nosuch(1)", dsn)
            #expect(hinted.sqlState == "42883" && hinted.hint?.contains("explicit type casts") == true)
        }
    }

    /// Columns count characters, not bytes, and only those of their line.
    @Test(arguments: [
        ("SELECT 'é漢🙂',\n  nosuch, 1", "at 2:3\n  nosuch, 1\n  ^"),
        ("SELECT 'é漢🙂', nosuch", "at 1:15\nSELECT 'é漢🙂', nosuch\n              ^"),
        ("SELECT (", "at 1:9\nSELECT (\n        ^"),
    ])
    func anErrorInSQLShowsItsPlace(_ sql: String, _ place: String) throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let error = try failure(sql, dsn)
            #expect(error.detail == place)
        }
    }

    @Test func aLongLineIsShownAroundTheCaret() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let sql = "SELECT " + (0..<400).map { "\($0), " }.joined() + "nosuch" + (0..<400).map { ", \($0)" }.joined()
            let lines = try #require(try failure(sql, dsn).detail).split(separator: "\n")
            #expect(lines.count == 3 && lines[1].count < 130)
            #expect(lines[1].dropFirst(lines[2].count - 1).hasPrefix("nosuch"))
        }
    }

    /// code, retry: each row of the table in ServerError.swift that a statement can reach.
    @Test(arguments: [
        ("40001", ParallaxError.Code.database, true), ("40P01", .database, true), ("53100", .unavailable, true),
        ("53300", .unavailable, true), ("57P01", .unavailable, true), ("57P03", .unavailable, true), ("08006", .unavailable, true),
        ("57014", .database, false), ("42P01", .database, false), ("23505", .database, false), ("XX000", .database, false),
    ])
    func theCodeFollowsTheSQLState(_ state: String, _ code: ParallaxError.Code, _ isRetriable: Bool) throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let error = try failure("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '\(state)'; END $$", dsn)
            #expect(error.sqlState == state && error.code == code && error.isRetriable == isRetriable)
            #expect(error.detail?.contains("CONTEXT:  PL/pgSQL function inline_code_block") == true)
        }
    }

    @Test func aRefusedConnectionCarriesItsSQLState() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let gone = try #require(throws: ParallaxError.self) { try Connection(dsn.replacing(/dbname=\w+/, with: "dbname=nosuch")) }
            #expect(gone.sqlState == "3D000" && gone.code == .database && !gone.isRetriable)
            #expect(gone.message.contains("database \"nosuch\"") && gone.detail?.contains("LOCATION") == false)
            #expect(gone.detail?.contains("FATAL:  database \"nosuch\" does not exist") == true)
            let connection = try Connection(dsn)
            try connection.execute("CREATE ROLE \"limited_\(databaseName(dsn))\" LOGIN CONNECTION LIMIT 0")
            let full = try #require(throws: ParallaxError.self) {
                try Connection(dsn.replacing("user=parallax", with: "user=limited_\(databaseName(dsn))"))
            }
            #expect(full.sqlState == "53300" && full.code == .unavailable && full.isRetriable)
        }
    }

    @Test func nobodyThereIsRetriable() throws {
        for dsn in ["host=/nonexistent dbname=x", "postgresql://ann:hunter2@127.0.0.1:1/x"] {
            let error = try #require(throws: ParallaxError.self) { try Connection(dsn) }
            #expect(error.code == .unavailable && error.isRetriable && error.sqlState == nil)
            #expect(!error.description.contains("hunter2"))
        }
    }

    @Test(arguments: [
        "host=h password=hun ter2", "postgresql://ann:hun%ter2@h/x", "postgresql://ann:hunter2@h:port:1/x", "host='h password=hunter2",
        "password=hunter2 hots=h", "postgresql://ann:hunter2@h/x?sslmode", "postgresql://ann:hun@ter2@127.0.0.1:1/x",
        "host=h user=ann password='ter2",
    ])
    func aPasswordIsNeverShown(_ dsn: String) throws {
        let error = try #require(throws: ParallaxError.self) { try Connection(dsn) }
        #expect(!error.description.contains("ter2"), "\(error)")
        #expect(!Connection.masked(dsn).contains("hunter2"))
    }

    @Test func anUnreadableConnectionStringIsAConfigurationError() throws {
        let error = try #require(throws: ParallaxError.self) { try Connection("hots=h") }
        #expect(error.code == .configuration && error.message.contains("hots") && error.hint != nil)
        #expect(throws: ParallaxError.self) { try Connection("dbname=a\0b") }
    }

    @Test func anAbsurdConnectTimeoutIsNoTrap() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn.replacing("connect_timeout=30", with: "connect_timeout=2147483647"))
            #expect(connection.isOpen)
        }
    }

    @Test(arguments: [
        ("postgresql://ann:s3@h/db", "postgresql://ann:***@h/db"), ("host=h password=s3 user=u", "host=h password=*** user=u"),
        ("host=h password = 's 3\\' ' user=u", "host=h password = *** user=u"),
        ("postgresql://h/db?password=s3&x=y", "postgresql://h/db?password=***&x=y"),
        ("postgresql://ann@h/db", "postgresql://ann@h/db"), ("postgresql://ann:s/3@x@h/db", "postgresql://ann:***@h/db"),
    ])
    func maskingKeepsTheRest(_ dsn: String, _ masked: String) { #expect(Connection.masked(dsn) == masked) }
}
