import TestSupport

/// Random expressions of a wanted kind over a schema's columns: the dialect's operators and functions, nested.
///
/// Constants never stand alone under an operator: PostgreSQL's planner would fold them, and raise errors that no row has.
struct GeneratedExpressions {
    typealias Kind = GeneratedSchema.Kind

    private(set) var schema: GeneratedSchema
    var random: SeededGenerator

    init(_ schema: GeneratedSchema, random: SeededGenerator) {
        self.schema = schema
        self.random = random
    }

    /// Columns of a joined table are there, too.
    mutating func join(_ columns: [GeneratedSchema.Column]) { schema.columns += columns }

    mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
    mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

    mutating func expression(_ kind: Kind, _ depth: Int) -> String {
        guard depth > 0, below(5) > 0 else { return leaf(kind) }
        if below(9) == 0 { return choice(kind, depth) }
        return switch kind {
        case .bool: condition(depth - 1)
        case .int4: int4(depth - 1)
        case .int8: int8(depth - 1)
        case .numeric: numeric(depth - 1)
        case .float8: float8(depth - 1)
        case .text: text(depth - 1)
        case .timestamptz: timestamptz(depth - 1)
        case .timestamp: timestamp(depth - 1)
        case .date: date(depth - 1)
        case .time: time(depth - 1)
        case .interval: interval(depth - 1)
        case .uuid: leaf(.uuid)
        }
    }

    /// A column of the kind; where the schema has none, one that is made from another.
    mutating func leaf(_ kind: Kind) -> String {
        if below(3) == 0, let part = part(of: kind) { return part }
        let columns = schema.columns(of: kind)
        if !columns.isEmpty { return pick(columns).quoted }
        let time = schema.time.quoted
        return switch kind {
        case .bool: "(\(leaf(.text)) > 'f')"
        case .int4: "length(\(leaf(.text)))"
        case .int8: "(length(\(leaf(.text))))::bigint"
        case .numeric: "(length(\(leaf(.text))))::numeric(8,2)"
        case .float8: "(length(\(leaf(.text))))::double precision"
        case .text: "(\(schema.id.quoted))::text"
        case .timestamptz: time
        case .timestamp: "(\(time) AT TIME ZONE 'UTC')"
        case .date: "(\(time) AT TIME ZONE 'America/New_York')::date"
        case .time: "(\(time) AT TIME ZONE 'UTC')::time"
        case .interval: "(\(time) - \(constant(.timestamptz)))"
        case .uuid: "md5(\(leaf(.text)))::uuid"
        }
    }

    /// Something inside of a jsonb or an array, where the schema has one.
    private mutating func part(of kind: Kind) -> String? {
        let documents = schema.documents.map(\.quoted)
        let arrays = schema.arrays.map(\.quoted)
        switch (kind, documents.isEmpty, arrays.isEmpty) {
        case (.text, false, _) where below(2) == 0 || arrays.isEmpty:
            let path = pick(["->> 'a'", "#>> '{nested,k}'", "->> 0", "-> 'nested' ->> 'aa'", "#>> '{nested,z,1,k}'"])
            return "(\(pick(documents)) \(path))"
        case (.text, _, false): return "(\(pick(arrays)))[\(pick(["1", "2", "0"]))]"
        case (.bool, false, _) where below(2) == 0 || arrays.isEmpty: return "((\(pick(documents)) ->> 'a') IS NOT NULL)"
        case (.bool, _, false): return "('a' = ANY(\(pick(arrays))))"
        case (.int4, _, false): return "cardinality(\(pick(arrays)))"
        case (.numeric, false, _): return "((\(pick(documents)) ->> 'n')::numeric)"
        default: return nil
        }
    }

    mutating func constant(_ kind: Kind) -> String {
        switch kind {
        case .bool: pick(["true", "false"])
        case .int4: pick(["0", "1", "-1", "7", "100"])
        case .int8: pick(["0", "3", "5000000000", "-9"])
        case .numeric: pick(["0.5", "1.50", "-1.25", "19.99"])
        case .float8: pick(["0.25::double precision", "2.5::double precision", "-100::double precision"])
        case .text: pick(["'/a'", "''", "'Ä'", "'home'", "'it''s'", "'%'"])
        case .timestamptz: pick(["'2024-03-10 07:00:00+00'::timestamptz", "'1970-01-01 00:00:00+00'::timestamptz"])
        case .timestamp: pick(["'2024-03-10 02:30:00'::timestamp", "'2000-01-01'::timestamp"])
        case .date: pick(["'2024-02-29'::date", "DATE '2024-05-11'"])
        case .time: pick(["'12:34:56'::time", "TIME '00:00:00.5'"])
        case .interval: pick(["'1 day'::interval", "interval '24:00'", "interval '1 mon'", "'-90 minutes'::interval", "interval 'P1Y'"])
        case .uuid: "'00000003-1111-4222-8333-444444444444'::uuid"
        }
    }

