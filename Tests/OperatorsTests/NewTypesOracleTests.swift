import Columns
import MergeLaw
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// smallint, real, varchar, char, time, numeric of any scale, jsonb and arrays, by PostgreSQL's judgement: what a record says, what expressions
/// make of it, and what groups and measures become.
@Suite struct NewTypesOracleTests {
    static let numbers = [
        "tiny + tiny", "tiny - tiny", "tiny * tiny", "tiny / tiny", "tiny % tiny", "- tiny", "tiny + 1", "tiny + small", "abs(tiny)",
        "tiny * price", "tiny + approx", "mod(tiny, tiny)", "tiny = small", "tiny < approx", "tiny IN (1, 7, 40000)", "ceil(tiny)",
        "sign(tiny)",
        "round(tiny)", "coalesce(tiny, 5)", "coalesce(tiny, small)", "greatest(tiny, 3)", "nullif(tiny, 0)", "tiny::text || '!'",
        "tiny::int",
        "tiny::bigint", "tiny::numeric", "tiny::numeric(4,1)", "tiny::real", "tiny::float8", "small::smallint", "price::smallint",
        "approx::smallint",
        "ratio::smallint", "'12'::smallint + tiny", "(label || '')::smallint", "CASE WHEN tiny > 0 THEN tiny ELSE 0 END",
        "tiny BETWEEN '1' AND 50",
        "approx + approx", "approx - approx", "approx * approx", "approx / approx", "approx / 3::real", "- approx", "approx + 1",
        "approx * 0.1",
        "approx + ratio", "approx * '3.4e38'::real", "approx * 1e-30::real", "abs(approx)", "floor(approx)", "ceil(approx)",
        "round(approx)",
        "trunc(approx)", "sqrt(approx)", "sign(approx)", "approx = 0.1", "approx = 0.1::real", "approx = '0.1'", "approx IN (0.1, 2.5)",
        "approx IN (ratio, 0.1)", "approx < ratio", "approx > small", "coalesce(approx, 1)", "coalesce(approx, price)",
        "greatest(approx, 2.5)",
        "approx::text", "approx::float8", "approx::int", "approx::bigint", "approx::numeric", "approx::numeric(12,3)", "ratio::real",
        "price::real",
        "small::real", "9007199254740993::bigint::real", "loose::real", "(label || '')::real", "power(approx, 2)",
        "approx IS DISTINCT FROM 2.5",
        "width_bucket(approx, 0, 10, 5)", "approx::real", "least(approx, ratio)", "nullif(approx, 2.5)",
    ]

    static let decimals = [
        "sqrt(loose)", "sqrt(abs(loose))", "power(loose, 2)", "loose ^ (tiny % 5)", "power(abs(loose), 0.5)", "2.5 ^ (loose % 20)",
        "price ^ (loose % 3)",
        "ln(loose)", "ln(abs(loose) + 1)", "exp(loose % 50)", "log(abs(loose) + 0.5)", "log(3, loose)", "log(price, loose)",
        "div(loose, 7)",
        "div(loose, price)", "div(1, loose)", "power(loose / 3, 2) + sqrt(price)", "|/ loose", "@ loose",
        "loose + loose", "loose - loose", "loose * loose", "loose / loose", "loose % loose", "- loose", "loose + 1", "loose * 1.5",
        "loose / 3",
        "1 / loose", "loose / price", "price / loose", "loose + price", "loose * tiny", "loose + ratio", "loose * 2.0 + 0.001",
        "loose % 0.7",
        "abs(loose)", "sign(loose)", "ceil(loose)", "floor(loose)", "round(loose)", "round(loose, 1)", "round(loose, tiny % 5)",
        "round(loose, -2)",
        "trunc(loose)", "trunc(loose, 1)", "trunc(loose, -1)", "trunc(loose, 3)", "round(loose, 60)", "loose = 1.5", "loose = 1.500",
        "loose <> price",
        "loose < small", "loose >= 0", "loose IN (1.5, 3, 0)", "loose BETWEEN -2 AND 2", "loose IS NOT DISTINCT FROM 1.50",
        "coalesce(loose, 0)",
        "coalesce(loose, price)", "coalesce(price, loose)", "greatest(loose, 1.5)", "least(loose, price, small)", "nullif(loose, 1.50)",
        "CASE WHEN loose > 0 THEN loose ELSE price END", "loose::text", "loose::int", "loose::smallint", "loose::bigint", "loose::numeric",
        "loose::numeric(10,2)", "loose::numeric(38,0)", "loose::numeric(20,15)", "loose::float8", "(label || '')::numeric",
        "ratio::numeric",
        "(ratio::text)::numeric", "'1e-5'::text::numeric", "small::text::numeric / 7", "loose || 'x'",
        "concat(loose, tiny, approx, clock, tag, code)",
        "(loose * 1.00)::text", "mod(loose, 7)", "loose::numeric * 2", "round(loose * loose, 3)", "(loose / 4)::text",
    ]

