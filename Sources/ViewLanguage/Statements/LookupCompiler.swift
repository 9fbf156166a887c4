import Columns
import ParallaxCore

/// JOIN with a table. What is taken: INNER and LEFT, by USING, or ON with equalities between a column of the table and anything over what
/// stands to the left, such that the table has at most one row for each event.
struct LookupCompiler {
    let statement: Statement
    let relations: Relations

    func add(_ join: SyntaxNode, to scope: inout Scope) throws(Refusal) {
        let kind = try kind(of: join)
        let (dimension, relationName, offset) = try table(join, scope)
        try join.allowFields(
            ["jointype", "isNatural", "larg", "rarg", "usingClause", "quals", "rtindex", "alias", "join_using_alias"], in: statement,
            at: offset)
        let number = scope.lookups.count
        let names = join["usingClause"]?.names ?? []
        // USING looks for its names among what stands to the left; ON sees everything.
        let left = scope
        scope.lookups.append(Scope.Lookup(dimension: dimension, relationName: relationName, kind: kind))
        var keys: [(expression: Expression, column: Expression, dimensionColumn: Int)] = []
        for name in names { keys.append(try using(name, names, left, &scope, at: offset)) }
        if let condition = join["quals"] { keys += try conditions(condition, scope) }
        let columns = Set(keys.map(\.dimensionColumn))
        try checkUnique(columns, dimension, at: offset)
        for key in keys {
            let compared = try comparable(key.expression, key.column, scope, at: offset)
            guard case .lookup(number, let index, _) = key.column else { preconditionFailure("a key that is no column of the table") }
            scope.lookups[number].keys.append(Plan.Lookup.Key(expression: compared, column: index, type: compared.type))
        }
    }

    private func kind(of join: SyntaxNode) throws(Refusal) -> Plan.Lookup.Kind {
        let hint = "events are looked up in a table: FROM source JOIN table USING (column), or LEFT JOIN, which keeps events without a row"
        if join["isNatural"]?.isTrue == true {
            throw Refusal(
                statement.offset(ofKeyword: "natural"), "NATURAL JOIN is not supported in a materialized view",
                hint: "write JOIN … USING (columns): a column that the table gains must not change what a view means")
        }
        switch join["jointype"]?.string {
        case "JOIN_INNER":
            if join["usingClause"] == nil, join["quals"] == nil {
                throw Refusal(
                    statement.offset(ofKeyword: "cross"), "CROSS JOIN is not supported in a materialized view: it would multiply events",
                    hint: hint)
            }
            return .inner
        case "JOIN_LEFT": return .left
        case let type:
            let word = type?.replacing("JOIN_", with: "") ?? "this"
            throw Refusal(
                statement.offset(ofKeyword: word.lowercased()),
                "\(word) JOIN is not supported in a materialized view: its rows begin with events",
                hint: hint)
        }
    }

    private func table(_ join: SyntaxNode, _ scope: Scope) throws(Refusal) -> (DimensionScope, name: String, offset: Int) {
        let (kind, body) = join["rarg"]?.tagged ?? ("", join)
        let offset = statement.offset(body.location)
        switch kind {
        case "RangeVar": break
        case "JoinExpr":
            throw Refusal(offset, "a join in parentheses is not supported", hint: "write the joins one behind the other")
        case "RangeSubselect":
            throw Refusal(
                offset, "sub-queries are not supported in a materialized view", hint: "a source is joined with tables of the pipeline")
        default:
            throw Refusal(offset, "only a table can be joined with a source", hint: "a source is joined with tables of the pipeline")
        }
        guard body["inh"]?.isTrue == true else { throw Refusal(offset, "ONLY is not supported") }
        try body.allowFields(["relname", "schemaname", "inh", "relpersistence", "alias", "location"], in: statement)
        try body["alias"]?.allowFields(["aliasname"], in: statement, at: offset)
        let name = body["relname"]?.string ?? ""
        let dimension = try relations.dimension(name, schema: body["schemaname"]?.string, at: offset)
        let relationName = body["alias"]?["aliasname"]?.string ?? name
        guard relationName != scope.relationName, !scope.lookups.contains(where: { $0.relationName == relationName }) else {
            throw Refusal(
                offset, "table name \"\(relationName)\" specified more than once", hint: "write AS and another name behind one of them")
        }
        return (dimension, relationName, offset)
    }

