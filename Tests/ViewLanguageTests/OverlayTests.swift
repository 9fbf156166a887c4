import Testing

@testable import ViewLanguage

@Suite("CREATE VIEW is passed on, in an order in which each view stands after what it reads")
struct OverlayTests {
    private func overlays(_ sql: String) throws -> [OverlayDefinition] {
        let compilation = compile([SQLFile(path: "views.sql", text: sql), eventSource])
        let printed = compilation.diagnostics.map(\.rendered).joined(separator: "\n")
        return try #require(compilation.definitions?.overlays, "\(printed)")
    }

    @Test(
        "the relations that a query reads",
        arguments: [
            ("SELECT 1 AS one", []),
            ("SELECT * FROM seen", ["seen"]),
            ("SELECT * FROM serving.seen s JOIN LATERAL (SELECT * FROM other o WHERE o.page = s.page) x ON true", ["seen", "other"]),
            ("SELECT (SELECT max(count) FROM seen) AS m, 1 IN (SELECT count FROM other) AS i", ["seen", "other"]),
            ("SELECT page FROM other UNION SELECT page FROM seen ORDER BY 1", ["other", "seen"]),
            ("WITH x AS (SELECT * FROM seen), y AS (SELECT * FROM x) SELECT * FROM y, x, generate_series(1, 2) g", ["seen"]),
            ("WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x, seen WHERE n < 3) SELECT * FROM x", ["seen"]),
            // The inner name hides the view only inside.
            ("SELECT * FROM (WITH seen AS (SELECT 1) SELECT * FROM seen) a, other", ["other"]),
            ("SELECT * FROM (WITH seen AS (SELECT 1) SELECT * FROM seen) a, seen", ["seen"]),
            // Not recursive: the view of that name is meant.
            ("WITH seen AS (SELECT * FROM seen) SELECT * FROM seen", ["seen"]),
            ("VALUES (1), ((SELECT max(count) FROM seen))", ["seen"]),
            ("TABLE seen", ["seen"]),
            ("SELECT * FROM ONLY seen TABLESAMPLE SYSTEM (1)", ["seen"]),
        ])
    func reads(_ query: String, _ expected: [String]) throws {
        let overlays = try overlays("CREATE VIEW v AS \(query); CREATE VIEW other AS SELECT * FROM seen")
        #expect(overlays.first { $0.name == "v" }?.reads == expected)
    }

    @Test("the text is handed on as written")
    func text() throws {
        let overlays = try overlays("create view \"as\" /* 1 */ as -- 2\n  select 'a;b' AS x /* 3 */ , 1 as y /* 4 */ ; -- 5")
        #expect(overlays == [OverlayDefinition(name: "as", selectText: "select 'a;b' AS x /* 3 */ , 1 as y", reads: [])])
        let view = compile([
            eventSource, SQLFile(path: "v.sql", text: "CREATE MATERIALIZED VIEW v AS (SELECT count(*) FROM event) WITH DATA"),
        ])
        #expect(view.definitions?.views.last?.selectText == "(SELECT count(*) FROM event)")
    }

    @Test("order of text where there is a choice, else what is read first")
    func order() throws {
        let overlays = try overlays(
            """
            CREATE VIEW c AS SELECT * FROM a, b;
            CREATE VIEW b AS SELECT * FROM a;
            CREATE VIEW z AS SELECT 1;
            CREATE VIEW a AS SELECT * FROM seen;
            """)
        #expect(overlays.map(\.name) == ["z", "a", "b", "c"])
    }
}
