import NIOCore
import ParallaxCore
import Testing

@testable import ServingAPI

@Suite struct FormatTests {
    private func json(_ text: String, _ kind: ValueKind, exact: Bool = false) -> (String, Bool) {
        var buffer = ByteBuffer()
        let isWritten = Array(text.utf8).withUnsafeBytes { JSONValueWriter(exactNumbersAsText: exact).write($0, kind, to: &buffer) }
        return (String(buffer: buffer), isWritten)
    }

    @Test(arguments: [
        ("t", ValueKind.bool, "true"), ("f", .bool, "false"), ("-5", .int32, "-5"), ("9223372036854775807", .int64, "9223372036854775807"),
        ("1.50", .numeric, "1.50"), ("1e+308", .float, "1e+308"), ("-0", .float, "-0"), ("{\"a\": [1]}", .json, "{\"a\": [1]}"),
        ("2026-01-01 00:00:00+00", .timestamptz, "\"2026-01-01T00:00:00Z\""),
        ("2026-01-01 10:20:30.123456+00", .timestamptz, "\"2026-01-01T10:20:30.123456Z\""),
        ("2026-01-01 00:00:00", .timestamp, "\"2026-01-01T00:00:00\""), ("2026-01-01", .date, "\"2026-01-01\""),
        ("0044-03-15 00:00:00+00 BC", .timestamptz, "\"0044-03-15 00:00:00+00 BC\""),
        ("a \"b\" \\ \n\t\u{1}é🙂", .text, "\"a \\\"b\\\" \\\\ \\n\\t\\u0001é🙂\""),
        ("", .text, "\"\""), ("{1,NULL,2.5}", .array(.float), "[1,null,2.5]"), ("{}", .array(.text), "[]"),
        ("{a,\"b,c\",\"NULL\",NULL,\"q\\\"\\\\\"}", .array(.text), "[\"a\",\"b,c\",\"NULL\",null,\"q\\\"\\\\\"]"),
        ("{{1,2},{3,4}}", .array(.int32), "[[1,2],[3,4]]"), ("[0:1]={7,8}", .array(.int64), "[7,8]"),
    ])
    func aValueInJSON(text: String, kind: ValueKind, expected: String) {
        let (written, isWhole) = json(text, kind)
        #expect(written == expected && isWhole)
    }

    @Test(arguments: [
        ("NaN", ValueKind.float), ("Infinity", .float), ("-Infinity", .float), ("NaN", .numeric), ("infinity", .timestamptz),
        ("-infinity", .date),
    ])
    func whatJSONLacksIsNullAndSaid(text: String, kind: ValueKind) {
        let (written, isWhole) = json(text, kind)
        #expect(written == "null" && !isWhole)
    }

    @Test func numbersThatDoublesCannotHoldAreTextsWhereAsked() {
        #expect(json("9007199254740992", .int64, exact: true).0 == "9007199254740992")
        #expect(json("9007199254740993", .int64, exact: true).0 == "\"9007199254740993\"")
        #expect(json("-9007199254740993", .int64, exact: true).0 == "\"-9007199254740993\"")
        #expect(json("9223372036854775807", .int64, exact: true).0 == "\"9223372036854775807\"")
        #expect(json("0.10", .numeric, exact: true).0 == "\"0.10\"")
        #expect(json("12", .int32, exact: true).0 == "12")
    }

    @Test(
        arguments: [
            (nil, RowFormat.json), ("*/*", .json), ("text/csv", .csv), ("application/x-ndjson", .ndjson),
            ("application/vnd.apache.parquet", .parquet),
            ("text/*;q=0.5, application/json;q=0.4", .csv), ("application/json;q=0, */*", .ndjson),
            ("text/html, application/*;q=0.8", .json),
            ("TEXT/CSV", .csv), ("image/png", nil), ("text/html,application/xhtml+xml,*/*;q=0.8", .json),
        ] as [(String?, RowFormat?)])
    func theFormatThatIsAcceptedMost(header: String?, format: RowFormat?) {
        #expect(RowFormat.accepted(header) == format)
    }

    @Test func timesOfPostgresInMicroseconds() {
        func time(_ text: String) -> Int64? { Array(text.utf8).withUnsafeBytes { PostgresTime.microseconds($0) } }
        #expect(time("1970-01-01 00:00:00+00") == 0)
        #expect(time("1970-01-02 03:04:05.5+00") == 97_445_500_000)
        #expect(time("1969-12-31 23:59:59.999999+00") == -1)
        #expect(time("infinity") == nil)
        #expect(time("0044-03-15 00:00:00+00 BC") == nil)
    }
}