    static let characters = [
        "code || tag", "code || 'x'", "tag || 'x'", "tag || tag", "tag || small", "length(code)", "length(tag)", "octet_length(tag)",
        "octet_length(code)",
        "char_length(tag)", "upper(tag) || '|'", "lower(code)", "reverse(tag)", "left(tag, 2) || '|'", "substr(tag, 2) || '|'",
        "replace(tag, ' ', '_')",
        "strpos(tag, ' ')", "md5(tag)", "md5(code)", "tag = 'a'", "tag = 'a  '", "tag = 'ab'::text", "tag = label", "tag = 'ab '::char(3)",
        "tag = other", "tag < other", "tag <> 'zz'", "tag >= 'ab'", "tag < 'ab'::text", "tag IN ('a ', 'zz')", "tag NOT IN ('a', 'b')",
        "code = 'ab'",
        "code = 'ab '", "code = label", "code < label", "code IN ('a', 'ab ')", "tag LIKE 'a%'", "tag LIKE 'ab'", "tag LIKE 'ab  '",
        "tag LIKE '____'",
        "tag ILIKE 'A%'", "code LIKE 'ab_'", "code NOT LIKE '%b%'", "coalesce(tag, 'zz  '::char(4))", "coalesce(code, label)",
        "coalesce(code, 'none')",
        "coalesce(tag::text, 'none')", "nullif(tag, 'a')", "nullif(code, 'a')", "greatest(code, label)", "least(tag, 'm'::char(4))",
        "tag::text",
        "tag::text || '|'", "code::text", "tag::varchar || '|'", "tag::varchar(2) || '|'", "tag::char(2)", "tag::char(6) || '|'",
        "code::char(3)",
        "code::varchar(2)", "code::varchar", "label::varchar(1)", "label::char(1)", "small::varchar(2)", "small::char(3)",
        "price::varchar(3)",
        "flags[1]::varchar(2)", "'abcdef'::varchar(3)", "'abc'::char(2) = 'ab'", "concat(tag, '|')", "concat_ws('-', tag, code, tiny)",
        "CASE WHEN tag = 'a' THEN code ELSE label END", "CASE tag WHEN 'a ' THEN 1 WHEN 'zz' THEN 2 END", "tag IS DISTINCT FROM 'a'",
        "initcap(tag)",
        "starts_with(tag, 'a')", "split_part(code, 'b', 1)", "trim(tag) || '|'", "lpad(tag, 6, '*')", "translate(code, 'ab', 'xy')",
        "wide || '|'",
        "wide = 'ab  '", "(code || '5')::int", "tag::int", "code::boolean", "tag BETWEEN 'a' AND 'm'", "position('b' IN tag)",
        "label = 'ab '::varchar",
    ]

