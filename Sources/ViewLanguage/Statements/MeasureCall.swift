import Columns

/// count, sum, avg, min, max, with DISTINCT and FILTER.
struct MeasureCall {
    let scope: Scope
    let statement: Statement

    func compile(_ body: SyntaxNode, _ name: FunctionName, at offset: Int) throws(Refusal) -> Plan.Measure {
        if body["over"] != nil {
            throw Refusal(
                offset, "window functions are not supported in a materialized view", hint: "use them in a CREATE VIEW on top of it")
        }
        if let refusal = name.knownRefusal(at: offset) { throw refusal }
        if body["agg_within_group"]?.isTrue == true {
            throw Refusal(offset, "\(name.last) is not an ordered-set aggregate, so it cannot have WITHIN GROUP")
        }
        try body.allowFields(
            ["funcname", "args", "agg_star", "agg_distinct", "agg_filter", "funcformat", "location"], in: statement)
        var filter: Expression?
        if let node = body["agg_filter"] {
            var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .aggregateFilter)
            filter = try compiler.condition(node, of: "FILTER")
        }
        let arguments = body["args"]?.children ?? []
        if body["agg_star"]?.isTrue == true {
            guard name.last == "count" else { throw Self.noFunction("\(name.last)()", at: offset) }
            return Plan.Measure(function: .countRows, argument: nil, filter: filter)
        }
        guard arguments.count == 1 else { throw try wrongCount(arguments, name.last, at: offset) }
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .aggregateArgument)
        let operand = try compiler.operand(arguments[0])
        let isDistinct = body["agg_distinct"]?.isTrue == true
        let function = try function(name.last, operand, isDistinct: isDistinct, at: offset)
        return Plan.Measure(function: function, argument: try compiler.expression(arguments[0]), filter: filter)
    }

    private func function(_ name: String, _ operand: Operand, isDistinct: Bool, at offset: Int) throws(Refusal) -> Plan.Measure.Function {
        switch name {
        case "count": return isDistinct ? .countDistinct : .count
        // The smallest of all values is the smallest of the different ones.
        case "min", "max":
            // PostgreSQL 15 has them for neither.
            if operand.typeClass == .bool || operand.typeClass == .uuid {
                throw Self.noFunction("\(name)(\(operand.sqlTypeName))", at: offset)
            }
            return name == "min" ? .min : .max
        default:
            guard let kind = operand.typeClass else {
                throw Refusal(
                    offset, "function \(name)(unknown) is not unique",
                    hint: "could not choose a best candidate function; you might need to add explicit type casts")
            }
            guard kind.numberRank != nil else { throw Self.noFunction("\(name)(\(kind.sqlName))", at: offset) }
            if isDistinct {
                throw Refusal(offset, "\(name)(DISTINCT …) is not supported yet", hint: "count(DISTINCT …) is")
            }
            return name == "sum" ? .sum : .avg
        }
    }

    private func wrongCount(_ arguments: [SyntaxNode], _ name: String, at offset: Int) throws(Refusal) -> Refusal {
        if arguments.isEmpty, name == "count" {
            return Refusal(offset, "count(*) must be used to call a parameterless aggregate function")
        }
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .aggregateArgument)
        var types: [String] = []
        for argument in arguments { types.append(try compiler.operand(argument).sqlTypeName) }
        return Self.noFunction("\(name)(\(types.joined(separator: ", ")))", at: offset)
    }

    private static func noFunction(_ call: String, at offset: Int) -> Refusal {
        Refusal(
            offset, "function \(call) does not exist",
            hint: "no function matches the given name and argument types; you might need to add explicit type casts")
    }
}
