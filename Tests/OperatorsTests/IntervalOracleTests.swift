import Columns
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

private let spanTable = SQLFile(
    path: "table.sql",
    text: """
        CREATE FOREIGN TABLE spans (id uuid, at timestamptz, span interval, other interval, clock time, label text, ratio double precision,
            small integer)
        SERVER parallax OPTIONS (topic 'spans', event_id 'id', event_time 'at', out_of_orderness '5 seconds', lateness '1 hour');
        """)

private let spans: SourceDefinition = {
    guard let source = compile([spanTable]).definitions?.sources.first else { preconditionFailure("the table is right") }
    return source
}()

/// Intervals against PostgreSQL: from text and in records, in expressions, as groups and in measures.
@Suite struct IntervalOracleTests {
    /// An interval in every way of writing, extremes of every part, and texts that are no interval.
    static let texts = [
        "1 day 02:03:04", "1-2", "-1-2", "1-2 3 4:05:06", "-1-2 +3 -4:05:06.789", "P1DT2H", "P1Y2M3W4DT5H6M7.5S", "P-1Y2M", "PT-1.5S",
        "P0.5M", "P1.5Y",
        "P0001-02-03T04:05:06", "P00010203T040506", "P1-2", "PT1:30", "PT010203.5", "P", "PT", "P1", "PT1", "P1T", "p1d", " P1D", "P1D ",
        "PT1e3S",
        "P0x10D", "PT-inf", "P1YT1H1H", "P1Y-2", "P1D2", "PT1H1", "P20000101.5", "P1DT-.5S", "P.5D", "@ 1 hour ago", "@ 1 hour 2 min ago",
        "1 day ago 2 hours", "1 day hour", "hour 1 day", "1 ago", "ago", "1.5 microseconds", "2.5 us", "0.5 months", "1.5 years",
        "1.04 years",
        "0.05 years", "-0.5 months", "-1.5 weeks", "1.99 days", "0.0000005 s", "0.0000015 s", "1day2hours", "1d2h3m4s", "1y2mon3d",
        "1 y 2 mon", "2 centuries",
        "1.5 millennia", "3 decades 1 dec", "1 c 1 cent", "1:30.5", "1:", "1:2", "00:60:00", "00:00:61", "00:00:60", "1:2:3:4", "1- day",
        "1--2",
        "1-13", "1-2-3", "- 5 days", "--5 days", "+ 5 days", "5, 3 days", "5 days, 3 hours", "1.e5 s", ".5", "-.5 s", "5.", "5 1-2",
        "2:30 ago",
        "02:03 0.5 days", "0.5 days 02:03", "1 millenniumfoo", "1 microsecondfoo", "1 quarter", "infinity", "-infinity", "@1 year",
        "1 day -2:03",
        "1 s 1.5 s", "1 ms 1.5 s", "1 s 5 ms", "1 hour 02:03", "1 week 1 day", "1 day 1 day", "1 3 days", "", " ", "\t1\nday ",
        "1 day\u{b}", "1 ä",
        "9223372036854775807 us", "-9223372036854775808 us", "9223372036854775808 us", "-9223372036854775808 us ago",
        "2562047788:00:54.775807",
        "-2562047788:00:54.775807", "2562047788:00:54.775808", "178956970 years 7 mons", "178956970 years 8 mons",
        "-178956970 years -8 mons",
        "2147483647 days", "2147483648 days", "-2147483648 days", "-2147483648 days ago", "2147483647 weeks", "306783378 weeks",
        "2147483647 months 1 year",
        "2147483648 months", "999999999999999999999 s", "1-999999999999", "99999999999999999999-1", "9223372036854775807",
        "1 day 9223372036854775807 us 1 ms",
        "1e3 s", "1 day!", "1 (day)", "1 day +", "1 day + 2 hours", "-1 day 2 hours", "1.2.3 s", "1/2", "1/2/3", "jan 5", "1 jan", "a-b",
        "1 d-2", "s5",
        "178000000 years 2000000000 days 2500000000:00", "1 " + String(repeating: "a", count: 250), String(repeating: "1 ", count: 30),
        String(repeating: ".", count: 3) + "5", "0." + String(repeating: "0", count: 90) + "1 s", "1 day  - 3 hours", "1:2 3:4", "+1:2",
        "-1:2:3", "- 1:2",
    ]

