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
    @Test("compiles to the definitions that it says")
    func definitions() throws {
        let compilation = compile([SQLFile(path: "views.sql", text: sampleSource + sampleView)])
        #expect(compilation.diagnostics.isEmpty)
        let definitions = try #require(compilation.definitions)
        let source = SourceDefinition(
            name: "page_view", topic: "page_view",
            columns: [
                .init(name: "event_id", type: .uuid), .init(name: "event_time", type: .timestamptz), .init(name: "visitor", type: .text),
                .init(name: "page", type: .text), .init(name: "country", type: .text),
                .init(name: "amount", type: .numeric(precision: 12, scale: 2)), .init(name: "duration_ms", type: .int8),
            ],
            eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 5_000_000, lateness: 3_600_000_000)
        #expect(definitions.sources == [source])

        let amount = Expression.column(5, .numeric(precision: 12, scale: 2))
        let plan = Plan(
            source: source,
            filter: .compare(.notEqual, .column(4, .text), .literal(.text("ZZ"), .text)),
            window: .init(name: "minute", kind: .tumbling(size: 60_000_000, origin: 0)),
            groups: [.init(name: "page", expression: .column(3, .text))],
            isGlobal: false,
            measures: [
                .init(function: .countRows, argument: nil, filter: nil),
                .init(function: .countDistinct, argument: .column(2, .text), filter: nil),
                .init(function: .sum, argument: amount, filter: nil),
                .init(
                    function: .countRows, argument: nil,
                    filter: .compare(.greater, amount, .literal(.decimal("0"), .numeric(precision: 1, scale: 0)))),
            ],
            outputs: [
                .init(name: "minute", value: .window), .init(name: "page", value: .group(0)), .init(name: "views", value: .measure(0)),
                .init(name: "visitors", value: .measure(1)), .init(name: "revenue", value: .measure(2)),
                .init(name: "purchases", value: .measure(3)),
            ])
        let view = try #require(definitions.views.first)
        #expect(definitions.views.count == 1 && view.name == "traffic_by_page")
        #expect(view.plan == plan)
        #expect(view.version == plan.version)
        #expect(view.selectText.hasPrefix("SELECT tumble(event_time") && view.selectText.hasSuffix("GROUP BY minute, page"))

        let overlay = try #require(definitions.overlays.first)
        #expect(definitions.overlays.count == 1 && overlay.name == "top_pages" && overlay.reads == ["traffic_by_page"])
        #expect(overlay.selectText.hasPrefix("SELECT * FROM (SELECT *") && overlay.selectText.hasSuffix("t WHERE rank <= 10"))
    }
}