    static let clocks = [
        "clock + interval '1 hour'", "clock - interval '25 hours 30 minutes'", "interval '90 minutes' + clock", "clock - clock",
        "clock - '10:00'",
        "'10:00' - clock", "clock + interval '1 day 02:00'", "day + clock", "clock + day", "day - clock", "local + clock", "local - clock",
        "at + clock",
        "clock < '12:00'", "clock = time '10:11:12.5'", "clock BETWEEN '07:00' AND '11:00'", "clock IN ('00:00', '24:00')",
        "greatest(clock, '12:00')",
        "coalesce(clock, '00:00')", "clock::text", "clock::interval", "(clock::interval)::time", "local::time", "at::time",
        "(label || '')::time",
        "interval '-1 hour'::time", "interval '49 hours 1 second'::time", "extract(hour FROM clock)", "extract(minute FROM clock)",
        "extract(second FROM clock)", "extract(epoch FROM clock)", "extract(milliseconds FROM clock)", "extract(microseconds FROM clock)",
        "date_part('epoch', clock)", "date_part('second', clock)", "date_part('hour', clock)", "clock IS DISTINCT FROM '12:00'",
        "nullif(clock, '24:00')",
        "clock::varchar(5)", "concat(clock, '!')", "clock || ''", "clock - interval '1 month'",
    ]

    static let documents = [
        "doc", "doc::text", "doc -> 'a'", "doc ->> 'a'", "doc -> 'b' -> 'c'", "doc -> 'b' -> 'c' -> 1", "doc -> 'b' -> 'c' ->> 3",
        "doc #> '{b,c,1}'",
        "doc #>> '{b,c,1}'", "doc #>> '{b,c,-1}'", "doc #> '{}'", "doc #>> '{}'", "doc #> '{b,c,x}'", "doc -> 0", "doc ->> 0", "doc -> -1",
        "doc ->> -2",
        "doc -> 9", "doc -> 1 -> 1", "doc ->> 'u'", "doc ->> label", "doc -> label", "doc -> tiny", "doc ->> 'é'", "doc ->> ''",
        "doc -> 'z'",
        "doc ->> 'z'", "(doc -> 'z') IS NULL", "(doc ->> 'z') IS NULL", "doc IS NULL", "(doc ->> 'n')::numeric", "(doc ->> 't')::int",
        "(doc -> 'n')::int",
        "(doc -> 'm')::numeric", "(doc -> 'm')::bigint", "(doc -> 'n')::numeric(6,2)", "(doc -> 'k')::float8", "(doc -> 'f')::boolean",
        "(doc -> 'z')::int",
        "(doc -> 'm')::smallint", "(doc -> 'n')::real", "doc::int", "doc::boolean", "doc::numeric", "jsonb_typeof(doc)",
        "jsonb_typeof(doc -> 'z')",
        "jsonb_array_length(doc)", "jsonb_array_length(doc -> 'b' -> 'c')", "doc ? 'a'", "doc ? 's'", "doc ? label", "doc #>> tags",
        "doc #> tags",
        "doc #>> ARRAY['b', 'c', label]", "doc #>> ARRAY[label]", "jsonb_extract_path(doc, 'b', 'c')",
        "jsonb_extract_path_text(doc, 'b', 'c', '1')",
        "(doc ->> 'n') || 'x'", "coalesce(doc ->> 'a', label)", "CASE WHEN doc ? 'a' THEN doc -> 'a' ELSE doc END",
        "coalesce(doc -> 'zz', doc -> 'n')",
        "label::jsonb", "(doc::text)::jsonb", "(label::jsonb) -> 'a'", "doc['b']['c'][0]", "doc['n']", "length(doc::text)", "(doc ->> 'k')",
        "(doc ->> 'a') = '2'",
        "(doc ->> 'n')::numeric > 0.5", "concat(doc, '!')", "doc::text LIKE '%\"a\"%'", "doc #>> '{t,n}'", "(doc #>> '{t,n}')::float8",
        "doc -> 'b' -> 'c' -> 3", "(doc -> 'v')::float8", "(doc -> 'w')::float8", "(doc -> 'w')::real", "(doc -> 'w')::int",
        "(doc -> 'x')::int", "(doc -> 'x')::bigint", "(doc -> 'x')::numeric(6,0)", "(doc -> 'w')::numeric(6,2)", "(doc -> 'v')::bigint",
        "(doc -> 'v')::real",
    ]

