import Columns

extension ExpressionCompiler {
    static let patternOperators: Set<String> = ["~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*"]

    /// x LIKE ANY (ARRAY[…]) and the like: each pattern by itself, with OR between them for ANY and AND for ALL. The patterns are listed, in
    /// ARRAY[…] or in a constant.
    mutating func matched(_ name: String, _ body: SyntaxNode, isAny: Bool, at offset: Int) throws(Refusal) -> Operand {
        let left = try operand(required(body, "lexpr"))
        let patterns = try patterns(required(body, "rexpr"), name, isAny: isAny)
        try repeats(left, times: max(0, patterns.count - 1))
        var matches: [Expression] = []
        for pattern in patterns {
            if !name.contains("~~") {
                matches.append(try typed(try regularExpression(name, left, pattern, at: offset), as: .bool))
                continue
            }
            for operand in [left, pattern] where ![.text, .bpchar].contains(operand.typeClass ?? .text) {
                throw Self.noOperator("\(left.sqlTypeName) \(name) \(pattern.sqlTypeName)", at: offset)
            }
            let function = name.hasSuffix("*") ? Expression.Function.likeIgnoringCase : .like
            let match = Expression.call(function, [try typed(try padded(left), as: .text), try typed(pattern, as: .text)], .bool)
            matches.append(name.hasPrefix("!") ? .not(match) : match)
        }
        if matches.isEmpty { return Operand(.literal(.bool(!isAny), .bool), at: left.offset) }
        return Operand(matches.count == 1 ? matches[0] : isAny ? .or(matches) : .and(matches), at: left.offset)
    }

    private mutating func patterns(_ node: SyntaxNode, _ name: String, isAny: Bool) throws(Refusal) -> [Operand] {
        if let list = node.body(of: "A_ArrayExpr") {
            var patterns: [Operand] = []
            for element in list["elements"]?.children ?? [] { patterns.append(try operand(element)) }
            return patterns
        }
        let array = try operand(node)
        let text: String?
        switch array.value {
        case .unknown(let constant): text = constant
        case .typed(.literal(.text(let constant), .array(of: .text))): text = constant
        default: text = nil
        }
        guard let text, let elements = ArrayText.elements(text) else {
            let shown = ["~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE"][name] ?? name
            throw Refusal(
                array.offset, "\(shown) \(isAny ? "ANY" : "ALL") of anything but a list of patterns is not supported",
                hint: "write them, such as x LIKE ANY (ARRAY['/a%', '/b%'])")
        }
        return elements.map { element in Operand(unknown: element, at: array.offset) }
    }
}
