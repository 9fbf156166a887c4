import Columns
import Testing

@testable import ViewLanguage

/// Constants in quotes, as PostgreSQL 15 reads them (each expected value is what it answered).
@Suite("Constants in quotes are read as PostgreSQL reads them")
struct ValueTextTests {
    @Test(
        "intervals",
        arguments: [
            ("1 minute", 0, 0, 60_000_000), ("00:05:00", 0, 0, 300_000_000), ("1 hour 30 minutes", 0, 0, 5_400_000_000),
            ("90s", 0, 0, 90_000_000), ("90", 0, 0, 90_000_000), ("1.5 hours", 0, 0, 5_400_000_000), ("0.5 weeks", 0, 3, 43_200_000_000),
            ("1.5 days", 0, 1, 43_200_000_000), ("1 day -2 hours", 0, 1, -7_200_000_000), ("2 hours ago", 0, 0, -7_200_000_000),
            ("-00:00:01.5", 0, 0, -1_500_000), ("1 day 02:00", 0, 1, 7_200_000_000), ("@ 1 minute", 0, 0, 60_000_000),
            ("250 ms", 0, 0, 250_000), ("7us", 0, 0, 7), ("1 mon", 1, 0, 0), ("1 year 2 mons 3 days", 14, 3, 0),
            ("P1DT2H", 0, 1, 7_200_000_000),
            ("PT1M30.5S", 0, 0, 90_500_000), ("P2W", 0, 14, 0), ("P1Y2M", 14, 0, 0), ("1 WEEK", 0, 7, 0), ("PT", 0, 0, 0),
            ("1 minute ago 5", 0, 0, -65_000_000),
            ("1.5 months", 1, 15, 0), ("1-2", 14, 0, 0), ("2.5 us", 0, 0, 2), ("  5  min ", 0, 0, 300_000_000),
        ] as [(String, Int64, Int64, Int64)])
    func intervals(_ text: String, _ months: Int64, _ days: Int64, _ microseconds: Int64) throws {
        let interval = try IntervalText.interval(text)
        #expect([Int64(interval.months), Int64(interval.days), interval.microseconds] == [months, days, microseconds])
    }

    @Test(
        "what is no interval",
        arguments: [
            "", " ", "minute", "1 minuet", "one minute", "1 minute extra", "P", "P1H", "PT1D", "1:2:3:4", "ago", "p1d",
            "1.2.3 s", "--1 s", "1 m\u{E9}n",
        ])
    func noInterval(_ text: String) { #expect(throws: InvalidText.syntax("interval", text)) { try IntervalText.interval(text) } }

    @Test(
        "an interval that no number holds",
        arguments: [
            "99999999999999999999 s", "9223372036854775807 hours", "9999999999999 hours 9999999999999:00", "00:60:00", "2147483648 days",
        ])
    func hugeInterval(_ text: String) {
        #expect(throws: InvalidText("interval field value out of range: \"\(text)\"")) { try IntervalText.interval(text) }
    }

    @Test("an interval of very many numbers")
    func longInterval() throws {
        let interval = try IntervalText.interval("P" + String(repeating: "0D", count: 100_000))
        #expect([Int64(interval.months), Int64(interval.days), interval.microseconds] == [0, 0, 0])
    }

    @Test("a regular expression of too many bytes is refused unread")
    func largeRegularExpression() throws {
        // As large as may be, with one set of very many members.
        let members = String(repeating: "ab", count: 8_191)
        let largest = try RegularExpressionSyntax("[\(members)]", ignoringCase: false, limits: .record)
        #expect(largest == .characters(CharacterRanges([0x61..<0x63])))
        for (limits, bytes) in [(.record, 16_384), (.constant, 1 << 20)] as [(RegularExpressionSyntax.Limits, Int)] {
            let problem = RegularExpressionSyntax.Problem(
                message: "this regular expression is too large", hint: "it may have \(bytes) bytes")
            #expect(throws: problem) {
                _ = try RegularExpressionSyntax(String(repeating: "(", count: bytes + 1), ignoringCase: false, limits: limits)
            }
        }
    }