    private static let numbers = [
        "1", "2", "0", "15", "-3", "+4", "1.5", "-0.25", ".5", "7.", "100000", "2147483647", "0.000001", "- 2", "1-2", "-3-11",
        "99:59:59.9",
    ]
    private static let clocks = ["01:02", "-01:02:03", "+10:11:12.131415", "1:59.25", "100:00:00", "00:00:00.0000005"]
    private static let units = [
        "us", "microseconds", "ms", "milliseconds", "s", "sec", "seconds", "m", "min", "minutes", "h", "hours", "d", "day", "days", "w",
        "weeks", "mon",
        "mons", "month", "y", "years", "decade", "century", "mil", "ago", "DAYS", "Foo", "P", "T",
    ]

    private static func randomText(_ random: inout SeededGenerator) -> String {
        func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
        if below(4) == 0 {
            let designators = ["Y", "M", "W", "D", "T", "H", "M", "S", "-", ":", "", "X"]
            return "P"
                + (0..<(1 + below(5))).map { _ in numbers[below(numbers.count)].filter { $0 != " " } + designators[below(designators.count)]
                }.joined()
        }
        var text = ""
        for _ in 0..<(1 + below(4)) {
            if below(5) == 0 { text += clocks[below(clocks.count)] } else { text += numbers[below(numbers.count)] }
            if below(8) > 0 { text += [" ", "", "  "][below(3)] + units[below(units.count)] }
            text += [" ", " ", ", ", "", "  "][below(5)]
        }
        return below(6) == 0 ? text + " ago" : text
    }

    @Test(arguments: [UInt64(81), 82])
    func textIsReadAsPostgreSQLReadsIt(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let texts = Self.texts + (0..<4_000).map { _ in Self.randomText(&random) }
        let connection = try Judge(randomEvents(1, seed: seed)).connection
        try connection.execute(
            """
            CREATE FUNCTION try_interval(x text) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN RETURN x::interval::text; EXCEPTION WHEN OTHERS THEN RETURN 'ERROR: ' || SQLERRM; END $$;
            """)
        var differences: [String] = []
        for text in texts {
            let theirs = try connection.query("SELECT try_interval($1)", [.text(text)]).rows[0][0] ?? ""
            let ours: String
            switch Array(text.utf8).withUnsafeBytes({ TextInput.readInterval($0) }) {
            case .success(let interval):
                var shown: [UInt8] = []
                TextOutput.append(interval: interval, to: &shown)
                ours = String(decoding: shown, as: UTF8.self)
            case .failure(let problem): ours = "ERROR: \(IntervalText.message(of: problem, text))"
            }
            if ours != theirs { differences.append("\"\(text)\": ours \(ours), theirs \(theirs)") }
        }
        #expect(differences == [], "seed \(seed): \(differences.count) of \(texts.count)")
    }

    @Test func recordsSayWhatPostgreSQLReads() throws {
        let values = Self.texts.filter { !$0.contains("\u{b}") }.map {
            "\"\($0.replacing("\t", with: "\\t").replacing("\n", with: "\\n"))\""
        }
        let payloads = (values + ["5", "true", "[]", "null", "\"1 day\\u0000\"", "\"\\u0031 day\""]).map { value in
            "{\"id\":\"00000000-0000-0000-0000-000000000001\",\"at\":\"2024-05-01T10:11:12Z\",\"span\":\(value)}"
        }
        let batch = records(payloads)
        let judge = try Judge(batch, source: spans)
        let accepted = try judge.accepted()
        let shown = try judge.connection.query("SELECT (e).span::text FROM parsed ORDER BY record_offset").rows.map { $0[0] }
        let events = EventDecoder(spans).decode(batch)
        let text = events.texts(of: .column(2, .interval))
        for row in payloads.indices {
            let rejection = events.rejections.first { $0.row == row }
            #expect(accepted[row] == (rejection == nil), "\(payloads[row]): \(rejection?.message ?? "taken")")
            if rejection == nil { #expect(text[row] == shown[row], "\(payloads[row])") }
        }
        let problem = events.rejections.first { payloads[$0.row].contains("2147483648 days\"") }
        #expect(
            problem?.reason == .outOfRange && problem?.message == "interval field value out of range: \"2147483648 days\""
                && problem?.column == "span")
    }

    @Test func justifyingDoesNotLeaveTheRangeOnTheWay() {
        let interval = CalendarInterval(months: .max, days: 30, microseconds: -1)
        let problem = #expect(throws: RowProblem.self) { try CalendarTime.justified(interval, hours: true, days: true) }
        #expect(problem?.message == "interval out of range")
    }

