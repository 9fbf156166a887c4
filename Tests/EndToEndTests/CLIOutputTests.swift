import Logging
import ParallaxCore
import Postgres
import Testing

@testable import parallax

@Suite struct CLIOutputTests {
    @Test func everyErrorHasAnExitStatusOfSysexits() {
        for code in ParallaxError.Code.allCases {
            let status = ExitStatus.of(code)
            #expect((64...78).contains(status) || status == ExitStatus.interrupted, "\(code)")
        }
    }

    @Test func tablesAlignByWidthAndSide() {
        var table = Table(("name", .left), ("count", .right))
        table.rows = [["a", "1"], ["日本", "1,000"], ["two\nlines", ""]]
        #expect(
            table.text() == """
                name        count
                ----------  -----
                a               1
                日本        1,000
                two\\nlines

                """)
    }

    static let result = QueryResult(
        columns: ["n", "big", "text", "flag", "doc"], types: [20, 1_700, 25, 16, 3_802],
        rows: [
            .init(values: ["1", "12345678901234567890.10", "a,\"b\"", "t", "{\"a\": 1}"]), .init(values: [nil, "NaN", "", "f", nil]),
        ], affectedRows: 2)

    @Test func csvQuotesWhatNeedsItAndTellsNullFromEmpty() {
        #expect(
            QueryOutput(Self.result).csv() == #"""
                n,big,text,flag,doc
                1,12345678901234567890.10,"a,""b""",t,"{""a"": 1}"
                ,NaN,"",f,

                """#)
    }

    @Test func jsonKeepsDigitsAndTypes() {
        #expect(
            QueryOutput(Self.result).json() == """
                [
                {"n":1,"big":12345678901234567890.10,"text":"a,\\"b\\"","flag":true,"doc":{"a": 1}},
                {"n":null,"big":"NaN","text":"","flag":false,"doc":null}
                ]

                """)
        #expect(QueryOutput(QueryResult(columns: ["a"], types: [25], rows: [], affectedRows: 0)).json() == "[]\n")
    }

    @Test func jsonTextEscapes() {
        #expect(JSONText.string("a\"\\\n\u{1}é").text() == "\"a\\\"\\\\\\n\\u0001é\"")
        #expect(JSONText.object([]).text() == "{}")
        #expect(JSONText.object([("a", .array([.int(1), .null]))]).text(indentation: nil) == "{\"a\":[1,null]}")
    }

    @Test(arguments: [("partitons", "partitions"), ("kidn", "kind"), ("KIND", "kind"), ("zzzzzz", nil), ("", nil)])
    func theNearestNameIsSuggested(name: String, expected: String?) {
        #expect(nearestName(to: name, among: ["kind", "partitions", "max_record_bytes"]) == expected)
    }

    @Test func onlyOneOfAThingIsSingular() {
        #expect([0, 1, 2, 1_234_567].map { counted($0, "row") } == ["0 rows", "1 row", "2 rows", "1,234,567 rows"])
        #expect(counted(2, "flush", plural: "flushes") == "2 flushes" && counted(1, "flush", plural: "flushes") == "1 flush")
        #expect(grouped(-1_000) == "-1,000" && grouped(Int64.min) == "-9,223,372,036,854,775,808")
    }

    /// A command in a message works where it is pasted.
    @Test(
        arguments: [
            ("run parallax apply, or parallax up", "run P apply F, or P up F"),
            ("see parallax batch list", "see P batch list F"),
            ("parallax batch publish 7; or: parallax batch discard 7", "P batch publish F 7; or: P batch discard F 7"),
            ("a: parallax archive --until-caught-up", "a: P archive F --until-caught-up"),
            ("a: parallax archive accept-gap ev.", "a: P archive accept-gap F ev."),
            ("parallax diff, then parallax promote or abandon", "P diff F, then P promote F or abandon"),
            ("run parallax apply --pipeline x, or parallax up --pipeline x", "run P apply --pipeline x, or P up --pipeline x"),
            ("/usr/bin/parallax up --pipeline x", "/usr/bin/parallax up --pipeline x"),
            ("another version of parallax and an older parallax has", "another version of parallax and an older parallax has"),
            ("parallax init DIR, parallax.yaml, parallax.frontier", "parallax init DIR, parallax.yaml, parallax.frontier"),
        ]) func commandsInMessagesNameThePipeline(text: String, expected: String)
    {
        #expect(NamedCommands.completed(text, flag: " F", program: "P") == expected)
    }

    @Test func progressNeverOverrunsTheLine() {
        for width in [10, 40, 80] {
            let line = Progress.line(title: "ingest page_view", done: 50, total: 100, words: "1,000 records", width: width, bar: true)
            #expect(line.count <= width)
        }
        let plain = Progress.line(title: "ingest", done: 1, total: 3, words: "1 record", width: 80, bar: false)
        #expect(plain == "ingest  33%  1 record")
    }

    @Test func logLinesStayOneEntry() {
        let text = LineLogHandler(label: "speed", format: .text)
        #expect(
            text.line(time: "T", level: .error, message: "two\nlines", metadata: ["b": "x y", "a": "1"])
                == "T error   speed: two\n    lines a=1 b=\"x y\"")
        let json = LineLogHandler(label: "speed", format: .json)
        #expect(
            json.line(time: "T", level: .info, message: "m", metadata: ["a": "1"])
                == "{\"time\":\"T\",\"level\":\"info\",\"part\":\"speed\",\"message\":\"m\",\"a\":\"1\"}")
    }

    @Test func shellWordsAreQuotedWhereTheyMustBe() {
        #expect(shellQuoted("demo/a-b_1.x") == "demo/a-b_1.x")
        #expect(shellQuoted("it's") == "'it'\\''s'")
        #expect(shellQuoted("") == "''")
        #expect(grouped(-1_234_567) == "-1,234,567")
        #expect(grouped(999) == "999")
    }
}
