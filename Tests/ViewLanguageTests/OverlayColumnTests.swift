import Testing

@testable import ViewLanguage

@Suite("columns that a CREATE VIEW reads and that the pipeline's views do not have")
struct OverlayColumnTests {
    private static let views = """
        CREATE FOREIGN TABLE click (id text, at timestamptz, ad int, page text) SERVER parallax OPTIONS (event_id 'id', event_time 'at');
        CREATE TABLE ad (id int PRIMARY KEY, note text);
        CREATE MATERIALIZED VIEW seen AS SELECT page, count(*) AS n FROM click GROUP BY page;
        CREATE MATERIALIZED VIEW ads AS SELECT ad, count(*) AS m FROM click GROUP BY ad;

        """

    private func errors(_ query: String) -> [String] {
        compile([SQLFile(path: "v.sql", text: Self.views + "CREATE VIEW v AS\n\(query);")]).diagnostics.map {
            "\($0.line - 5):\($0.column) \($0.message)\($0.hint.map { "; \($0)" } ?? "")"
        }
    }

    @Test(
        "are found where it is certain",
        arguments: [
            ("SELECT pge FROM seen", "1:8 column \"pge\" does not exist; did you mean \"page\"?"),
            ("SELECT s.pge FROM seen s", "1:8 column s.pge does not exist; did you mean \"page\"?"),
            ("SELECT seen.m FROM seen, ads", "1:8 column seen.m does not exist; did you mean \"n\"?"),
            ("SELECT page FROM seen\nWHERE upper(pages) = 'A'", "2:13 column \"pages\" does not exist; did you mean \"page\"?"),
            ("SELECT page FROM seen JOIN serving.ads a ON a.id = n", "1:45 column a.id does not exist; did you mean \"ad\"?"),
            ("SELECT 1 AS one UNION ALL SELECT nn FROM seen", "1:34 column \"nn\" does not exist; did you mean \"n\"?"),
            ("SELECT (SELECT max(m) FROM ads WHERE ad = nn) FROM seen", "1:43 column \"nn\" does not exist; did you mean \"n\"?"),
            ("WITH x AS (SELECT nn FROM seen) SELECT * FROM x", "1:19 column \"nn\" does not exist; did you mean \"n\"?"),
            ("SELECT page, zzz, yyy FROM seen", "1:14 column \"zzz\" does not exist; the columns are: page, n, is_exact, is_closed"),
        ])
    func found(_ query: String, _ expected: String) { #expect(errors(query) == [expected]) }

    @Test(
        "are PostgreSQL's to judge where it is not",
        arguments: [
            "SELECT * FROM seen", "SELECT seen, s FROM seen, ads s", "SELECT page AS p FROM seen WHERE is_exact GROUP BY p ORDER BY p",
            "SELECT (s).page, s.* FROM seen s", "SELECT max(n) AS most FROM seen HAVING max(n) > 1 ORDER BY most",
            "SELECT a, b FROM seen AS s (a, b)", "SELECT note FROM seen, ad", "SELECT x.any FROM (SELECT page AS any FROM seen) x",
            "SELECT z FROM seen, LATERAL (SELECT n + 1 AS z) q", "WITH seen AS (SELECT 1 AS one) SELECT one FROM seen",
            "SELECT page FROM seen s WHERE EXISTS (SELECT 1 FROM ads WHERE ad = n AND s.page = 'a')",
            "SELECT g FROM seen, generate_series(1, 2) g", "SELECT n AS k FROM seen UNION SELECT m FROM ads ORDER BY k",
            "SELECT j.page FROM (seen JOIN ads ON n = m) j", "SELECT n, page, m FROM seen NATURAL JOIN ads",
            "SELECT row_number() OVER w FROM seen WINDOW w AS (ORDER BY n)", "SELECT extract(epoch FROM now()) FROM seen",
            "SELECT count(*) FILTER (WHERE is_closed) FROM seen",
        ])
    func passed(_ query: String) { #expect(errors(query) == []) }
}