    static let expressions = [
        "span", "- span", "span + other", "span - other", "span * 2", "span * 0.37", "span * ratio", "1.5 * span", "span / 7",
        "span / ratio",
        "span / nullif(small, 0)", "span = other", "span <> other", "span < other", "span <= other", "span > '1 day'",
        "span >= interval '24:00'",
        "span = '30 days'", "span BETWEEN '1 hour' AND other", "span NOT BETWEEN SYMMETRIC other AND '1 day'",
        "span IN ('1 day', '1 mon', '36:00')",
        "span NOT IN (other, '1 day', NULL)", "span IS DISTINCT FROM other", "span IS NOT DISTINCT FROM '1 mon'",
        "coalesce(span, other, '0')",
        "CASE WHEN span > other THEN span ELSE '1 week' END", "CASE span WHEN '24:00' THEN 1 WHEN '1 mon' THEN 2 END",
        "nullif(span, '1 day')", "nullif(span, other)",
        "greatest(span, other)", "least(span, other, '1 day')", "span::text", "span::varchar(5)", "span::char(12)", "label::interval",
        "label::varchar::interval",
        "('1 ' || label)::interval", "span::text::interval", "clock::interval", "(span / 10)::time", "(- span / 10)::time", "clock + span",
        "clock - span", "at + span",
        "at - span", "(at AT TIME ZONE 'UTC') + span", "at::date + span", "at - (at - span)", "clock < span", "span = clock",
        "span || ' long'", "'for ' || span",
        "concat(span, ';', other)", "extract(epoch FROM span)", "extract(month FROM span)", "extract(day FROM span)",
        "extract(hour FROM span)",
        "extract(seconds FROM span)", "extract(microseconds FROM span)", "extract(year FROM span)", "extract(century FROM span)",
        "extract(quarter FROM span)",
        "date_part('epoch', span)", "date_part('minute', span)", "date_part('decade', span)", "date_trunc('microseconds', span)",
        "date_trunc('ms', span)",
        "date_trunc('second', span)", "date_trunc('minute', span)", "date_trunc('hour', span)", "date_trunc('day', span)",
        "date_trunc('month', span)",
        "date_trunc('quarter', span)", "date_trunc('year', span)", "date_trunc('decade', span)", "date_trunc('century', span)",
        "date_trunc('millennium', span)",
        "date_trunc('hour', clock)", "justify_hours(span)", "justify_days(span)", "justify_interval(span)",
        "justify_interval(span + other)",
        "justify_interval(- span)", "span IS NULL", "date_bin(span, at, timestamptz '2001-01-01 00:00+00')", "interval '1.5 months' + span",
        "interval 'P1Y2M' - span",
    ]

    static let values = [
        "1 day", "24:00", "23:60:60", "1 mon", "30 days", "720:00", "-1 mons +30 days", "0", "36:00", "1 year", "12 mons", "360 days",
        "365 days", "00:00:00.000001",
        "-00:00:00.5", "1-2 3 4:05:06.789", "-1-2 +3 -4:05:06", "2147483647 days", "-2147483648 days", "178956970 years 7 mons",
        "-178956970 years -8 mons",
        "2562047788:00:54.775807", "-9223372036854775808 us", "178956970 years 7 mons 2147483647 days 2562047788:00:54.775807", "100 years",
        "-3 days +05:00",
        "1 mon -29 days -23:00", "45 days 03:00", "29 days 24:00", "1 mon -1 days +48:00", "00:00:59.999999", "1 decade",
        "1010 years 5 mons",
    ].filter { $0 != "23:60:60" }

    static func events(_ count: Int, seed: UInt64, _ values: [String] = values) -> RecordBatch {
        var random = SeededGenerator(seed: seed)
        let spans = values.map { "\"\($0)\"" }
        let columns: [(name: String, values: [String])] = [
            ("span", spans), ("other", spans), ("clock", ["\"10:00\"", "\"24:00\"", "\"23:59:59.999999\"", "\"00:00\""]),
            ("label", ["\"1 day\"", "\"day\"", "\"1:2\"", "\"x\"", "\"5 hours  \""]),
            ("ratio", ["0.5", "-3.25", "1e10", "0", "1e-7", "1.0"]),
            ("small", ["0", "1", "-7", "100000"]),
        ]
        var payloads: [String] = []
        for row in 0..<count {
            let digits = String(row, radix: 16)
            let id = "00000000-0000-0000-0000-" + String(repeating: "0", count: 12 - digits.count) + digits
            var fields = ["\"id\":\"\(id)\"", "\"at\":\"2024-05-01T10:1\(row % 3):00Z\""]
            for (name, values) in columns where Int.random(in: 0..<8, using: &random) > 0 {
                fields.append("\"\(name)\":" + values[Int.random(in: 0..<values.count, using: &random)])
            }
            payloads.append("{" + fields.joined(separator: ",") + "}")
        }
        return records(payloads)
    }