    /// One column of USING, in PostgreSQL's words.
    private func using(
        _ name: String, _ names: [String], _ left: Scope, _ scope: inout Scope, at offset: Int
    ) throws(Refusal) -> (expression: Expression, column: Expression, dimensionColumn: Int) {
        let place = statement.offset(ofName: name, after: offset) ?? offset
        let number = scope.lookups.count - 1
        let dimension = scope.lookups[number].dimension
        guard names.count(where: { $0 == name }) == 1 else {
            throw Refusal(place, "column name \"\(name)\" appears more than once in USING clause")
        }
        let found = left.candidates(for: name)
        guard found.count < 2 else {
            throw Refusal(
                place, "common column name \"\(name)\" appears more than once in left table",
                hint: "write ON \(left.shownName(of: found[0])) = \(scope.lookups[number].relationName).\(name)")
        }
        guard let reference = found.first else {
            guard left.source.isComplete else { throw .consequence(at: place) }
            throw Refusal(
                place, "column \"\(name)\" specified in USING clause does not exist in left table",
                hint: nameHint(for: name, among: left.source.columns.map(\.name), listedAs: "the columns of \"\(left.source.name)\" are"))
        }
        guard let index = dimension.columns.firstIndex(where: { $0.name == name }) else {
            guard dimension.definition != nil else { throw .consequence(at: place) }
            throw Refusal(
                place, "column \"\(name)\" specified in USING clause does not exist in right table",
                hint: nameHint(for: name, among: dimension.columns.map(\.name), listedAs: "the columns of \"\(dimension.name)\" are"))
        }
        let expression = try scope.expression(of: reference, at: place)
        let column = try scope.expression(of: .lookup(number, index), at: place)
        let (leftClass, rightClass) = (expression.type.typeClass, column.type.typeClass)
        guard let common = TypeClass.common(leftClass, rightClass) else {
            throw Refusal(place, "JOIN/USING types \(leftClass.sqlName) and \(rightClass.sqlName) cannot be matched")
        }
        if common == .text {
            try ExpressionCompiler(scope: scope, statement: statement, clause: .join).checkComparable(
                common, .equal, Operand(expression, at: place), Operand(column, at: place), at: place)
        }
        scope.lookups[number].merged.insert(name)
        // The plain name has the common type. PostgreSQL takes the side that has it already, where both hold the same value.
        if leftClass != common {
            let isRightAsItIs = scope.lookups[number].kind == .inner && rightClass == common
            scope.mergedExpressions[name] = isRightAsItIs ? column : expression.widened(to: common)
        }
        return (expression, column, index)
    }

    /// ON: equalities, joined by AND.
    private func conditions(
        _ node: SyntaxNode, _ scope: Scope
    ) throws(Refusal) -> [(expression: Expression, column: Expression, dimensionColumn: Int)] {
        var parts: [SyntaxNode] = []
        var pending = [node]
        while let next = pending.popLast() {
            if let body = next.body(of: "BoolExpr"), body["boolop"]?.string == "AND_EXPR" {
                pending += (body["args"]?.children ?? []).reversed()
            } else {
                parts.append(next)
            }
        }
        var keys: [(Expression, Expression, Int)] = []
        for part in parts { keys.append(try equality(part, scope)) }
        return keys
    }