    private mutating func choice(_ kind: Kind, _ depth: Int) -> String {
        switch below(5) {
        case 0:
            return "CASE WHEN \(expression(.bool, depth - 1)) THEN \(expression(kind, depth - 1)) ELSE \(expression(kind, depth - 1)) END"
        case 1: return "coalesce(\(expression(kind, depth - 1)), \(orConstant(kind, depth - 1)))"
        case 2: return "nullif(\(expression(kind, depth - 1)), \(orConstant(kind, depth - 1)))"
        case 3 where kind != .bool && kind != .uuid:
            return "\(pick(["greatest", "least"]))(\(expression(kind, depth - 1)), \(orConstant(kind, depth - 1)))"
        default:
            return "CASE \(leaf(.text)) WHEN '/a' THEN \(expression(kind, depth - 1)) WHEN 'home' THEN \(leaf(kind)) END"
        }
    }

    private mutating func orConstant(_ kind: Kind, _ depth: Int) -> String {
        below(2) == 0 ? constant(kind) : expression(kind, max(0, depth))
    }

    mutating func condition(_ depth: Int) -> String {
        let kind = pick(Kind.allCases)
        switch below(12) {
        case 0: return "(\(expression(.bool, depth)) AND \(expression(.bool, depth)))"
        case 1: return "(\(expression(.bool, depth)) OR \(expression(.bool, depth)))"
        case 2: return "(NOT \(expression(.bool, depth)))"
        case 3: return "(\(expression(kind, depth)) IS \(pick(["", "NOT "]))NULL)"
        case 4: return "(\(expression(.bool, depth)) IS \(pick(["", "NOT "]))\(pick(["TRUE", "FALSE", "UNKNOWN"])))"
        case 5 where kind != .bool:
            let list = (0...below(3)).map { _ in constant(kind) }.joined(separator: ", ")
            return "(\(expression(kind, depth)) \(pick(["", "NOT "]))IN (\(list)\(pick(["", ", NULL"]))))"
        case 6: return "(\(expression(kind, depth)) IS \(pick(["", "NOT "]))DISTINCT FROM \(orConstant(kind, depth)))"
        case 7: return "(\(expression(kind, depth)) \(pick(["", "NOT "]))BETWEEN \(constant(kind)) AND \(orConstant(kind, depth)))"
        case 8 where below(5) == 0:
            // Texts of events as patterns, some of which are none.
            return "(\(expression(.text, depth)) \(pick(["~", "~*", "!~"])) translate(\(leaf(.text)), 'b\\?', '('))"
        case 8 where below(3) == 0:
            let pattern = pick(["'^/[ab]'", "'o.?m'", "'(a|b)+$'", "'[[:digit:]]'", "'^[^/]*$'", "'x*y?'", "'^(/a|home)[0-3]?$'"])
            return "(\(expression(.text, depth)) \(pick(["~", "~*", "!~", "!~*"])) \(pattern))"
        case 8:
            return
                "(\(expression(.text, depth)) \(pick(["", "NOT "]))\(pick(["LIKE", "ILIKE"])) \(pick(["'/a%'", "'%o_e'", "'%'", "'_'", "''", "'%\\%%'", "'h%e'"])))"
        case 9: return "starts_with(\(expression(.text, depth)), \(pick(["'/'", "''", "'h'"])))"
        default: return "(\(expression(kind, depth)) \(pick(["=", "<>", "<", "<=", ">", ">="])) \(orConstant(kind, depth)))"
        }
    }