    @Test(arguments: [UInt64(83), 84])
    func everyExpressionAsInPostgreSQL(_ seed: UInt64) throws {
        let compile = { compileExpressions($0, over: spanTable, "spans") }
        let refused = zip(Self.expressions, compile(Self.expressions)).filter { $1 == nil }.map(\.0)
        #expect(refused == [], "these are to be taken")
        let result = try ExpressionJudge(seed: seed, source: spans, batch: Self.events(80, seed: seed), compile: compile).judge(
            Self.expressions)
        #expect(result.differences == [], "seed \(seed): \(result.differences.count) differences")
        #expect(result.errors > 50)
    }

    /// A group is shown by the smallest text among its members; its key has the form that equal intervals share.
    @Test func groupsAndMeasuresAreThoseOfPostgreSQL() throws {
        let values = Self.values.filter { !$0.contains("178956970") }
        let batch = Self.events(1_500, seed: 85, values)
        let judge = try Judge(batch, source: spans)
        let events = EventDecoder(spans).decode(batch)
        #expect(events.rejections.isEmpty)
        let aggregator = ViewAggregator(
            plan: plan(
                "SELECT span, count(*) AS n, count(other) AS m, count(DISTINCT other) AS d FROM spans GROUP BY span", over: spanTable),
            layer: .batch)
        #expect(aggregator.addAll(events).isEmpty)
        let ours = aggregator.takeRows().copyLines.map { line in line.split(separator: "\t").prefix(5).joined(separator: "\t") }.sorted()
        let theirs = try judge.copyLines(
            """
            SELECT justify_interval(span), min(span::text COLLATE "C"), count(*), count(other), count(DISTINCT other) FROM spans GROUP BY span
            """)
        #expect(difference(ours, theirs) == nil)
    }

    @Test func percentilesAreThoseOfPostgreSQL() throws {
        // No two of these are equal: which of equal intervals stands where is PostgreSQL's own affair.
        let values = [
            "1 day", "1 mon", "36:00", "1 year", "00:00:00.000001", "-00:00:00.5", "1-2 3 4:05:06.789", "45 days 03:00", "100 years",
            "-3 days +05:00",
        ]
        let batch = Self.events(400, seed: 86, values)
        let judge = try Judge(batch, source: spans)
        let select = """
            SELECT label, min(span) AS a, max(span) AS b, percentile_disc(0.5) WITHIN GROUP (ORDER BY span) AS c,
                percentile_cont(0.37) WITHIN GROUP (ORDER BY span) AS d, percentile_cont(ARRAY[0, 0.25, 0.9]) WITHIN GROUP (ORDER BY span) AS e,
                percentile_disc(ARRAY[0.1, 1]) WITHIN GROUP (ORDER BY span) AS f
            FROM spans GROUP BY label
            """
        let plan = plan(select, over: spanTable)
        let aggregator = ViewAggregator(plan: plan, layer: .batch)
        #expect(aggregator.addAll(EventDecoder(spans).decode(batch)).isEmpty)
        var rows = aggregator.takeRows()
        // The group, least and greatest values, and percentiles.
        let kept = rows.layout.columns.indices.filter { index in
            let column = rows.layout.columns[index]
            if case .group = column.role { return true }
            return column.rule == .own && !column.isSketch
        }
        rows.values = kept.map { rows.values[$0] }
        // An array's text has more quotes than PostgreSQL's own.
        let ours = rows.copyLines.map { $0.replacing("\"", with: "") }.sorted()
        let found = difference(ours, try judge.copyLines(select).map { $0.replacing("\"", with: "") }.sorted())
        #expect(found == nil, "\(found ?? "")")
    }
}

extension EventBatch {
    /// The texts of an expression's values, by PostgreSQL's output functions.
    fileprivate func texts(of expression: Expression) -> [String?] {
        var evaluator = Evaluator(self)
        let rows = Array(0..<Int32(count))
        let vector = evaluator.evaluate(.cast(expression, to: .text), rows).spread(count)
        guard case .text(let texts) = vector.values else { return [] }
        return rows.indices.map { row in
            vector.isNull(row) ? nil : String(decoding: texts.bytes[texts.starts[row]..<texts.ends[row]], as: UTF8.self)
        }
    }
}
