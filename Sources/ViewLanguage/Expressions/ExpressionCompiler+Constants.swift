import Columns

extension ExpressionCompiler {
    func constant(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["ival", "fval", "boolval", "sval", "bsval", "isnull", "location"], in: statement)
        if body["isnull"]?.isTrue == true { return Operand(unknown: nil, at: offset) }
        if let node = body["sval"] { return Operand(unknown: node["sval"]?.string ?? "", at: offset) }
        if let node = body["boolval"] { return Operand(.literal(.bool(node["boolval"]?.isTrue == true), .bool), at: offset) }
        if let node = body["ival"] {
            let value = statement.integer(node, at: offset)
            return Operand(.literal(.int(Int64(value)), .int4), at: offset)
        }
        if let text = body["fval"]?["fval"]?.string { return Operand(try number(text, at: offset), at: offset) }
        throw Refusal(offset, "bit string constants are not supported")
    }

    /// A number that the grammar did not take as a 32-bit integer: the smallest of int4 (only -2147483648 comes this way), int8
    /// and numeric that holds it.
    private func number(_ text: String, at offset: Int) throws(Refusal) -> Expression {
        if let value = Int64(text) { return .literal(.int(value), Int32(exactly: value) == nil ? .int8 : .int4) }
        do {
            let decimal = try DecimalText(text)
            return .literal(.decimal(decimal.unscaled), decimal.type)
        } catch {
            throw Refusal(offset, error.message, hint: error.hint)
        }
    }
}

extension Statement {
    /// The value of an integer constant. libpg_query 15 leaves out integers that are not positive (`-5` and `0` look the same), so
    /// those are read from the text: the grammar folds any number of minus signs and parentheses into the constant.
    func integer(_ node: SyntaxNode, at offset: Int) -> Int {
        if let value = node["ival"]?.int { return value }
        guard source.bytes[offset] == UInt8(ascii: "-") else { return 0 }
        let digits = tokens.first { $0.range.lowerBound > offset && $0.kind == .number }
        guard let digits, let value = Int(source.string(digits.range)) else { return 0 }
        return -value
    }
}
