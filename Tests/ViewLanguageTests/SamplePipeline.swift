import Columns
import Testing

@testable import ViewLanguage

/// The pipeline of the design, without percentiles.
let sampleSource = """
    CREATE FOREIGN TABLE page_view (
      event_id uuid, event_time timestamptz, visitor text, page text, country text, amount numeric(12,2), duration_ms bigint
    ) SERVER parallax OPTIONS (topic 'page_view', event_id 'event_id', event_time 'event_time',
                               out_of_orderness '5 seconds', lateness '1 hour');

    """

let sampleView = """
    CREATE MATERIALIZED VIEW traffic_by_page AS
    SELECT tumble(event_time, '1 minute') AS minute, page,
           count(*) AS views, count(DISTINCT visitor) AS visitors, sum(amount) AS revenue,
           count(*) FILTER (WHERE amount > 0) AS purchases
    FROM page_view WHERE country <> 'ZZ' GROUP BY minute, page;

    CREATE VIEW top_pages AS            -- anything on top is PostgreSQL's own work, over the merged rows
    SELECT * FROM (SELECT *, rank() OVER (PARTITION BY minute ORDER BY views DESC) FROM traffic_by_page) t WHERE rank <= 10;
    """

@Suite("The design's sample pipeline")
struct SamplePipelineTests {
    @Test("compiles to the plan that it says")
    func plan() throws {
        let compilation = compile([SQLFile(path: "views.sql", text: sampleSource + sampleView)])
        for diagnostic in compilation.diagnostics { print(diagnostic.rendered) }
        #expect(compilation.diagnostics.isEmpty)
        let definitions = try #require(compilation.definitions)
        print(definitions)
    }
}