    private mutating func int4(_ depth: Int) -> String {
        switch below(10) {
        case 0: "length(\(expression(.text, depth)))"
        case 1: "strpos(\(expression(.text, depth)), \(orConstant(.text, depth)))"
        case 2: "(\(expression(.date, depth)) - \(expression(.date, depth)))"
        case 3: "(\(expression(.bool, depth)))::int"
        case 4: "(- \(expression(.int4, depth)))"
        case 5: "abs(\(expression(.int4, depth)))"
        case 6: "mod(\(expression(.int4, depth)), \(pick(["7", "3", "-5"])))"
        case 7: "(\(expression(.int4, depth)) \(pick(["/", "%"])) \(pick(["7", "3", "-5"])))"
        case 8:
            "extract(\(pick(["hour", "dow", "doy", "isoyear", "minute"])) FROM \(expression(pick([.timestamptz, .timestamp]), depth)))::int"
        default: "(\(expression(.int4, depth)) \(pick(["+", "-", "*"])) \(orConstant(.int4, depth)))"
        }
    }

    private mutating func int8(_ depth: Int) -> String {
        switch below(6) {
        case 0: "(\(expression(.int4, depth)))::bigint"
        case 1: "(- \(expression(.int8, depth)))"
        case 2: "(\(expression(.int8, depth)) \(pick(["/", "%"])) \(pick(["7", "1000", "-3"])))"
        case 3: "(\(expression(.int8, depth)) \(pick(["+", "-"])) \(expression(.int4, depth)))"
        case 4: "(trunc(\(expression(.numeric, depth))))::bigint"
        default: "(\(expression(.int8, depth)) \(pick(["+", "-", "*"])) \(orConstant(.int8, depth)))"
        }
    }