    static let arrays = [
        "tags", "tags[1]", "tags[2]", "tags[0]", "tags[tiny]", "marks[1] + 1", "marks[2]::text", "scores[1]", "scores[1] * 2",
        "flags[1] AND flags[2]",
        "'a' = ANY (tags)", "'b' <> ALL (tags)", "label = ANY (tags)", "'x,y' = ANY(tags)", "2 = ANY (marks)", "tiny = ANY (marks)",
        "small = ANY (marks)",
        "2 > ANY (marks)", "2 <= ALL (marks)", "1.00 = ANY (scores)", "price > ALL (scores)", "true = ANY (flags)",
        "NOT ('a' = ANY (tags))",
        "label = ANY ('{a,ab}')", "tiny = ANY ('{1,7,NULL}')", "tiny = ANY (ARRAY[1, 7])", "label = ANY (ARRAY['a', code, NULL])",
        "array_length(tags, 1)",
        "array_length(tags, 2)", "cardinality(tags)", "cardinality(marks)", "tags = '{a}'", "tags = '{ a , b, NULL }'", "tags <> '{}'",
        "marks = ARRAY[1, 2, 3]",
        "tags IS NULL", "tags::text", "coalesce(tags, '{none}')", "coalesce(marks[1], 0)", "ARRAY[label, code, 'x y', NULL]",
        "ARRAY[tiny, small]",
        "ARRAY[price, price * 1]", "price = ANY (ARRAY[0.01, 1, 19.99])", "scores[1] = ANY (ARRAY[1, 1.01])",
        "label LIKE ANY (ARRAY['a%', '%b '])", "label NOT LIKE ALL (ARRAY['a%', NULL, 'n'])", "tag LIKE ANY ('{a%,_}')",
        "code ILIKE ALL (ARRAY[label, '%'])",
        "label ~ ANY ('{^a,\"b $\",7}'::text[])", "code !~* ALL (ARRAY['^A', 'z+'])", "label LIKE ANY ('{}')", "NOT label LIKE ALL ('{}')",
        "ratio = ANY (ARRAY[0.1, 2.5])", "ARRAY[flags[1], true]", "(ARRAY[label, 'z'])[2]", "tags IS DISTINCT FROM '{a}'",
        "CASE WHEN 'a' = ANY (tags) THEN tags[1] END",
        "tags[1] || '!'", "nullif(tags, '{}')", "ARRAY[ratio, 2]", "ARRAY[approx]", "marks::text", "scores::text", "flags::text",
        "ARRAY[id]",
        "tags IN ('{a}', '{}')", "concat(tags, '!')",
        "scores = '{1.5}'", "scores = '{1.500}'", "scores <> '{12}'", "scores IN ('{1.5}', '{12.0}')", "nullif(scores, '{1.5}')",
        "scores IS DISTINCT FROM '{1.5}'", "coalesce(scores, '{0.00}')", "coalesce(scores, '{}')", "CASE scores WHEN '{12}' THEN 1 END",
        "reals = ARRAY['0'::real]", "doubles <> ARRAY['-0'::float8]", "nullif(doubles, ARRAY['0'::float8])", "doubles::text",
        "price = ANY ('{19.99,-1.25,0}')", "price = ANY ('{1.5,19.9900}')", "price = ANY ('{12.50,19.99}'::numeric(12,2)[])",
        "2::numeric = ANY ('{1.5}')", "('{1.5}'::numeric(3,1)[])[1]", "('{1.25,2}'::numeric(6,1)[])::text", "scores::numeric(8,2)[]",
        "('{abcdef,x}'::varchar(2)[])[1]", "(ARRAY[label, 'xyz']::varchar(2)[])[2]", "(tags::varchar[])[1]",
        "'abcde'::varchar(5) = ANY (tags)", "code = ANY (tags)", "code <> ALL ('{abcdef,a}')", "tag = ANY (tags)",
        "'abcd'::char(4) = ANY ('{abcdef}')", "'ab'::varchar(2) = ANY (ARRAY['abc', NULL])",
    ]

