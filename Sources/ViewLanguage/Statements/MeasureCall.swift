import Columns

/// A call of an aggregate, with DISTINCT, FILTER and WITHIN GROUP.
struct MeasureCall {
    let scope: Scope
    let statement: Statement

    func compile(_ body: SyntaxNode, _ name: FunctionName, at offset: Int) throws(Refusal) -> Plan.Measure {
        if body["over"] != nil {
            throw Refusal(
                offset, "window functions are not supported in a materialized view", hint: "use them in a CREATE VIEW on top of it")
        }
        if let refusal = name.knownRefusal(at: offset) { throw refusal }
        if ["percentile_cont", "percentile_disc"].contains(name.last) { return try percentile(body, name.last, at: offset) }
        if body["agg_within_group"]?.isTrue == true {
            throw Refusal(offset, "\(name.last) is not an ordered-set aggregate, so it cannot have WITHIN GROUP")
        }
        try body.allowFields(
            ["funcname", "args", "agg_star", "agg_distinct", "agg_filter", "funcformat", "location"], in: statement)
        let filter = try filter(of: body)
        let arguments = body["args"]?.children ?? []
        if body["agg_star"]?.isTrue == true {
            guard name.last == "count" else { throw Self.noFunction("\(name.last)()", at: offset) }
            return Plan.Measure(function: .countRows, argument: nil, filter: filter)
        }
        if ["first", "last"].contains(name.last), arguments.count == 2, body["agg_distinct"] == nil {
            return try tagged(name.last, arguments, filter)
        }
        guard arguments.count == 1, !["first", "last"].contains(name.last) else { throw try wrongCount(arguments, name.last, at: offset) }
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .aggregateArgument)
        let operand = try compiler.operand(arguments[0])
        let isDistinct = body["agg_distinct"]?.isTrue == true
        let function = try function(name.last, operand, isDistinct: isDistinct, at: offset)
        var argument = try compiler.expression(arguments[0])
        // PostgreSQL has them of intervals, which a time becomes.
        if argument.type == .time, [.sum, .avg].contains(function) { argument = .cast(argument, to: .interval) }
        return Plan.Measure(function: function, argument: argument, filter: filter)
    }

    func filter(of body: SyntaxNode) throws(Refusal) -> Expression? {
        guard let node = body["agg_filter"] else { return nil }
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .aggregateFilter)
        return try compiler.condition(node, of: "FILTER")
    }

    private func function(_ name: String, _ operand: Operand, isDistinct: Bool, at offset: Int) throws(Refusal) -> Plan.Measure.Function {
        switch name {
        case "count":
            if isDistinct, operand.typeClass == .jsonb {
                throw Refusal(
                    offset, "count(DISTINCT …) of type jsonb is not supported",
                    hint: "count a field of it, such as count(DISTINCT x ->> 'name')")
            }
            return isDistinct ? .countDistinct : .count
        // The smallest of all values is the smallest of the different ones.
        case "min", "max":
            // PostgreSQL 15 has them for neither.
            switch operand.typeClass {
            case .bool, .uuid, .jsonb: throw Self.noFunction("\(name)(\(operand.sqlTypeName))", at: offset)
            case .array: throw Refusal(offset, "\(name) of arrays is not supported", hint: "take an element, such as \(name)(x[1])")
            default: break
            }
            return name == "min" ? .min : .max
        case "bool_and", "bool_or", "every":
            // True and false once more change nothing, so DISTINCT does not matter.
            guard operand.typeClass ?? .bool == .bool else { throw Self.noFunction("\(name)(\(operand.sqlTypeName))", at: offset) }
            return name == "bool_or" ? .boolOr : .boolAnd
        case "bit_and", "bit_or", "bit_xor":
            return try bitwise(name, operand, isDistinct: isDistinct, at: offset)
        default:
            guard let kind = operand.typeClass else {
                throw Refusal(
                    offset, "function \(name)(unknown) is not unique",
                    hint: "could not choose a best candidate function; you might need to add explicit type casts")
            }
            if kind == .interval || kind == .time, name == "sum" || name == "avg" {
                guard isDistinct else { return name == "sum" ? .sum : .avg }
                throw Refusal(
                    offset,
                    "\(name)(DISTINCT …) of intervals is not supported: of equal ones such as '1 day' and '24:00' either may be the one that counts",
                    hint: "take \(name)(DISTINCT extract(epoch FROM x)), which counts seconds")
            }
            guard kind.numberRank != nil else { throw Self.noFunction("\(name)(\(kind.sqlName))", at: offset) }
            if isDistinct, name == "sum" || name == "avg" { return name == "sum" ? .sumDistinct : .avgDistinct }
            if isDistinct {
                throw Refusal(offset, "\(name)(DISTINCT …) is not supported yet", hint: "count, sum and avg of DISTINCT values are")
            }
            switch name {
            case "sum": return .sum
            case "avg": return .avg
            case "stddev", "stddev_samp": return .stddevSamp
            case "stddev_pop": return .stddevPop
            case "variance", "var_samp": return .varSamp
            default: return .varPop
            }
        }
    }

    private func bitwise(_ name: String, _ operand: Operand, isDistinct: Bool, at offset: Int) throws(Refusal) -> Plan.Measure.Function {
        switch operand.typeClass {
        case .int2, .int4, .int8: break
        case nil:
            throw Refusal(
                offset, "function \(name)(unknown) is not unique",
                hint: "could not choose a best candidate function; you might need to add explicit type casts")
        default: throw Self.noFunction("\(name)(\(operand.sqlTypeName))", at: offset)
        }
        // The same bits once more change nothing, but for xor.
        guard name != "bit_xor" || !isDistinct else {
            throw Refusal(offset, "bit_xor(DISTINCT …) is not supported yet", hint: "count, sum and avg of DISTINCT values are")
        }
        return name == "bit_and" ? .bitAnd : name == "bit_or" ? .bitOr : .bitXor
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

    static func noFunction(_ call: String, at offset: Int) -> Refusal {
        Refusal(
            offset, "function \(call) does not exist",
            hint: "no function matches the given name and argument types; you might need to add explicit type casts")
    }
}