    private mutating func numeric(_ depth: Int) -> String {
        switch below(11) {
        case 9: return "\(pick(["sqrt(", "ln(1 + ", "sqrt(0.25 + "]))abs((\(expression(.numeric, depth)))::numeric(9,2)))"
        case 10: return "power(abs((\(expression(.numeric, depth)))::numeric(5,2)), \(pick(["2", "0.5", "1.5", "-1", "0.333"])))"
        case 0: return "(\(expression(.int4, depth)))::numeric(14,2)"
        case 1: return "(- \(expression(.numeric, depth)))"
        case 2: return "round(\(expression(.numeric, depth)), \(pick(["0", "1", "3", "-1"])))"
        case 3: return "\(pick(["abs", "ceil", "floor", "trunc", "sign"]))(\(expression(.numeric, depth)))"
        case 4 where below(3) == 0:
            return "extract(\(pick(["epoch", "seconds", "year", "hour"])) FROM \(expression(.interval, depth)))"
        case 4: return "extract(\(pick(["epoch", "second", "milliseconds"])) FROM \(expression(.timestamptz, depth)))"
        case 5: return "(\(expression(.numeric, depth)))::numeric(\(pick(["20,4", "12,1", "9,3"])))"
        case 6:
            return "((\(expression(.numeric, depth)))::numeric(9,2) / nullif((\(leaf(.int4)))::numeric(6,0), 0))"
        // A factor and a constant only: a product of products needs more than 38 digits here.
        case 7: return "(\(leaf(.numeric)) * \(constant(.numeric)))"
        default: return "(\(expression(.numeric, depth)) \(pick(["+", "-"])) \(orConstant(.numeric, depth)))"
        }
    }

    private mutating func float8(_ depth: Int) -> String {
        switch below(7) {
        case 0: "(\(expression(pick([.int4, .numeric, .int8]), depth)))::double precision"
        case 1: "\(pick(["abs", "ceil", "floor", "round", "trunc", "sign"]))(\(expression(.float8, depth)))"
        case 2: "sqrt(abs(\(expression(.float8, depth))))"
        case 3 where below(3) == 0: "date_part('\(pick(["epoch", "month", "day", "second"]))', \(expression(.interval, depth)))"
        case 3: "date_part('\(pick(["hour", "epoch", "week", "day"]))', \(expression(pick([.timestamptz, .timestamp, .date]), depth)))"
        case 4: "(- \(expression(.float8, depth)))"
        default: "(\(expression(.float8, depth)) \(pick(["+", "-", "*"])) \(orConstant(.float8, depth)))"
        }
    }

    private mutating func text(_ depth: Int) -> String {
        let text = expression(.text, depth)
        return switch below(14) {
        case 0: "\(pick(["lower", "upper", "initcap", "reverse", "md5"]))(\(text))"
        case 1: "\(pick(["left", "right"]))(\(text), \(pick(["2", "0", "-1", "5"])))"
        case 2: "substr(\(text), \(pick(["1", "0", "-1", "3"])), \(pick(["2", "0", "9"])))"
        case 3: "substring(\(text) FROM 2 FOR 3)"
        case 4: "split_part(\(text), '/', \(pick(["1", "2", "-1"])))"
        case 5: "replace(\(text), \(pick(["'a'", "'/'", "''"])), \(pick(["'bb'", "''"])))"
        case 6: "\(pick(["trim", "ltrim", "rtrim", "btrim"]))(\(text))"
        case 7: "concat(\(text), '-', \(expression(pick([.int4, .int8, .bool, .text]), depth)))"
        case 8: "\(pick(["lpad", "rpad"]))(\(text), \(pick(["5", "0", "2"])), \(pick(["'*'", "'xy'"])))"
        case 9: "(\(expression(pick([.int4, .int8, .float8, .bool, .date, .uuid, .timestamp, .timestamptz, .interval]), depth)))::text"
        case 10: "translate(\(text), 'abc/', 'xyz')"
        default: "(\(text) || \(orConstant(.text, depth)))"
        }
    }

    private mutating func timestamptz(_ depth: Int) -> String {
        switch below(6) {
        case 0: "date_trunc('\(pick(Self.units))', \(expression(.timestamptz, depth)) + interval '0', '\(pick(Self.zones))')"
        case 1: "(\(expression(.timestamp, depth)) AT TIME ZONE '\(pick(Self.zones))')"
        case 2:
            "(\(expression(.timestamptz, depth)) \(pick(["+", "-"])) \(below(2) == 0 ? leaf(.interval) : "interval '\(pick(Self.intervals))'"))"
        case 3: "to_timestamp((\(expression(.int4, depth)))::double precision)"
        case 4:
            "date_bin('\(pick(["15 minutes", "7 days", "1.5 seconds"]))', \(expression(.timestamptz, depth)) + interval '0', '2001-01-01 00:00:00+00')"
        default: "(\(expression(.date, depth)))::timestamptz"
        }
    }

    private mutating func timestamp(_ depth: Int) -> String {
        switch below(4) {
        case 0: "date_trunc('\(pick(Self.units))', \(expression(.timestamp, depth)))"
        case 1: "(\(expression(.timestamptz, depth)) AT TIME ZONE '\(pick(Self.zones))')"
        case 2: "(\(expression(.timestamp, depth)) \(pick(["+", "-"])) interval '\(pick(Self.intervals))')"
        default: "(\(expression(.date, depth)))::timestamp"
        }
    }

    private mutating func time(_ depth: Int) -> String {
        switch below(3) {
        case 0: "(\(expression(.time, depth)) \(pick(["+", "-"])) interval '\(pick(["90 minutes", "1 second", "25 hours"]))')"
        case 1: "(\(expression(.timestamp, depth)))::time"
        default: "(\(expression(.timestamptz, depth)) AT TIME ZONE '\(pick(Self.zones))')::time"
        }
    }

    private mutating func interval(_ depth: Int) -> String {
        switch below(9) {
        case 0: "(\(expression(.timestamp, depth)) - \(orConstant(.timestamp, depth)))"
        case 1: "(- \(expression(.interval, depth)))"
        case 2: "(\(expression(.interval, depth)) * \(pick(["2", "0.5", "-1.25"])))"
        case 3: "(\(expression(.interval, depth)) / \(pick(["3", "0.75", "-7"])))"
        case 4: "date_trunc('\(pick(["second", "minute", "hour", "day", "month", "year"]))', \(expression(.interval, depth)))"
        case 5: "\(pick(["justify_hours", "justify_days", "justify_interval"]))(\(expression(.interval, depth)))"
        case 6: "(\(expression(.time, depth)))::interval"
        case 7: "((\(expression(.interval, depth)))::text)::interval"
        default: "(\(expression(.interval, depth)) \(pick(["+", "-"])) \(orConstant(.interval, depth)))"
        }
    }

    private mutating func date(_ depth: Int) -> String {
        switch below(3) {
        case 0: "(\(expression(.date, depth)) \(pick(["+", "-"])) \(pick(["1", "30"])))"
        case 1: "(\(expression(.timestamp, depth)))::date"
        default: "(\(expression(.timestamptz, depth)) AT TIME ZONE '\(pick(Self.zones))')::date"
        }
    }

    private static let units = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
    private static let intervals = ["1 month", "36 hours", "1 day", "-90 seconds", "1 year 2 months 3 days 04:05:06.7"]
    static let zones = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]
}
