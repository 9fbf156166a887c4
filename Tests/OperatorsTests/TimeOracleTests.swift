import ParallaxCore
import TestSupport
import Testing

/// Times, dates and intervals against PostgreSQL. `{z}` is a timestamptz, `{l}` a timestamp, `{d}` a date, `{v}` an interval, `{i}` a whole
/// number, `{f}` a field, `{u}` a unit, `{o}` a time zone; many of the times are near a change of clocks.
@Suite struct TimeOracleTests {
    static let instances = 14

    static let templates = [
        "{z} AT TIME ZONE {o}", "{l} AT TIME ZONE {o}", "{d} AT TIME ZONE {o}", "timezone({o}, {z})", "({z} AT TIME ZONE {o})::date",
        "date_trunc({u}, {z}, {o})", "date_trunc({u}, {z})", "date_trunc({u}, {l})", "date_trunc({u}, {d})",
        "date_trunc('day', {z} AT TIME ZONE {o}) AT TIME ZONE {o}", "extract({f} FROM {z})", "extract({f} FROM {l})",
        "extract({f} FROM {d})", "extract({f} FROM {v})", "extract({f} FROM {z} AT TIME ZONE {o})", "date_part({q}, {z})",
        "date_part({q}, {l})", "date_part({q}, {d})", "date_part({q}, {v})", "{z} + {v}", "{z} - {v}", "{v} + {z}", "{l} + {v}",
        "{l} - {v}", "{d} + {v}", "{d} - {v}", "{d} + {i}", "{i} + {d}", "{d} - {i}", "{d} - {d}", "({z} - {z})::text", "({l} - {l})::text",
        "({z} - {l})::text", "({d} - {z})::text", "({v} + {v})::text", "({v} - {v})::text", "(- {v})::text", "({v} * {i})::text",
        "({v} * 0.37)::text", "(1.5 * {v})::text", "({v} / 7)::text", "({v} / {i})::text", "{v} < {v}", "{v} = {v}", "{z} < {z}",
        "{d} <= {z}", "{l} > {d}", "{z} = {l}", "{d} BETWEEN {d} AND {d}", "greatest({z}, {z})", "least({v}, {v})::text",
        "coalesce(NULL, {d})", "CASE WHEN {z} > {z} THEN {d} ELSE {l} END", "to_timestamp({n})", "to_timestamp(big)", "{z}::date",
        "{z}::timestamp",
        "{l}::timestamptz", "{l}::date", "{d}::timestamp", "{d}::timestamptz", "{z}::text", "{l}::text", "{d}::text",
        "({l}::text)::timestamp",
        "({d}::text)::date", "({z}::text)::date", "date_bin('7 minutes', {z}, {z})", "date_bin({v}, {l}, {l})",
        "date_bin('1 day', {d}, {z})",
        "extract(epoch FROM {z} - {z})", "extract(epoch FROM at - {z})", "date_trunc('hour', at) + {v}", "at - interval '1 day' < {z}",
        "(label || ' 10:00')::timestamp", "label::date",
    ]

    @Test(arguments: [UInt64(51), 52])
    func everyRowAsInPostgreSQL(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let expressions = Self.templates.flatMap { template in (0..<Self.instances).map { _ in Self.fill(template, &random) } }
        let result = try ExpressionJudge(seed: seed, rows: 3).judge(expressions)
        #expect(result.differences == [], "seed \(seed)")
        #expect(result.compiled > expressions.count * 3 / 4, "\(result.compiled) of \(expressions.count)")
    }