    private func equality(
        _ node: SyntaxNode, _ scope: Scope
    ) throws(Refusal) -> (expression: Expression, column: Expression, dimensionColumn: Int) {
        let offset = statement.offset(node.location)
        let number = scope.lookups.count - 1
        let lookup = scope.lookups[number]
        let example = "ON \(scope.relationName).column = \(lookup.relationName).column"
        guard let body = node.body(of: "A_Expr"), body["kind"]?.string == "AEXPR_OP", body["name"]?.names == ["="],
            let leftNode = body["lexpr"], let rightNode = body["rexpr"]
        else {
            throw Refusal(
                offset, "a join by anything but equalities is not supported", hint: "write \(example), and other conditions in WHERE")
        }
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .join)
        let (left, right) = (try compiler.operand(leftNode), try compiler.operand(rightNode))
        guard case .compare(_, let a, let b) = try compiler.compare(.equal, "=", left, right, at: statement.offset(body.location)) else {
            preconditionFailure("a comparison that is none")
        }
        for (operand, other) in [(left, b), (right, a)] {
            guard case .typed(let column) = operand.value, case .lookup(number, let index, _) = column, !other.reads(lookup: number) else {
                continue
            }
            return (other, column, scope.usedColumns.columns[number][index])
        }
        guard a.reads(lookup: number) || b.reads(lookup: number) else {
            throw Refusal(
                offset, "this condition compares nothing with a column of \"\(lookup.relationName)\"",
                hint: lookup.kind == .inner ? "write it in WHERE" : "write \(example)")
        }
        throw Refusal(
            offset, "an expression over the columns of \"\(lookup.relationName)\" cannot be joined by",
            hint: "one side of each equality is a column of the table by itself, the other one has none of its columns: \(example)")
    }

    /// The event's side in the type that both are compared as.
    private func comparable(_ expression: Expression, _ column: Expression, _ scope: Scope, at offset: Int) throws(Refusal) -> Expression {
        guard let kind = TypeClass.commonOfOperator(expression.type.typeClass, column.type.typeClass) else {
            preconditionFailure("\(expression.type) joined with \(column.type)")
        }
        if kind == .float8, column.type.typeClass == .int8 || column.type.typeClass == .numeric {
            throw Refusal(
                offset,
                "a key of type \(column.type.typeClass.sqlName) would be compared as double precision, in which several keys are equal",
                hint: "cast the event's side to \(column.type.typeClass.sqlName)")
        }
        let (a, b) = (expression.widened(to: kind), column.widened(to: kind))
        switch kind {
        case .jsonb, .array:
            throw Refusal(offset, "a key of type \(kind.sqlName) cannot be joined by", hint: "join by a column of a plain type")
        // The declared lengths do not matter: blanks at the end of a char are not kept.
        case .text, .bpchar: return a.type == .text ? a : .cast(a, to: .text)
        case .numeric where a.type == .decimal || b.type == .decimal: return a.asDecimal
        case .numeric: break
        default: return a
        }
        let type = ExpressionCompiler.holding([a, b])
        guard type != .decimal else {
            throw Refusal(
                offset, "joining these two numerics needs more than \(ScalarType.maximumNumericPrecision) digits",
                hint: "cast the event's side to the type of the column, such as x::numeric(18,2)")
        }
        return a.rescaled(to: type)
    }

    private func checkUnique(_ columns: Set<Int>, _ dimension: DimensionScope, at offset: Int) throws(Refusal) {
        guard !dimension.keys.contains(where: { columns.isSuperset(of: $0) }) else { return }
        let names = columns.sorted().map { dimension.columns[$0].name }.joined(separator: ", ")
        let known = dimension.keys.map { key in "(" + key.map { dimension.columns[$0].name }.joined(separator: ", ") + ")" }
        throw Refusal(
            offset, "\"\(dimension.name)\" may have several rows with the same (\(names)): a join must not multiply events",
            hint: known.isEmpty
                ? "declare them PRIMARY KEY or UNIQUE in CREATE TABLE \(dimension.name)"
                : "join by all columns of a key: \(known.joined(separator: " or "))")
    }
}

extension Expression {
    func reads(lookup number: Int) -> Bool {
        if case .lookup(number, _, _) = self { return true }
        return children.contains { $0.reads(lookup: number) }
    }
}

extension Scope {
    /// The joins as the plan has them; nil where there is none.
    var planLookups: [Plan.Lookup]? {
        guard !lookups.isEmpty else { return nil }
        return lookups.enumerated().map { number, lookup in
            let used = usedColumns.columns.indices.contains(number) ? usedColumns.columns[number] : []
            return Plan.Lookup(
                table: lookup.dimension.name, kind: lookup.kind, keys: lookup.keys,
                columns: used.map { column in
                    let declared = lookup.dimension.columns[column]
                    return Plan.Lookup.Column(name: declared.name, type: declared.type ?? .text)
                })
        }
    }
}
