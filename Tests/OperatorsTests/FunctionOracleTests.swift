import Columns
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// Each function, operator and special form over random arguments: for each row our value is PostgreSQL's value as text, or our message
/// is its message. A template is written `{t}` for a text, `{i}` for a small whole number, `{n}` numeric, `{d}` double precision,
/// `{b}` boolean, `{p}` a pattern.
@Suite struct FunctionOracleTests {
    static let instances = 9

    static let texts = [
        "lower({t})", "upper({t})", "initcap({t})", "length({t})", "char_length({t})", "octet_length({t})", "reverse({t})", "md5({t})",
        "substr({t}, {i})", "substr({t}, {i}, {i})", "substring({t} FROM {i} FOR {i})", "substring({t} FOR {i})", "left({t}, {i})",
        "right({t}, {i})", "split_part({t}, {t}, {i})", "split_part({t}, ',', {i})", "replace({t}, {t}, {t})", "translate({t}, {t}, {t})",
        "repeat({t}, {i} % 7)", "lpad({t}, {i} % 9)", "lpad({t}, {i} % 9, {t})", "rpad({t}, {i} % 9)", "rpad({t}, {i} % 9, {t})",
        "strpos({t}, {t})", "position({t} IN {t})", "starts_with({t}, {t})", "trim({t})", "trim(BOTH {t} FROM {t})",
        "trim(LEADING {t} FROM {t})", "trim(TRAILING {t} FROM {t})", "btrim({t}, {t})", "ltrim({t})", "rtrim({t}, 'abc')",
        "{t} || {t}", "{t} || small", "price || {t}", "flag || {t}", "concat({t}, small, flag, price, ratio, id)", "concat({t})",
        "concat_ws({t}, {t}, small, NULL, big)", "concat_ws(',', {t}, {t})", "{t} LIKE {p}", "{t} NOT LIKE {p}", "{t} ILIKE {p}",
        "{t} NOT ILIKE {p}", "{t} LIKE {p} ESCAPE 'é'", "{t} LIKE {p} ESCAPE ''", "{t} LIKE {p} ESCAPE '%'", "{t} LIKE {p} ESCAPE {t}",
    ]

    static let numbers = [
        "abs({i})", "abs({n})", "abs({d})", "abs(big)", "ceil({n})", "ceiling({d})", "ceil({i})", "floor({n})", "floor({d})", "round({n})",
        "round({d})", "round({i})", "round({n}, 0)", "round({n}, 1)", "round({n}, 5)", "round({n}, -1)", "round({n}, -3)", "round(big, -2)",
        "round({n}, -60)", "trunc({n})", "trunc({d})", "trunc({n}, 1)", "trunc({n}, -2)", "trunc({n}, 6)", "sign({n})", "sign({d})",
        "sign({i})", "mod({i}, {i})", "mod(big, {i})", "mod({n}, 1.50)", "{n} % 0.7", "{n} % {n}", "sqrt({d})", "sqrt({i})",
        "sqrt({n})", "sqrt(abs({n}))", "power({n}, {n})", "power({n}, 2)", "{n} ^ {i}", "abs({n}) ^ 0.5", "power({i}, 1.5)", "exp({n})",
        "exp({d})",
        "exp({i} % 9)", "ln({n})", "ln(abs({d}))", "ln({i})", "log({n})", "log(abs({n}) + 0.01)", "log({d})", "log10({i})",
        "log10(abs({n}) + 1.5)",
        "log({n}, {n})", "log(2, {i})", "log(2.5, abs({i}) + 1)", "cbrt({d})", "cbrt({n})", "div({n}, {n})", "div({i}, 7)",
        "div(exact, {n})",
        "|/ abs({n})", "|/ {d}", "||/ {i}", "@ {n}", "@ {i} ^ 2", "@ {d}", "@ '-5'", "|/ '9'", "round(sqrt(abs({n})), 3) * 2",
        "power({d}, {i})", "{d} ^ 2", "power({d}, {d})", "power({i}, {i})", "width_bucket({d}, -10, 100, {i})",
        "width_bucket({i}, {i}, {i}, 10)", "width_bucket({n}, -10, 100.5, {i})", "width_bucket(price, 0.5, 20.25, 7)",
        "width_bucket({n}, 5.0, price, 3)",
        "price / {i}", "price / 3", "7 / price", "price / 0.07", "price / -100", "price::numeric(8,2) / price::numeric(8,2)",
        "({i}::numeric(4,0)) / 7", "exact::numeric(20,4) / 12345.6789", "(price / 100) * 2", "price / nullif({i}, 0)",
        "big::numeric(19,0) / 10000", "0.001 / {i}",
    ]

