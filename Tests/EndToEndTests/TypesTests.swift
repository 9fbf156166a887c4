import ParallaxCore
import TestSupport
import Testing

/// Every type as a group and in measures, by PostgreSQL's judgement: from the batch layer, and both layers merged at a cut.
@Suite(.serialized) struct TypesTests {
    typealias View = LayeredPipeline.View

    static let source = """
        CREATE FOREIGN TABLE reading (
          event_id bigint OPTIONS (path 'meta.id'), event_time timestamptz OPTIONS (path 'meta.at', format 'epoch_milliseconds'),
          tiny smallint, approx real, code varchar(5) DEFAULT 'none', tag char(4), clock time, loose numeric, doc jsonb, tags text[], marks integer[],
          reals real[], scores numeric(6,2)[] DEFAULT '{0}'
        ) SERVER parallax OPTIONS (event_id 'event_id', event_time 'event_time', out_of_orderness '5 seconds', lateness '1 hour');

        """

    /// The columns as PostgreSQL reads them from the raw records: the oracle knows nothing of paths, defaults and formats.
    static let events = """
        (SELECT DISTINCT ON (1) (p #>> '{meta,id}')::bigint AS event_id, to_timestamp((p #>> '{meta,at}')::float8 / 1000) AS event_time,
                (p ->> 'tiny')::smallint AS tiny, (p ->> 'approx')::real AS approx,
                (CASE WHEN p ? 'code' THEN p ->> 'code' ELSE 'none' END)::varchar(5) COLLATE "C" AS code, (p ->> 'tag')::char(4) COLLATE "C" AS tag,
                (p ->> 'clock')::time AS clock, (p ->> 'loose')::numeric AS loose, nullif(p -> 'doc', 'null') AS doc,
                (SELECT array_agg(e ORDER BY n) FROM jsonb_array_elements_text(nullif(p -> 'tags', 'null')) WITH ORDINALITY x (e, n)) AS tags,
                (SELECT array_agg(e::int ORDER BY n) FROM jsonb_array_elements_text(nullif(p -> 'marks', 'null')) WITH ORDINALITY x (e, n)) AS marks,
                (SELECT array_agg(e::real ORDER BY n) FROM jsonb_array_elements_text(nullif(p -> 'reals', 'null')) WITH ORDINALITY x (e, n)) AS reals,
                CASE WHEN p ? 'scores' THEN (SELECT array_agg(e::numeric(6,2) ORDER BY n)
                    FROM jsonb_array_elements_text(nullif(p -> 'scores', 'null')) WITH ORDINALITY x (e, n)) ELSE '{0.00}' END AS scores
         FROM (SELECT convert_from(payload, 'UTF8')::jsonb AS p FROM raw) r) reading
        """

    private static func view(_ name: String, _ select: String, oracle: String? = nil) -> View {
        View(name, select, oracle: (oracle ?? select).replacing("FROM reading", with: "FROM \(events)"))
    }

    static let views: [View] = [
        view(
            "groups",
            "SELECT tiny, code, tag, clock, approx, count(*) AS n, min(tag) AS a, max(code) AS b, max(clock) AS c FROM reading GROUP BY tiny, code, tag, clock, approx"
        ),
        view(
            "sums",
            """
            SELECT code, sum(tiny) AS a, avg(tiny) AS b, sum(approx) AS c, avg(approx) AS d, sum(loose) AS e, avg(loose) AS f, stddev(loose) AS g,
                   var_pop(tiny) AS h, stddev_pop(approx) AS i, sum(DISTINCT tiny) AS j, avg(DISTINCT approx) AS k, min(approx) AS l, max(tiny) AS m,
                   sum(loose * tiny) AS o, max(loose) = 3.50 AS p
            FROM reading GROUP BY code
            """,
            // PostgreSQL's own deviation of reals rounds at every row; ours once.
            oracle: """
                SELECT code, sum(tiny) AS a, avg(tiny) AS b, sum(approx) AS c, avg(approx) AS d, sum(loose) AS e, avg(loose) AS f, stddev(loose) AS g,
                       var_pop(tiny) AS h, sqrt(var_pop(approx::numeric)::double precision) AS i, sum(DISTINCT tiny) AS j, avg(DISTINCT approx) AS k,
                       min(approx) AS l, max(tiny) AS m, sum(loose * tiny) AS o, max(loose) = 3.50 AS p
                FROM reading GROUP BY code
                """),
        // PostgreSQL's sum takes any of several equal values; ours takes the longest.
        view(
            "different", "SELECT code, sum(DISTINCT loose) AS a, avg(DISTINCT loose / 3) AS b FROM reading GROUP BY code",
            oracle: """
                SELECT code, (SELECT sum(v) FROM (SELECT DISTINCT ON (v) v FROM unnest(array_agg(loose)) v ORDER BY v, scale(v) DESC) d) AS a,
                       (SELECT avg(v) FROM (SELECT DISTINCT ON (v) v FROM unnest(array_agg(loose / 3)) v ORDER BY v, scale(v) DESC) d) AS b
                FROM reading GROUP BY code
                """),
        view(
            "loose", "SELECT loose, count(*) AS n FROM reading GROUP BY loose",
            oracle: "SELECT trim_scale(loose), count(*) AS n FROM reading GROUP BY loose"),
        view(
            "documents",
            """
            SELECT tumble(event_time, '1 minute') AS minute, doc ->> 'kind' AS kind, 'b' = ANY (tags) AS has_b, tags[1] AS first, sum((doc #>> '{n,0}')::numeric) AS n,
                   count(doc -> 'n' -> 1) AS second, max(cardinality(marks)) AS longest, bool_or(3 = ANY (marks)) AS threes
            FROM reading GROUP BY minute, doc ->> 'kind', 'b' = ANY (tags), tags[1]
            """,
            oracle: """
                SELECT date_bin('1 minute', event_time, 'epoch') AS minute, doc ->> 'kind' AS kind, 'b' = ANY (tags) AS has_b, tags[1] AS first, sum((doc #>> '{n,0}')::numeric) AS n,
                       count(doc -> 'n' -> 1) AS second, max(cardinality(marks)) AS longest, bool_or(3 = ANY (marks)) AS threes
                FROM reading GROUP BY 1, 2, 3, 4
                """),
        view("lists", "SELECT tags, marks, count(*) AS n FROM reading GROUP BY tags, marks"),
        view(
            "equals",
            "SELECT reals, scores, count(*) AS n, count(DISTINCT reals) AS d FROM reading WHERE scores <> '{7.5}' GROUP BY reals, scores"),
        view(
            "ends",
            "SELECT code, first(doc, event_time) AS a, last(tag, event_time) AS b, last(loose, event_time) AS c, first(tags[1], event_time) AS d FROM reading GROUP BY code",
            oracle: """
                SELECT code, (array_agg(doc ORDER BY event_time))[1], (array_agg(tag ORDER BY event_time DESC))[1], (array_agg(loose ORDER BY event_time DESC))[1],
                       (array_agg(tags[1] ORDER BY event_time))[1] FROM reading GROUP BY code
                """),
    ]

