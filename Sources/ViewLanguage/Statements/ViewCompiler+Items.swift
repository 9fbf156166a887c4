import Columns

extension ViewCompiler {
    /// One item of the SELECT list.
    struct Item {
        enum Value {
            case window(Plan.Window.Kind)
            case measure(Plan.Measure)
            case expression(Expression, columnUses: [ExpressionCompiler.ColumnUse], SyntaxNode)
            /// Computed from the group's results, or one of the window's bounds by name.
            case finished(SyntaxNode)
            /// In error, which is reported.
            case failed
        }
        /// Nil where it has no name of its own and PostgreSQL would call it "?column?".
        var name: String?
        var value: Value
        var offset: Int
    }

    /// - Parameter isOfOneEvent: of SELECT DISTINCT ON, which has neither windows nor aggregates.
    func item(of node: SyntaxNode, _ scope: Scope, isOfOneEvent: Bool = false) -> Item {
        let target = node.body(of: "ResTarget") ?? node
        let offset = statement.offset(target.location)
        var item = Item(name: target["name"]?.string, value: .failed, offset: offset)
        guard let value = target["val"] else { return item }
        if item.name == nil { item.name = Self.figuredName(value)?.name }
        item.value =
            reporter.attempt { () throws(Refusal) in
                try target.allowFields(["name", "val", "location"], in: statement)
                return isOfOneEvent ? try self.valueOfOneEvent(value, scope) : try self.value(of: value, scope)
            } ?? .failed
        return item
    }

    private func value(of node: SyntaxNode, _ scope: Scope) throws(Refusal) -> Item.Value {
        let (kind, body) = node.tagged
        if kind == "FuncCall" {
            let name = FunctionName(body)
            let offset = statement.offset(body.location)
            if WindowCall.isWindow(name, body, scope) {
                return .window(try WindowCall(scope: scope, statement: statement).compile(body, at: offset))
            }
            if name.isAggregate, !name.isQualified || name.isBuiltIn {
                return .measure(try MeasureCall(scope: scope, statement: statement).compile(body, name, at: offset))
            }
        }
        if node.containsAggregate || Self.mayHoldWindowBound(node, scope) { return .finished(node) }
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .selectItem)
        let expression = try compiler.expression(node)
        return .expression(expression, columnUses: compiler.columnUses, node)
    }

    /// The name that PostgreSQL gives to an item without AS (its FigureColname). A cast names an item only weakly: by its type.
    private static func figuredName(_ node: SyntaxNode) -> (name: String, isWeak: Bool)? {
        let (kind, body) = node.tagged
        switch kind {
        case "ColumnRef": return body["fields"]?.names?.last.map { ($0, false) }
        case "FuncCall": return (FunctionName(body).last, false)
        case "CoalesceExpr": return ("coalesce", false)
        case "TypeCast":
            // Nested as deeply as the text is long; the compiler refuses what is deeper than this.
            var argument = body["arg"]
            var levels = 0
            while let inner = argument?.body(of: "TypeCast"), levels < LanguageLimits.syntaxDepth {
                argument = inner["arg"]
                levels += 1
            }
            if let argument, argument.tagged.kind != "TypeCast", let named = figuredName(argument), !named.isWeak { return named }
            return body["typeName"]?["names"]?.names?.last.map { ($0, true) }
        default: return nil
        }
    }
}