    @Test(
        "times",
        arguments: [
            ("1970-01-01 00:00:00+00", 0), ("2024-02-29T12:34:56.789Z", 1_709_210_096_789_000), ("2000-01-01", 946_684_800_000_000),
            ("1969-12-31 23:59:59.999999 UTC", -1), ("2024-01-01 00:00:00-0530", 1_704_087_000_000_000),
            ("2024-01-01 00:00:00+05:30:15", 1_704_047_385_000_000), ("2024-01-01 24:00:00+00", 1_704_153_600_000_000),
            ("2024-01-01 00:00:60+00", 1_704_067_260_000_000), ("2024-1-1 1:02+00", 1_704_070_920_000_000),
            ("0001-01-01 00:00:00+00", -62_135_596_800_000_000), ("1900-03-01 00:00+00", -2_203_891_200_000_000),
            ("2024-01-01 00:00:00.0000005+00", 1_704_067_200_000_000), ("2024-01-01 00:00:00.0000015+00", 1_704_067_200_000_002),
            ("epoch", 0), (" 2024-01-01 ", 1_704_067_200_000_000), ("100000-01-01 00:00+00", 3_093_527_980_800_000_000),
        ] as [(String, Int64)])
    func times(_ text: String, _ microseconds: Int64) throws { #expect(try InstantText(text).microseconds == microseconds) }

    @Test(
        "what is no time",
        arguments: [
            "", "x", "2024", "2024-01", "2024-01-01 x", "2024-01-01 1", "2024-01-01T", "2024-01-01 00:00 +", "24-01-01",
            "2024-01-01 00:00:00Zx",
        ])
    func noTime(_ text: String) { #expect(throws: InvalidText.self) { try InstantText(text) } }

    @Test(
        "decimals keep their scale",
        arguments: [
            ("0", "0", 1, 0), ("0.00", "0", 2, 2), ("1.50", "150", 3, 2), ("-007.5", "-75", 2, 1), ("1e3", "1000", 4, 0),
            ("1.5e-3", "15", 4, 4),
            ("0e5", "0", 1, 0), (".5", "5", 1, 1), ("5.", "5", 1, 0), ("1.25E1", "125", 3, 1), ("-0", "0", 1, 0), (" 1 ", "1", 1, 0),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678", 38, 0),
        ])
    func decimals(_ text: String, _ unscaled: String, _ precision: Int, _ scale: Int) throws {
        let decimal = try DecimalText(text)
        #expect(decimal.unscaled == unscaled && decimal.precision == precision && decimal.scale == scale)
    }

    @Test(
        "what is no decimal",
        arguments: [
            "", ".", "-", "1e", "e5", "1.2.3", "1 2", "0x10", "1e39", "1e-39", "1e2147483648", "1e99999999999999999999", "NaN", "-Infinity",
        ])
    func noDecimal(_ text: String) { #expect(throws: InvalidText.self) { try DecimalText(text) } }

    @Test(
        "booleans, doubles and uuids",
        arguments: [
            ("t", TypeClass.bool, Literal.bool(true)), (" TRUE ", .bool, .bool(true)), ("y", .bool, .bool(true)),
            ("on", .bool, .bool(true)),
            ("1", .bool, .bool(true)), ("f", .bool, .bool(false)), ("no", .bool, .bool(false)), ("of", .bool, .bool(false)),
            ("0", .bool, .bool(false)),
            ("1e-3", .float8, .float(0.001)), (" -5.", .float8, .float(-5)), ("0e999", .float8, .float(0)),
            ("A0EEBC999C0B4EF8BB6D6BB9BD380A11", .uuid, .uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
            ("a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", .uuid, .uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ])
    func others(_ text: String, _ kind: TypeClass, _ expected: Literal) throws {
        #expect(try Literal.reading(text, as: kind) == .literal(expected, kind.plainType))
    }

    @Test(
        "what is none",
        arguments: [
            ("o", TypeClass.bool), ("", .bool), ("10", .bool), ("truee", .bool), ("0x1p3", .float8), ("1e400", .float8),
            ("1e-400", .float8), ("nan", .float8),
            ("", .float8), ("e5", .float8), ("a0eebc99", .uuid), ("{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", .uuid),
            ("a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11", .uuid), (" a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", .uuid), ("1.0", .int4),
            ("2147483648", .int4),
            ("+", .int4), ("١", .int4),
        ])
    func none(_ text: String, _ kind: TypeClass) { #expect(throws: InvalidText.self) { try Literal.reading(text, as: kind) } }
}
