import Columns

/// The aggregates for which the order of rows counts.
extension MeasureCall {
    /// percentile_cont(fraction) WITHIN GROUP (ORDER BY x), percentile_disc likewise; the fraction may be an ARRAY of constants.
    func percentile(_ body: SyntaxNode, _ name: String, at offset: Int) throws(Refusal) -> Plan.Measure {
        guard body["agg_within_group"]?.isTrue == true else {
            throw Refusal(
                offset, "WITHIN GROUP is required for ordered-set aggregate \(name)",
                hint: "write \(name)(0.95) WITHIN GROUP (ORDER BY a column)")
        }
        try body.allowFields(
            ["funcname", "args", "agg_within_group", "agg_order", "agg_filter", "funcformat", "location"], in: statement)
        let arguments = body["args"]?.children ?? []
        let orders = body["agg_order"]?.children ?? []
        guard arguments.count == 1, orders.count == 1, let order = orders[0].body(of: "SortBy"), let node = order["node"] else {
            throw Refusal(offset, "\(name) takes one fraction and one ORDER BY expression")
        }
        try order.allowFields(["node", "sortby_dir", "sortby_nulls", "location"], in: statement)
        if let direction = order["sortby_dir"]?.string, !["SORTBY_DEFAULT", "SORTBY_ASC"].contains(direction) {
            throw Refusal(
                statement.offset(order.location), "only ascending order is supported in WITHIN GROUP",
                hint: "take 1 minus the fraction")
        }
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .aggregateArgument)
        let operand = try compiler.operand(node)
        // A digest holds numbers, so the speed layer can estimate those, and lengths of time.
        guard let kind = operand.typeClass, kind.numberRank != nil || kind == .interval else {
            throw Refusal(
                statement.offset(order.location), "\(name) over \(operand.sqlTypeName) is not supported",
                hint: "order by a number, such as a duration in milliseconds, or by an interval")
        }
        let argument = try compiler.typed(operand, as: name == "percentile_cont" && kind != .interval ? .float8 : kind)
        return Plan.Measure(
            function: name == "percentile_cont" ? .percentileCont : .percentileDisc, argument: argument, filter: try filter(of: body),
            percentile: try fractions(arguments[0]))
    }

    private func fractions(_ node: SyntaxNode) throws(Refusal) -> Plan.Measure.Percentile {
        if let array = node.body(of: "A_ArrayExpr") {
            var fractions: [Double] = []
            for element in array["elements"]?.children ?? [] { fractions.append(try fraction(element)) }
            guard (1...LanguageLimits.fractions).contains(fractions.count) else {
                throw Refusal(
                    statement.offset(array.location), "an array of \(fractions.count) fractions is not supported",
                    hint: "write 1 to \(LanguageLimits.fractions) constants, such as ARRAY[0.5, 0.95, 0.99]")
            }
            return .init(fractions: fractions, isArray: true)
        }
        return .init(fractions: [try fraction(node)], isArray: false)
    }

    private func fraction(_ node: SyntaxNode) throws(Refusal) -> Double {
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .aggregateArgument)
        let operand = try compiler.operand(node)
        guard operand.typeClass.map({ $0.numberRank != nil }) ?? true,
            case .literal(.float(let value), _) = try compiler.typed(operand, as: .float8)
        else {
            throw Refusal(
                operand.offset, "the fraction of a percentile must be a constant number", hint: "such as 0.95, or ARRAY[0.5, 0.95]")
        }
        guard (0...1).contains(value) else {
            throw Refusal(operand.offset, "percentile value \(value) is not between 0 and 1")
        }
        return value
    }

    /// first(x, t) and last(x, t).
    func tagged(_ name: String, _ arguments: [SyntaxNode], _ filter: Expression?) throws(Refusal) -> Plan.Measure {
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .aggregateArgument)
        let argument = try compiler.expression(arguments[0])
        if case .array = argument.type {
            throw Refusal(
                statement.offset(arguments[0].tagged.body.location), "\(name) of arrays is not supported",
                hint: "take an element, such as \(name)(x[1], t)")
        }
        let order = try compiler.operand(arguments[1])
        guard order.typeClass == .timestamptz else {
            throw Refusal(
                order.offset, "\(name) orders by a timestamp with time zone, not by \(order.sqlTypeName)",
                hint: "such as \(name)(amount, \(scope.source.eventTimeColumn.map { scope.source.columns[$0].name } ?? "event_time"))")
        }
        return Plan.Measure(
            function: name == "first" ? .first : .last, argument: argument, filter: filter, order: try compiler.expression(arguments[1]))
    }
}
