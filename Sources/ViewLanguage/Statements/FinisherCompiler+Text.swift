import Columns

/// Nodes of the parse tree written out as SQL, everything in parentheses.
extension FinisherCompiler {
    mutating func writeConstant(_ body: SyntaxNode, at offset: Int) throws(Refusal) {
        try body.allowFields(["ival", "fval", "boolval", "sval", "bsval", "isnull", "location"], in: statement)
        if body["isnull"]?.isTrue == true { return append("NULL") }
        if let node = body["sval"] { return append(Self.quoted(node["sval"]?.string ?? "")) }
        if let node = body["boolval"] { return append(node["boolval"]?.isTrue == true ? "true" : "false") }
        if let node = body["ival"] { return append("(\(statement.integer(node, at: offset)))") }
        // The scanner let nothing but digits, a point and an exponent pass.
        if let text = body["fval"]?["fval"]?.string, text.utf8.allSatisfy({ Self.numberBytes.contains($0) }) { return append("(\(text))") }
        throw Refusal(offset, "bit string constants are not supported")
    }

    private static let numberBytes = Set("0123456789.eE+-".utf8)

    /// In the form that is read the same whatever standard_conforming_strings says.
    private static func quoted(_ text: String) -> String {
        let doubled = text.replacing("'", with: "''")
        return doubled.contains("\\") ? " E'\(doubled.replacing("\\", with: "\\\\"))'" : "'\(doubled)'"
    }

    mutating func writeOperator(_ body: SyntaxNode, at offset: Int) throws(Refusal) {
        try body.allowFields(["kind", "name", "lexpr", "rexpr", "location"], in: statement)
        let kind = body["kind"]?.string ?? ""
        let symbol = body["name"]?.names?.last ?? ""
        guard let right = body["rexpr"] else { throw Refusal(offset, "this operator is not supported") }
        append("(")
        switch kind {
        case "AEXPR_OP", "AEXPR_LIKE", "AEXPR_ILIKE":
            guard body["name"]?.names?.count == 1, Self.operators.contains(symbol) else {
                throw Refusal(offset, "operator \(symbol) is not supported over aggregates")
            }
            if let left = body["lexpr"] { try write(left) }
            append(" \(symbol) ")
            try write(right)
        case "AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT":
            guard let left = body["lexpr"] else { throw Refusal(offset, "this operator is not supported") }
            try write(left)
            append(kind == "AEXPR_DISTINCT" ? " IS DISTINCT FROM " : " IS NOT DISTINCT FROM ")
            try write(right)
        case "AEXPR_NULLIF":
            guard let left = body["lexpr"] else { throw Refusal(offset, "this operator is not supported") }
            append("nullif(")
            try write(left)
            append(", ")
            try write(right)
            append(")")
        case "AEXPR_IN", "AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN", "AEXPR_BETWEEN_SYM", "AEXPR_NOT_BETWEEN_SYM":
            try writeMembership(kind, symbol, body, at: offset)
        default: throw Refusal(offset, "\(ExpressionCompiler.constructName(kind)) is not supported over aggregates")
        }
        append(")")
    }

    private static let operators: Set<String> = [
        "+", "-", "*", "/", "%", "^", "||", "=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*", "@",
    ]

    private mutating func writeMembership(_ kind: String, _ symbol: String, _ body: SyntaxNode, at offset: Int) throws(Refusal) {
        guard let left = body["lexpr"], let items = body["rexpr"]?.body(of: "List")?["items"]?.children, !items.isEmpty else {
            throw Refusal(offset, "this list is not supported")
        }
        try write(left)
        let isIn = kind == "AEXPR_IN"
        switch kind {
        case "AEXPR_IN": append(symbol == "<>" ? " NOT IN (" : " IN (")
        case "AEXPR_BETWEEN": append(" BETWEEN ")
        case "AEXPR_NOT_BETWEEN": append(" NOT BETWEEN ")
        case "AEXPR_BETWEEN_SYM": append(" BETWEEN SYMMETRIC ")
        default: append(" NOT BETWEEN SYMMETRIC ")
        }
        for (index, item) in items.enumerated() {
            if index > 0 { append(isIn ? ", " : " AND ") }
            try write(item)
        }
        if isIn { append(")") }
    }

