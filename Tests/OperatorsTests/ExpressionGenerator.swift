import TestSupport

/// Random SQL expressions over `everyType`, well typed but for what a compiler may refuse. Constants never stand alone under an operator,
/// so that PostgreSQL's planner has nothing to fold that the row would not have reached.
struct ExpressionGenerator {
    enum Kind: CaseIterable { case int4, int8, numeric, float8, bool, text, timestamptz, uuid }

    var random: SeededGenerator

    private mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
    private mutating func pick(_ choices: [String]) -> String { choices[below(choices.count)] }

    mutating func expression(_ kind: Kind, depth: Int) -> String {
        if depth == 0 || below(5) == 0 { return column(kind) }
        switch kind {
        case .bool: return condition(depth)
        case .int4, .int8, .float8, .numeric:
            switch below(8) {
            case 0: return "(- \(expression(kind, depth: depth - 1)))"
            case 1: return "coalesce(\(expression(kind, depth: depth - 1)), \(operand(kind, depth: depth - 1)))"
            case 2: return cast(to: kind, depth)
            default:
                let operators = kind == .float8 ? ["+", "-", "*", "/"] : kind == .numeric ? ["+", "-", "*"] : ["+", "-", "*", "/", "%"]
                return "(\(expression(kind, depth: depth - 1)) \(pick(operators)) \(operand(kind, depth: depth - 1)))"
            }
        case .text, .timestamptz, .uuid: return "coalesce(\(column(kind)), \(operand(kind, depth: depth - 1)))"
        }
    }

    private mutating func cast(to kind: Kind, _ depth: Int) -> String {
        switch kind {
        case .int4: "(\(expression([.int8, .numeric, .float8, .bool][below(4)], depth: depth - 1)))::int"
        case .int8: "(\(expression([.int4, .numeric, .float8][below(3)], depth: depth - 1)))::bigint"
        case .float8: "(\(expression([.int4, .numeric, .int8][below(3)], depth: depth - 1)))::double precision"
        default: "(\(expression([.int4, .numeric][below(2)], depth: depth - 1)))::numeric(\(pick(["12,2", "5,0", "8,6", "3,3"])))"
        }
    }

    private mutating func condition(_ depth: Int) -> String {
        switch below(9) {
        case 0: return "(\(expression(.bool, depth: depth - 1)) AND \(expression(.bool, depth: depth - 1)))"
        case 1: return "(\(expression(.bool, depth: depth - 1)) OR \(expression(.bool, depth: depth - 1)))"
        case 2: return "(NOT \(expression(.bool, depth: depth - 1)))"
        case 3: return "(\(expression(anyKind(), depth: depth - 1)) IS \(pick(["NULL", "NOT NULL"])))"
        case 4: return "(\(expression(.bool, depth: depth - 1)) IS \(pick(["", "NOT "]))\(pick(["TRUE", "FALSE", "UNKNOWN"])))"
        case 5:
            let kind = anyKind(but: .bool)
            let list = (0..<(1 + below(3))).map { _ in constant(kind) }.joined(separator: ", ")
            return "(\(expression(kind, depth: depth - 1)) \(pick(["", "NOT "]))IN (\(list)\(pick(["", ", NULL"]))))"
        case 6:
            let kind = anyKind()
            return "(\(expression(kind, depth: depth - 1)) IS \(pick(["", "NOT "]))DISTINCT FROM \(operand(kind, depth: depth - 1)))"
        default:
            let kind = anyKind()
            return "(\(expression(kind, depth: depth - 1)) \(pick(["=", "<>", "<", "<=", ">", ">="])) \(operand(kind, depth: depth - 1)))"
        }
    }

    private mutating func anyKind(but excluded: Kind? = nil) -> Kind {
        let kinds = Kind.allCases.filter { $0 != excluded }
        return kinds[below(kinds.count)]
    }

    /// A right operand: also a constant, or of another number type.
    private mutating func operand(_ kind: Kind, depth: Int) -> String {
        switch (kind, below(4)) {
        case (_, 0): return constant(kind)
        case (.int8, 1), (.numeric, 1): return expression(.int4, depth: max(0, depth))
        case (.float8, 1): return expression(.numeric, depth: max(0, depth))
        default: return expression(kind, depth: max(0, depth))
        }
    }

    private mutating func column(_ kind: Kind) -> String {
        switch kind {
        case .int4: "small"
        case .int8: "big"
        case .numeric: pick(["price", "exact"])
        case .float8: "ratio"
        case .bool: "flag"
        case .text: "label"
        case .timestamptz: "at"
        case .uuid: "id"
        }
    }

    private mutating func constant(_ kind: Kind) -> String {
        switch kind {
        case .int4: pick(["0", "1", "-1", "7", "2147483647", "100"])
        case .int8: pick(["0", "3", "9223372036854775807", "-9", "5000000000"])
        case .numeric: pick(["0.005", "1.50", "-1.25", "19.99", "0.0000000001"])
        case .float8: pick(["0.1::double precision", "2.5::double precision", "1e300::double precision", "0::double precision"])
        case .bool: pick(["true", "false"])
        case .text: pick(["'a'", "'b'", "''", "'Ä'", "'zz'"])
        case .timestamptz: pick(["'2024-05-01T10:11:00Z'::timestamptz", "'2024-05-01 10:12:10+00'::timestamptz"])
        case .uuid: pick(["'00000000-0000-0000-0000-000000000001'::uuid", "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"])
        }
    }
}