    /// Every expression over every row.
    @Test(arguments: [
        ("numbers", numbers), ("decimals", decimals), ("characters", characters), ("clocks", clocks), ("documents", documents),
        ("arrays", arrays),
    ])
    func everyRowAsInPostgreSQL(_ name: String, _ expressions: [String]) throws {
        let judge = try ExpressionJudge(seed: 71, source: moreTypes, batch: moreEvents(60, seed: 71)) {
            compileExpressions($0, over: moreTypesTable, "more_types")
        }
        let compiled = compileExpressions(expressions, over: moreTypesTable, "more_types")
        let refused = zip(expressions, compiled).filter { $1 == nil }.map(\.0)
        #expect(refused == [], "\(name): these are to be taken")
        let result = try judge.judge(expressions)
        #expect(result.differences == [], "\(name): \(result.differences.count) differences")
    }

    static let corpus: [String: [String]] = [
        "tiny": ["32767", "32768", "-32768", "-32769", "\"+5\"", "1.0", "\"1e2\"", "true", "\"\"", "\" 7\\n\""],
        "approx": [
            "-0.0", "-0",
            "3.4028235677973366e38", "3.4028235e38", "1e39", "-1e39", "7e-46", "8e-46", "1.4e-45", "1e-400", "\"nan\"", "\"-inf\"",
            "\"0x1p3\"", "16777217",
            "33554433", "8.5899346e9", "0.30000001192092896", "1e22", "123456.7", "1234567", "\"1e\"", "\".5\"", "9999999.5",
            "1.17549435e-38", "2e10", "0.00001",
        ],
        "code": [
            "\"abcdef\"", "\"abcde \"", "\"äöüßé\"", "\"äöüßéx\"", "\"äöüßé  \"", "\"     x\"", "5", "\"a\\u0000\"",
            "\"\\ud83d\\ude00abcd\"",
        ],
        "tag": ["\"abcde\"", "\"abcd \"", "\"abcd\\t\"", "\"      \"", "\"äöüß \"", "\" a\"", "[]"],
        "wide": ["\"\(String(repeating: "x", count: 300))\"", "7"],
        "clock": [
            "\"24:00:01\"", "\"25:00\"", "\"10:60\"", "\"10:59:61\"", "\"1:2\"", "\"1:2:3\"", "\"10:11:12.1234565\"",
            "\"23:59:59.9999999\"", "\"T10:00\"",
            "\"10:00Z\"", "\"10:00:00+02\"", "\"10:00+16\"", "\" 10:00 \"", "\"10\"", "\"\"", "\"10:\"", "\"10:00:00.\"", "1000",
            "\"00:00:60\"", "\"24:00:00.0\"", "\"23:59:60.5\"", "\"23:59:60.0\"", "\"10:59:60.5\"", "\"24:00:00.0000004\"",
        ],
        "loose": [
            "1e38", "1e37", "99999999999999999999999999999999999999", "100000000000000000000000000000000000000",
            "0.00000000000000000000000000000000000001",
            "0.000000000000000000000000000000000000001", "1e-39", "0e-38", "0e-39", "-0", "-0.0", "1.50E+1", "1.5e-3", "\"NaN\"", "\"inf\"",
            "\"1_0\"", "\".5\"", "\"5.\"",
            "\"00012.50\"", "1e400000", "12345678901234567890.1234567890123456789", "\"\"", "\"1 2\"", "true",
        ],
        "doc": [
            "\"\\u0000\"", "{\"a\\u0000\":1}", "1e999", "1e-999", "-0", "-0.0", "0e5", "1.50e1", "12e-1", "1E+2",
            "{\"b\":1,\"aa\":2,\"b\":3}", "\"\\u001f\\b\\f\\/\\\\\"",
            "\"\\ud83d\\ude00\"", "[[[[]]],{}]", "{\"a\":{\"a\":{\"a\":[]}}}", "100000000000000000000000000000000000000000000.5", "0.10",
            "[1 , 2]", "{ }", "\"\\\"\"",
        ],
        "tags": ["[1]", "[[\"a\"]]", "[true]", "{}", "\"{a}\"", "[\"a\\u0000\"]", "[\"\\\\\"]", "[\" a \"]", "[\"é\\n\"]", "[{}]"],
        "marks": ["[1.5]", "[2147483648]", "[\"a\"]", "[null,null]", "[true]"],
        "scores": ["[10000]", "[9999.994]", "[9999.995]", "[\"1e2\"]"],
        "flags": ["[1]", "[\"true\"]"],
    ]