    private static func events(_ range: Range<Int>, _ random: inout SeededGenerator) -> [String] {
        range.map { number in
            func maybe(_ name: String, _ values: [String]) -> String {
                switch Int.random(in: 0..<12, using: &random) {
                case 0: ""
                case 1: ",\"\(name)\":null"
                default: ",\"\(name)\":\(values.randomElement(using: &random) ?? "null")"
                }
            }
            return "{\"meta\":{\"id\":\(number),\"at\":\(1_704_067_200_000 + number * 733)}" + maybe("tiny", ["1", "-7", "32767"])
                + maybe("approx", ["0.25", "-1.5", "3"]) + maybe("code", ["\"a\"", "\"ab \"", "\"Äß\""])
                + maybe("tag", ["\"a\"", "\"ab  \"", "\"\""])
                + maybe("clock", ["\"10:00\"", "\"23:59:59.5\"", "\"24:00\""])
                + maybe("loose", ["1.5", "1.50", "-2e3", "0.001", "12345678901234567890", "3.5"])
                + maybe("doc", [#"{"kind":"x","n":[1.5,2]}"#, #"{"n":["7"],"kind":"y"}"#, "[1]", "\"s\""])
                + maybe("tags", [#"["a","b"]"#, #"["b c",null]"#, #"["x"]"#]) + maybe("marks", ["[1,2,3]", "[null]", "[4]"])
                + maybe("reals", ["[0.0]", "[-0.0]", "[-0.0,0.5]", "[0,0.5]"]) + maybe("scores", ["[0]", "[0.00]", "[1.5]", "[7.5]"]) + "}"
        }
    }

    @Test func everyTypeInBothLayersIsPostgreSQLs() throws {
        let pipeline = try LayeredPipeline(partitions: 2, sourceSQL: Self.source, views: Self.views)
        var random = SeededGenerator(seed: 91)
        func produce(_ range: Range<Int>) throws {
            for text in Self.events(range, &random) {
                let record = NewRecord(key: nil, payload: Array(text.utf8))
                try pipeline.log.append([record], to: Partition(Int.random(in: 0..<2, using: &random)))
            }
        }
        func check(_ note: String) throws {
            let oracle = try Oracle(
                dsn: pipeline.dsn, source: "unused",
                columns: [Oracle.Column("event_id", "bigint"), Oracle.Column("event_time", "timestamptz")],
                identity: ("event_id", "event_time"))
            try oracle.load(pipeline.log)
            for view in Self.views {
                let found = difference(try pipeline.served(view), try oracle.rows(view.oracle ?? view.select))
                #expect(found == nil, "\(note), view \(view.name): \(found ?? "")")
            }
        }
        try produce(0..<500)
        try pipeline.speed()
        try pipeline.batch()
        try check("batch")
        try produce(500..<800)
        try pipeline.speed()
        try check("merged")
        let report = try pipeline.batch()
        try check("second batch")
        for view in report.views {
            for drift in view.drift {
                #expect(drift.differing == 0 && drift.onlyBatch == 0 && drift.onlyMerged == 0, "\(view.view) \(drift)")
            }
        }
        #expect(try pipeline.batch(full: true).views.allSatisfy { $0.rowsAdded == 0 && $0.rowsClosed == 0 })
    }
}
