extension ExpressionCompiler {
    /// What may not stand inside an expression, each kind refused in its own words. Nil for what may be a function of this dialect.
    func functionRefusal(_ body: SyntaxNode, _ name: FunctionName, at offset: Int) -> Refusal? {
        if name.isQualified, !name.isBuiltIn { return Refusal(offset, "function \(name.shown) does not exist") }
        if body["over"] != nil {
            return Refusal(
                offset, "window functions are not supported in a materialized view", hint: "use them in a CREATE VIEW on top of it")
        }
        if name.isAggregate {
            let (message, hint) = clause.aggregateRefusal
            return Refusal(offset, message, hint: hint)
        }
        if !name.isQualified, ["tumble", "hop", "session"].contains(name.last) {
            return Refusal(
                offset, "\(name.last)(…) may only be a whole item of GROUP BY or of the SELECT list",
                hint: "compute with the window's start in a CREATE VIEW on top of this view")
        }
        return name.knownRefusal(at: offset)
    }

    static func unsupportedNode(_ kind: String, _ body: SyntaxNode, at offset: Int) -> Refusal {
        switch kind {
        case "SubLink":
            return Refusal(offset, "sub-queries are not supported in a materialized view", hint: "use them in a CREATE VIEW on top of it")
        case "SQLValueFunction":
            let function = body["op"]?.string?.replacing("SVFOP_", with: "").lowercased() ?? "this function"
            return FunctionName.nonDeterministic(function, at: offset)
        case "CollateClause": return Refusal(offset, "COLLATE is not supported", hint: "text compares bytewise, as in COLLATE \"C\"")
        case "ParamRef": return Refusal(offset, "there is no parameter $\(body["number"]?.int ?? 0)", hint: "write the value itself")
        case "SetToDefault": return Refusal(offset, "DEFAULT is not allowed in this context")
        case "A_ArrayExpr", "A_Indirection": return Refusal(offset, "arrays are not supported around aggregates")
        case "RowExpr": return Refusal(offset, "row values are not supported")
        case "GroupingFunc": return Refusal(offset, "GROUPING is not supported")
        case "NamedArgExpr": return Refusal(offset, "named arguments are not supported", hint: "write the arguments in their order")
        case "XmlExpr", "XmlSerialize": return Refusal(offset, "XML is not supported")
        default: return Refusal(offset, "this expression is not supported (\(kind))")
        }
    }

    static func constructName(_ kind: String?) -> String {
        switch kind {
        case "AEXPR_SIMILAR": "SIMILAR TO"
        case "AEXPR_OP_ANY": "ANY (array)"
        case "AEXPR_OP_ALL": "ALL (array)"
        default: "this operator"
        }
    }
}