    mutating func writeCondition(_ kind: String, _ body: SyntaxNode, at offset: Int) throws(Refusal) {
        append("(")
        if kind == "BoolExpr" {
            try body.allowFields(["boolop", "args", "location"], in: statement)
            let word = (body["boolop"]?.string ?? "").replacing("_EXPR", with: "")
            guard ["AND", "OR", "NOT"].contains(word) else { throw Refusal(offset, "this condition is not supported") }
            if word == "NOT" { append("NOT ") }
            for (index, argument) in (body["args"]?.children ?? []).enumerated() {
                if index > 0 { append(" \(word) ") }
                try write(argument)
            }
        } else {
            try body.allowFields(["arg", "nulltesttype", "booltesttype", "location"], in: statement)
            guard let argument = body["arg"] else { throw Refusal(offset, "this condition is not supported") }
            try write(argument)
            let test = body["nulltesttype"]?.string ?? body["booltesttype"]?.string ?? ""
            guard let words = Self.tests[test] else { throw Refusal(offset, "this condition is not supported") }
            append(" \(words)")
        }
        append(")")
    }

    private static let tests = [
        "IS_NULL": "IS NULL", "IS_NOT_NULL": "IS NOT NULL", "IS_TRUE": "IS TRUE", "IS_NOT_TRUE": "IS NOT TRUE", "IS_FALSE": "IS FALSE",
        "IS_NOT_FALSE": "IS NOT FALSE", "IS_UNKNOWN": "IS UNKNOWN", "IS_NOT_UNKNOWN": "IS NOT UNKNOWN",
    ]

    mutating func writeCase(_ body: SyntaxNode) throws(Refusal) {
        try body.allowFields(["arg", "args", "defresult", "location"], in: statement)
        append("(CASE")
        if let argument = body["arg"] {
            append(" ")
            try write(argument)
        }
        for branch in body["args"]?.children ?? [] {
            guard let when = branch.body(of: "CaseWhen"), let condition = when["expr"], let result = when["result"] else { continue }
            append(" WHEN ")
            try write(condition)
            append(" THEN ")
            try write(result)
        }
        if let otherwise = body["defresult"] {
            append(" ELSE ")
            try write(otherwise)
        }
        append(" END)")
    }

    mutating func writeCast(_ body: SyntaxNode, at offset: Int) throws(Refusal) {
        try body.allowFields(["arg", "typeName", "location"], in: statement)
        guard let argument = body["arg"], let type = body["typeName"] else { throw Refusal(offset, "this cast is not supported") }
        try type.allowFields(["names", "typmods", "typemod", "location"], in: statement)
        guard let name = type["names"]?.names?.last, type["names"]?.names?.dropLast().allSatisfy({ $0 == "pg_catalog" }) ?? false,
            let sqlName = Self.types[name]
        else {
            throw Refusal(offset, "a cast to this type is not supported over aggregates", hint: "cast in a CREATE VIEW on top of this view")
        }
        var modifiers: [String] = []
        for modifier in type["typmods"]?.children ?? [] {
            guard let constant = modifier.body(of: "A_Const"), let value = constant["ival"] else {
                throw Refusal(offset, "this type modifier is not supported")
            }
            modifiers.append("\(statement.integer(value, at: statement.offset(constant.location)))")
        }
        append("CAST(")
        try write(argument)
        append(" AS \(sqlName)\(modifiers.isEmpty ? "" : "(\(modifiers.joined(separator: ", ")))"))")
    }

    private static let types = [
        "text": "text", "varchar": "varchar", "bpchar": "bpchar", "int2": "smallint", "smallint": "smallint", "int4": "integer",
        "int": "integer", "integer": "integer", "int8": "bigint", "bigint": "bigint", "numeric": "numeric", "decimal": "numeric",
        "float4": "real", "float8": "double precision", "bool": "boolean", "boolean": "boolean", "timestamptz": "timestamptz",
        "interval": "interval", "uuid": "uuid",
    ]
}
