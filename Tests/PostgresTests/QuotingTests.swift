import Postgres
import TestSupport
import Testing

@Suite struct QuotingTests {
    static let hostile = [
        "plain", "Upper Case", "a\"b", "\"", "\"\"", "a'b", "'", "\\", "\\'", "'; DROP TABLE victim; --", "\"; DROP TABLE victim; --", "$$",
        "é漢🙂",
        "e\u{301}", "\"\u{301}", "'\u{301}", "new\nline", "%s", "U&\\0041",
    ]

    @Test func whatIsQuotedComesBackAsItWas() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            try connection.execute("CREATE TABLE victim ()")
            for text in Self.hostile {
                #expect(try connection.execute("SELECT \(Connection.quoteLiteral(text))").rows[0][0] == text)
                #expect(try connection.execute("SELECT 1 AS \(Connection.quoteIdentifier(text))").columns == [text])
                try connection.execute("CREATE TABLE \(Connection.quoteIdentifier(text)) ()")
                #expect(try connection.query("SELECT 1 FROM pg_class WHERE relname = $1", [.text(text)]).rows.count == 1)
            }
            #expect(try connection.query("SELECT 1 FROM pg_class WHERE relname = 'victim'").rows.count == 1)
        }
    }

    @Test func bytesNotCharactersAreQuoted() {
        #expect(Array(Connection.quoteIdentifier("\"\u{301}").utf8) == Array("\"\"\"\u{301}\"".utf8))
        #expect(Connection.quoteLiteral("") == "''")
    }

    @Test func aNULTraps() async {
        await #expect(processExitsWith: .failure) { _ = Connection.quoteIdentifier("a\0b") }
    }
}
