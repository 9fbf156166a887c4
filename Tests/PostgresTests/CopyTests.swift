import ParallaxCore
import Postgres
import TestSupport
import Testing

@Suite struct CopyTests {
    @Test func aRoundTripKeepsEscapes() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            try connection.execute("CREATE TABLE t (i bigint, s text)")
            // COPY text: tab, newline, carriage return and backslash are escaped, \N is null.
            let text = "1\ta\\tb\\nc\\rd\\\\e\n2\t\\N\n3\t\\\\N\n4\té漢🙂\n5\t\n"
            var isFirst = true
            let count = try connection.copyIn("COPY t FROM STDIN") { buffer throws(ParallaxError) in
                #expect(buffer.isEmpty)
                if isFirst { buffer += text.utf8 }
                defer { isFirst = false }
                return isFirst
            }
            #expect(count == 5)
            let values = try connection.query("SELECT s FROM t ORDER BY i").rows.map { $0[0] }
            #expect(values == ["a\tb\nc\rd\\e", nil, "\\N", "é漢🙂", ""])
            var out = ""
            try connection.copyOut("COPY (SELECT * FROM t ORDER BY i) TO STDOUT") { row throws(ParallaxError) in
                out += String(decoding: row, as: UTF8.self)
            }
            #expect(out == text)
        }
    }

    /// More than a message, cut in the middle of rows, the last piece with the call that returns false.
    @Test func aLongCopyMayBeCutAnywhere() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            try connection.execute("CREATE TABLE t (i bigint, s text)")
            let rows = 50_000
            let bytes = Array((0..<rows).map { "\($0)\trow \($0)\n" }.joined().utf8)
            var position = 0
            let count = try connection.copyIn("COPY t FROM STDIN") { buffer throws(ParallaxError) in
                let end = min(position + 300_001, bytes.count)
                buffer += bytes[position..<end]
                position = end
                return position < bytes.count
            }
            #expect(count == rows)
            #expect(
                try connection.query("SELECT sum(i)::bigint FROM t WHERE s = 'row ' || i").rows[0].int(0) == Int64(rows * (rows - 1) / 2))
        }
    }

    @Test func anErrorNamesTheRowAndStopsTheProducer() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            try connection.execute("CREATE TABLE t (i bigint)")
            var calls = 0
            let error = try #require(throws: ParallaxError.self) {
                try connection.copyIn("COPY t FROM STDIN") { buffer throws(ParallaxError) in
                    calls += 1
                    buffer += Array(repeating: Array("1\nx\n".utf8), count: 10_000).joined()
                    return calls < 20
                }
            }
            #expect(error.sqlState == "22P02" && error.detail?.contains("COPY t, line 2, column i: \"x\"") == true)
            #expect(try connection.query("SELECT count(*) FROM t").rows[0].int(0) == 0)
        }
    }

    @Test func aBodyThatThrowsLeavesNoRowAndAUsableConnection() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            try connection.execute("CREATE TABLE t (i bigint)")
            let error = try #require(throws: ParallaxError.self) {
                try connection.copyIn("COPY t FROM STDIN") { buffer throws(ParallaxError) in
                    buffer += "1\n".utf8
                    throw ParallaxError(.corrupt, "ours")
                }
            }
            #expect(error.message == "ours")
            #expect(try connection.query("SELECT count(*) FROM t").rows[0].int(0) == 0)
            let out = try #require(throws: ParallaxError.self) {
                try connection.copyOut("COPY (SELECT generate_series(1, 10000000)) TO STDOUT") { row throws(ParallaxError) in
                    throw ParallaxError(.disk, "ours too")
                }
            }
            #expect(out.message == "ours too")
            #expect(try connection.query("SELECT 1").rows[0].int(0) == 1)
        }
    }

    @Test func copyInTheWrongPlaceIsAnErrorAndNoHang() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            try connection.execute("CREATE TABLE t (i bigint); INSERT INTO t VALUES (1)")
            for sql in ["COPY t FROM STDIN", "COPY t TO STDOUT", "COPY t TO STDOUT; COPY t FROM STDIN; COPY t TO STDOUT"] {
                #expect(throws: ParallaxError.self) { try connection.execute(sql) }
                #expect(try connection.query("SELECT count(*) FROM t").rows[0].int(0) == 1)
            }
            #expect(throws: ParallaxError.self) { try connection.query("COPY t TO STDOUT") }
            #expect(throws: ParallaxError.self) { try connection.copyIn("SELECT 1") { _ throws(ParallaxError) in false } }
            #expect(throws: ParallaxError.self) { try connection.copyOut("COPY t FROM STDIN") { _ throws(ParallaxError) in } }
            #expect(
                try #require(throws: ParallaxError.self) { try connection.copyIn("COPY u FROM STDIN") { _ throws(ParallaxError) in false } }
                    .sqlState == "42P01")
            #expect(try connection.query("SELECT count(*) FROM t").rows[0].int(0) == 1)
        }
    }

    @Test func aConnectionLostInACopyIsRetriable() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            let killer = try Connection(dsn)
            try connection.execute("CREATE TABLE t (i bigint)")
            let process = Int64(connection.serverProcess)
            var calls = 0
            let error = try #require(throws: ParallaxError.self) {
                try connection.copyIn("COPY t FROM STDIN") { buffer throws(ParallaxError) in
                    calls += 1
                    if calls == 2 { try killer.query("SELECT pg_terminate_backend($1::int, 10000)", [.int(process)]) }
                    buffer += "1\n".utf8
                    return calls < 1000
                }
            }
            #expect(error.code == .unavailable && error.isRetriable)
        }
    }
}