    @Test func recordsSayWhatPostgreSQLReads() throws {
        let payloads = Self.corpus.sorted { $0.key < $1.key }.flatMap { name, values in
            (values + (moreValues.first { $0.name == name }?.values ?? [])).map { value in
                "{\"id\":\"00000000-0000-0000-0000-000000000001\",\"at\":\"2024-05-01T10:11:12Z\",\"\(name)\":\(value)}"
            }
        }
        let batch = records(payloads)
        let judge = try Judge(batch, source: moreTypes)
        let accepted = try judge.accepted()
        let list = moreTypes.columns.map { "(e).\($0.name)::text" }.joined(separator: ", ")
        let values = try judge.connection.query("SELECT \(list) FROM parsed ORDER BY record_offset").rows
        let events = EventDecoder(moreTypes).decode(batch)
        for row in payloads.indices {
            let rejection = events.rejections.first { $0.row == row }
            guard accepted[row] == (rejection == nil) else {
                // Hours alone, and other of PostgreSQL's many ways of writing times.
                if rejection?.message.contains("for type time") == true { continue }
                if rejection?.message.contains("is not a finite numeric") == true { continue }
                Issue.record(
                    "\(payloads[row])\nPostgreSQL \(accepted[row] ? "takes" : "refuses") it, ours: \(rejection?.message ?? "takes it")")
                continue
            }
            guard rejection == nil else { continue }
            var evaluator = Evaluator(events)
            let ours = moreTypes.columns.indices.map { index -> String? in
                let vector = evaluator.evaluate(.cast(.column(index, moreTypes.columns[index].type), to: .text), [Int32(row)]).spread(1)
                guard case .text(let texts) = vector.values, !vector.isNull(0) else { return nil }
                return String(decoding: texts.bytes[texts.starts[0]..<texts.ends[0]], as: UTF8.self)
            }
            #expect(ours == values[row].values, "\(payloads[row])")
        }
    }

