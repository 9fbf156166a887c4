extension ViewCompiler {
    /// Reports every clause of the SELECT that a materialized view cannot have. False where the rest cannot be judged then.
    func refuseClauses(of select: SyntaxNode) -> Bool {
        if let operation = select["op"]?.string, operation != "SETOP_NONE" {
            let word = operation.replacing("SETOP_", with: "")
            refuse(at: word, "\(word) is not supported in a materialized view", "write two views, and the \(word) of them in a CREATE VIEW")
            return false
        }
        if select["valuesLists"] != nil {
            refuse(at: "VALUES", "VALUES is not supported in a materialized view", "a materialized view selects from a source")
            return false
        }
        var refused: Set<String> = ["op", "valuesLists"]
        // DISTINCT ON says what GROUP BY says otherwise, and needs an order.
        let isDistinctOn = Self.isDistinctOn(select)
        let ofDistinctOn: Set = ["distinctClause", "sortClause"]
        let unsupported =
            isDistinctOn
            ? Self.unsupportedClauses.filter { !ofDistinctOn.contains($0.field) } + Self.unsupportedWithDistinctOn : Self.unsupportedClauses
        for (field, keyword, message, hint) in unsupported where select[field] != nil {
            refuse(at: keyword, message, hint)
            refused.insert(field)
        }
        let handled: Set = ["targetList", "fromClause", "whereClause", "groupClause", "havingClause", "limitOption"]
        reporter.check { () throws(Refusal) in
            try select.allowFields(handled.union(refused).union(isDistinctOn ? ofDistinctOn : []), in: statement)
        }
        // FROM is another query's, or names come from WITH: nothing below would make sense.
        return select["withClause"] == nil
    }

    private func refuse(at keyword: String, _ message: String, _ hint: String?) {
        // LIMIT is also written FETCH FIRST n ROWS.
        let offset = statement.firstOffset(ofKeyword: keyword.lowercased()) ?? statement.offset(ofKeyword: "fetch")
        reporter.report(Refusal(offset, message, hint: hint))
    }

    private static let unsupportedClauses: [(field: String, keyword: String, message: String, hint: String?)] = [
        ("withClause", "WITH", "WITH is not supported in a materialized view", "a materialized view reads one source"),
        ("distinctClause", "DISTINCT", "SELECT DISTINCT is not supported yet", "GROUP BY the columns"),
        ("intoClause", "INTO", "SELECT INTO is not supported", nil),
        ("windowClause", "WINDOW", "window functions are not supported in a materialized view", "use them in a CREATE VIEW on top of it"),
        ("sortClause", "ORDER", "ORDER BY is not supported in a materialized view", "its rows have no order: sort where you read them"),
        ("limitCount", "LIMIT", "LIMIT is not supported in a materialized view", "use it in a CREATE VIEW on top of it"),
        ("limitOffset", "OFFSET", "OFFSET is not supported in a materialized view", "use it in a CREATE VIEW on top of it"),
        ("lockingClause", "FOR", "FOR UPDATE and the like are not supported in a materialized view", nil),
        ("groupDistinct", "DISTINCT", "GROUP BY DISTINCT is not supported", nil),
    ]

    private static let unsupportedWithDistinctOn: [(field: String, keyword: String, message: String, hint: String?)] = [
        (
            "groupClause", "GROUP", "GROUP BY is not supported with DISTINCT ON",
            "DISTINCT ON keeps one event of each key: aggregate in a view of its own"
        ),
        ("havingClause", "HAVING", "HAVING is not supported with DISTINCT ON", "filter the view's rows in a CREATE VIEW on top of it"),
    ]
}