    static let others = [
        "CASE WHEN {b} THEN {t} ELSE {t} END", "CASE WHEN {b} THEN {i} WHEN {b} THEN {n} END",
        "CASE {i} WHEN 1 THEN 'one' WHEN {i} THEN {t} END",
        "CASE WHEN small <> 0 THEN 100 / small END", "CASE WHEN {b} THEN {d} ELSE {n} END", "CASE {t} WHEN {t} THEN 1 ELSE {i} END",
        "CASE WHEN {b} THEN NULL ELSE {b} END", "CASE 'a' WHEN {t} THEN at END", "nullif({t}, {t})", "nullif({i}, {n})", "nullif({n}, 0)",
        "nullif({d}, {i})", "greatest({i}, {i}, {n})", "least({d}, {n})", "greatest({t}, NULL, {t})", "least({t}, {t})",
        "greatest(at, '2024-05-01 10:11:00+00')", "least(NULL, {b})", "greatest(id, '00000000-0000-0000-0000-000000000001')",
        "({i})::text", "({d})::text", "({b})::text", "at::text", "id::text", "price::text", "round({n}, 2)::text", "big::text",
        "({t})::int", "({t})::boolean", "({t})::double precision", "('1' || {t})::bigint", "({t} || '.55')::numeric(5,1)",
        "({d})::numeric(12,3)", "({d})::numeric(38,10)", "(small || '')::int", "(price::text)::numeric(10,1)", "(id::text)::uuid",
        "(at::text)::timestamptz", "(ratio::text)::double precision", "lower({t}) = {t}", "length({t}) > {i} AND {t} LIKE {p}",
        "coalesce(nullif({t}, ''), 'none')", "price::numeric(12,2)::text",
    ]

    @Test(arguments: [UInt64(41), 42])
    func everyRowAsInPostgreSQL(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let templates = Self.texts + Self.numbers + Self.others
        let expressions = templates.flatMap { template in (0..<Self.instances).map { _ in Self.fill(template, &random) } }
        let result = try ExpressionJudge(seed: seed).judge(expressions)
        #expect(result.differences == [], "seed \(seed)")
        #expect(result.compiled > expressions.count * 4 / 5 && result.errors > 500, "\(result)")
    }

    /// The arguments are columns, constants and small expressions.
    static func fill(_ template: String, _ random: inout SeededGenerator) -> String {
        var text = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{") {
            text += rest[..<open]
            let kind = rest[rest.index(after: open)]
            text += arguments[kind]?.randomElement(using: &random) ?? "?"
            rest = rest[rest.index(open, offsetBy: 3)...]
        }
        return text + rest
    }

    private static let arguments: [Character: [String]] = [
        "t": [
            "label", "label", "label", "'a'", "'Äé1,2,,3'", "(label || 'é1,2,3')", "'  ab cab '", "''", "','", "coalesce(label, 'Zoë_%')",
            "'é'",
            "(small::text)", "'\\'",
        ],
        "p": [
            "'a%'", "'%'", "'_'", "'%b'", "'%\\%'", "'%\\'", "'a\\'", "'%l%l%'", "'Ä'", "'ä%'", "'%_ë_\\_%'", "label", "(label || '%')",
            "''", "'__'",
            "'%é%'", "'A%'", "'zz\\'", "'%%_'", "'é%'", "'_é_%,'", "E'tab\\t%'",
        ],
        "i": ["small", "(small % 5)", "(small % 7)", "0", "1", "2", "3", "(-1)", "(-3)", "2147483647", "(small / 7)", "9"],
        "n": ["price", "exact", "price", "1.50", "(price * 2)", "(-2.5)", "small::numeric", "0.0", "(price + 0.005)"],
        "d": ["ratio", "ratio", "(ratio / 3)", "2.5::float8", "price::float8", "small::float8", "(-0.5::float8)", "(big % 100)::float8"],
        "b": ["flag", "small > 0", "label = 'a'", "true", "price IS NULL", "false"],
    ]
}