    @Test(arguments: [
        "SELECT tiny, code, tag, wide, clock, count(*) AS n FROM more_types GROUP BY tiny, code, tag, wide, clock",
        "SELECT approx, tags, marks, count(*) AS n FROM more_types GROUP BY approx, tags, marks",
        "SELECT code, sum(tiny) AS a, min(tiny) AS b, max(tiny) AS c, min(approx) AS d, max(approx) AS e, min(code) AS f, max(wide) AS g FROM more_types GROUP BY code",
        "SELECT tiny, min(tag) AS a, max(tag) AS b, min(clock) AS c, max(clock) AS d, sum(loose) AS e, count(doc) AS f, count(tags) AS g FROM more_types GROUP BY tiny",
        "SELECT sum(loose * loose) FILTER (WHERE abs(loose) BETWEEN 0.001 AND 1000000) AS a, sum(- loose) AS b, sum(scores[1]) AS c FROM more_types",
        "SELECT doc ->> 'n' AS n, 'a' = ANY (tags) AS a, sum((doc ->> 'n')::numeric) AS s FROM more_types WHERE (doc ->> 'n') LIKE '_%' GROUP BY 1, 2",
    ])
    func statesAreThoseOfPostgreSQL(_ select: String) throws {
        let batch = moreEvents(1_500, seed: 72)
        let judge = try Judge(batch, source: moreTypes)
        let events = EventDecoder(moreTypes).decode(batch)
        #expect(events.rejections.isEmpty)
        let aggregator = ViewAggregator(plan: plan(select, over: moreTypesTable), layer: .batch)
        #expect(aggregator.addAll(events).isEmpty)
        // A char is kept without its blanks; the state table puts them there.
        let ours = aggregator.takeRows().copyLines.sorted()
        let theirs = try judge.copyLines(
            select.replacing("min(tag)", with: "rtrim(min(tag))").replacing("max(tag)", with: "rtrim(max(tag))")
                .replacing("SELECT tiny, code, tag,", with: "SELECT tiny, code, rtrim(tag),"))
        #expect(difference(ours, theirs) == nil)
    }

    /// A number in JSON may have more than 38 digits; what it is cast to has fewer.
    @Test func longNumbersInJSONAreCast() throws {
        let doc = #"{"v":1e39,"w":1.2345678901234567890123456789012345678901234567e-25,"x":2.50000000000000000000000000000000000000000001}"#
        let batch = records(["{\"id\":\"00000000-0000-0000-0000-000000000001\",\"at\":\"2024-05-01T10:11:12Z\",\"doc\":\(doc)}"])
        let judge = try Judge(batch, source: moreTypes)
        let events = EventDecoder(moreTypes).decode(batch)
        let casts = [
            "(doc -> 'v')::float8", "(doc -> 'w')::float8", "(doc -> 'w')::real", "(doc -> 'w')::int", "(doc -> 'x')::int",
            "(doc -> 'x')::bigint", "(doc -> 'x')::numeric(6,0)", "(doc -> 'w')::numeric(6,2)",
        ]
        for (cast, expression) in zip(casts, compileExpressions(casts, over: moreTypesTable, "more_types")) {
            var evaluator = Evaluator(events)
            let vector = evaluator.evaluate(.cast(try #require(expression), to: .text), [0]).spread(1)
            guard case .text(let texts) = vector.values else { preconditionFailure("a cast to text gave \(vector.type)") }
            let ours = String(decoding: texts.bytes[texts.starts[0]..<texts.ends[0]], as: UTF8.self)
            let theirs = try judge.connection.query("SELECT (\(cast.replacing("doc", with: "(e).doc")))::text FROM parsed").rows[0][0]
            #expect(ours == theirs && evaluator.errors.messages.isEmpty, "\(cast)")
        }
    }

    /// Zero and negative zero are equal inside of arrays, too.
    @Test func arraysAreOneWhereTheyAreEqual() throws {
        let batch = moreEvents(1_500, seed: 75)
        let judge = try Judge(batch, source: moreTypes)
        let select = "SELECT reals, scores, count(*) AS n, count(DISTINCT doubles) AS d FROM more_types GROUP BY 1, 2"
        let aggregator = ViewAggregator(plan: plan(select, over: moreTypesTable), layer: .batch)
        #expect(aggregator.addAll(EventDecoder(moreTypes).decode(batch)).isEmpty)
        let ours = aggregator.takeRows().copyLines.map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).prefix(4).joined(separator: "\t")
        }
        let theirs = try judge.copyLines(
            select.replacing("SELECT reals", with: "SELECT CASE WHEN reals = '{0}' THEN '{0}' ELSE reals END"))
        #expect(difference(ours.sorted(), theirs) == nil)
    }