    /// Both readings of the tz database, at and around each change of clocks of some zones over a century, and between.
    @Test(arguments: ["America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo"])
    func everyChangeOfClocks(_ zone: String) throws {
        let connection = try ExpressionJudge(seed: 1, rows: 1).judge.connection
        let rules = try #require(TimeZoneRules(zone))
        let rows = try connection.query(
            """
            SELECT extract(epoch FROM t)::bigint, extract(epoch FROM t AT TIME ZONE '\(zone)')::bigint,
                extract(epoch FROM (t AT TIME ZONE 'UTC') AT TIME ZONE '\(zone)')::bigint
            FROM generate_series(timestamptz '1880-01-01 00:00+00', '2450-01-01', '47 hours 13 minutes') t
            UNION ALL
            SELECT extract(epoch FROM t)::bigint, extract(epoch FROM t AT TIME ZONE '\(zone)')::bigint,
                extract(epoch FROM (t AT TIME ZONE 'UTC') AT TIME ZONE '\(zone)')::bigint
            FROM generate_series(timestamptz '2015-01-01 00:00+00', '2027-01-01', '30 minutes') t
            """
        ).rows
        var differences: [String] = []
        for row in rows {
            let (at, local, back) = (try row.int(0), try row.int(1), try row.int(2))
            let ours = (at + rules.offset(at: at), at - rules.offset(ofLocal: at))
            if ours != (local, back) { differences.append("\(at): \(ours) for (\(local), \(back))") }
        }
        #expect(rows.count > 300_000 && differences.isEmpty, "\(differences.count) of \(rows.count): \(differences.prefix(5))")
    }

    static func fill(_ template: String, _ random: inout SeededGenerator) -> String {
        var text = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{") {
            text += rest[..<open]
            text += argument(rest[rest.index(after: open)], &random)
            rest = rest[rest.index(open, offsetBy: 3)...]
        }
        return text + rest
    }

    private static func argument(_ kind: Character, _ random: inout SeededGenerator) -> String {
        switch kind {
        case "z": return Int.random(in: 0..<5, using: &random) == 0 ? "at" : "timestamptz '\(time(&random))+00'"
        case "l": return "timestamp '\(time(&random))'"
        case "d": return "date '\(time(&random).prefix(10))'"
        default: return choices[kind]?.randomElement(using: &random) ?? "?"
        }
    }

    private static func time(_ random: inout SeededGenerator) -> String {
        func two(_ range: ClosedRange<Int>) -> String {
            let value = Int.random(in: range, using: &random)
            return value < 10 ? "0\(value)" : "\(value)"
        }
        let nearChange = [
            "2024-03-10", "2024-11-03", "2024-03-31", "2024-10-27", "2023-11-05", "2050-03-13", "2011-12-30", "2024-02-29", "2024-04-07",
            "2100-10-31",
        ]
        let date =
            Bool.random(using: &random)
            ? nearChange.randomElement(using: &random) ?? "2024-03-10"
            : "\(Int.random(in: 1850...2190, using: &random))-\(two(1...12))-\(two(1...28))"
        let fraction = ["", ".5", ".123456", ".000001", ".999999"].randomElement(using: &random) ?? ""
        return "\(date) \(two(0...23)):\(two(0...59)):\(two(0...59))\(fraction)"
    }

    private static let choices: [Character: [String]] = [
        "v": [
            "interval '1 month'", "interval '1 year 2 months 3 days 04:05:06.789'", "interval '-1 month'", "interval '36 hours'",
            "interval '1 day'",
            "interval '-3 days 5 hours'", "interval '13 months -1 day'", "interval '0.000001 seconds'", "interval '15 minutes'",
            "interval '100 years'", "interval '0'", "interval '-00:00:01.5'", "interval '1 month -1 hour'",
            "(at - timestamptz '2020-02-02 02:02:02+00')",
        ],
        "i": ["small", "(small % 5)", "0", "1", "(-1)", "30", "365", "(small / 1000)"],
        "n": ["ratio", "small", "1714558272.123456", "0", "-1.5", "price", "1e9", "4102444800.000001"],
        "o": [
            "'America/New_York'", "'Europe/Berlin'", "'Asia/Kolkata'", "'UTC'", "'Australia/Lord_Howe'", "'Pacific/Apia'",
            "'Africa/Casablanca'",
        ],
        "u": [
            "'microseconds'", "'millisecond'", "'second'", "'minute'", "'hour'", "'day'", "'week'", "'month'", "'quarter'", "'year'",
            "'decade'",
            "'century'", "'millennium'", "'DAY'",
        ],
        "f": [
            "microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century",
            "millennium",
            "isoyear", "dow", "isodow", "doy", "epoch", "timezone", "timezone_hour", "timezone_minute",
        ],
        "q": [
            "'microseconds'", "'milliseconds'", "'second'", "'minute'", "'hour'", "'day'", "'week'", "'month'", "'quarter'", "'year'",
            "'decade'",
            "'century'", "'isoyear'", "'dow'", "'doy'", "'epoch'", "'timezone'",
        ],
    ]
}