    /// Equal numerics are one group and one value, whatever zeros they were written with.
    @Test func numericsOfAnyScaleAreOneWhereTheyAreEqual() throws {
        let batch = moreEvents(1_500, seed: 73)
        let judge = try Judge(batch, source: moreTypes)
        let aggregator = ViewAggregator(
            plan: plan(
                "SELECT loose, count(*) AS n, count(DISTINCT loose) AS d, count(DISTINCT tag) AS t, min(loose) AS a, max(- loose) AS b FROM more_types GROUP BY loose",
                over: moreTypesTable), layer: .batch)
        _ = aggregator.addAll(EventDecoder(moreTypes).decode(batch))
        let ours = aggregator.takeRows().copyLines.map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            return [fields[0], fields[1], fields[2], fields[4]].joined(separator: "\t")
        }
        let theirs = try judge.copyLines(
            "SELECT trim_scale(loose), count(*), count(DISTINCT loose), count(DISTINCT tag) FROM more_types GROUP BY loose")
        #expect(difference(ours.sorted(), theirs) == nil)
    }

    /// Where PostgreSQL takes any of equal values, sums of different ones take the longest, and percentiles have the shorter ones first.
    @Test(arguments: [UInt64(76), 77])
    func differentNumericsOfAnyScale(_ seed: UInt64) throws {
        let batch = moreEvents(1_000, seed: seed)
        let judge = try Judge(batch, source: moreTypes)
        let view = plan(
            """
            SELECT code, sum(DISTINCT loose) AS a, percentile_disc(0.5) WITHIN GROUP (ORDER BY loose) AS b,
                   percentile_disc(ARRAY[0, 0.3, 1]) WITHIN GROUP (ORDER BY loose / 7) AS c FROM more_types GROUP BY code
            """, over: moreTypesTable)
        let aggregator = ViewAggregator(plan: view, layer: .batch)
        _ = aggregator.addAll(EventDecoder(moreTypes).decode(batch))
        let wanted = StateLayout(view, layer: .batch).columns.indices.filter {
            ["g0", "m0_d", "m0_s", "m0_u", "m1_p", "m2_p"].contains(StateLayout(view, layer: .batch).columns[$0].name)
        }
        let ours = aggregator.takeRows().copyLines.map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            return wanted.map { fields[$0] }.joined(separator: "\t")
        }
        // A quotient of the largest values has more than 38 digits: those events are not in.
        let theirs = try judge.copyLines(
            """
            SELECT code, coalesce(cardinality(d), 0), (SELECT sum(v) FROM unnest(d) v), d, s[greatest(1, ceil(0.5 * cardinality(s)))::int],
                   CASE WHEN cardinality(q) > 0 THEN ARRAY[q[1], q[greatest(1, ceil(0.3 * cardinality(q)))::int], q[cardinality(q)]] END
            FROM (SELECT code, array_remove(array_agg(loose ORDER BY loose, scale(loose)), NULL) AS s,
                         array_remove(array_agg(loose / 7 ORDER BY loose / 7, scale(loose / 7)), NULL) AS q, array_agg(loose) AS all_of_them
                  FROM more_types
                  WHERE loose IS NULL OR (scale(loose / 7) <= 38 AND abs(loose / 7) * power(10::numeric, scale(loose / 7)) < 1e38) GROUP BY code) g,
                 LATERAL (SELECT array_agg(v ORDER BY v) AS d
                          FROM (SELECT DISTINCT ON (v) v FROM unnest(all_of_them) v WHERE v IS NOT NULL ORDER BY v, scale(v) DESC) u) x
            """)
        #expect(difference(ours.sorted(), theirs) == nil, "seed \(seed)")
    }
}
