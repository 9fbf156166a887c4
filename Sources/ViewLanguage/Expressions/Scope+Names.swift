import ParallaxCore

extension Scope {
    /// The column that a ColumnRef names. PostgreSQL's rules and messages.
    func column(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> ColumnReference {
        let parts = body["fields"]?.children ?? []
        if parts.contains(where: { $0.tagged.kind == "A_Star" }) {
            throw Refusal(
                offset, "* is not supported in a materialized view", hint: "name the columns, and aggregate those that are not grouped by")
        }
        guard let names = body["fields"]?.names, (1...2).contains(names.count), let name = names.last else {
            throw Refusal(offset, "this column reference is not supported", hint: "write column or relation.column")
        }
        return names.count == 2 ? try qualified(name, of: names[0], at: offset) : try plain(name, at: offset)
    }

    func expression(of column: ColumnReference, at offset: Int) throws(Refusal) -> Expression {
        switch column {
        case .source(let index):
            guard let type = source.columns[index].type else { throw .consequence(at: offset) }
            return .column(index, type)
        case .lookup(let lookup, let index):
            guard let type = lookups[lookup].dimension.columns[index].type else { throw .consequence(at: offset) }
            return .lookup(lookup, usedColumns.index(lookup: lookup, column: index), type)
        case .merged(let expression, _): return expression
        }
    }

    /// Everything that a plain name may mean: columns of USING count once.
    func candidates(for name: String) -> [ColumnReference] {
        var found: [ColumnReference] = []
        if let index = source.columns.firstIndex(where: { $0.name == name }) { found.append(.source(index)) }
        for (number, lookup) in lookups.enumerated() where !lookup.merged.contains(name) {
            if let index = lookup.dimension.columns.firstIndex(where: { $0.name == name }) { found.append(.lookup(number, index)) }
        }
        if found.count == 1, let merged = mergedExpressions[name] { return [.merged(merged, name: name)] }
        return found
    }

    func hasColumn(named name: String) -> Bool { !candidates(for: name).isEmpty }

    private func plain(_ name: String, at offset: Int) throws(Refusal) -> ColumnReference {
        let found = candidates(for: name)
        if found.count > 1 {
            throw Refusal(
                offset, "column reference \"\(name)\" is ambiguous",
                hint: "write " + found.map { "\(shownName(of: $0))" }.joined(separator: " or "))
        }
        if let column = found.first { return column }
        guard source.isComplete, lookups.allSatisfy({ $0.dimension.definition != nil }) else { throw .consequence(at: offset) }
        var names = source.columns.map(\.name)
        for column in lookups.lazy.flatMap(\.dimension.columns) where !names.contains(column.name) { names.append(column.name) }
        throw Refusal(
            offset, "column \"\(name)\" does not exist",
            hint: nameHint(for: name, among: names, listedAs: lookups.isEmpty ? "the columns of \"\(source.name)\" are" : "the columns are")
        )
    }

    private func qualified(_ name: String, of relation: String, at offset: Int) throws(Refusal) -> ColumnReference {
        func missing(_ columns: [SourceScope.Column], of table: String, isComplete: Bool) -> Refusal {
            guard isComplete else { return .consequence(at: offset) }
            return Refusal(
                offset, "column \(relation).\(name) does not exist",
                hint: nameHint(for: name, among: columns.map(\.name), listedAs: "the columns of \"\(table)\" are"))
        }
        if relation == relationName {
            if let index = source.columns.firstIndex(where: { $0.name == name }) { return .source(index) }
            throw missing(source.columns, of: source.name, isComplete: source.isComplete)
        }
        guard let number = lookups.firstIndex(where: { $0.relationName == relation }) else { throw wrongRelation(relation, at: offset) }
        let dimension = lookups[number].dimension
        if let index = dimension.columns.firstIndex(where: { $0.name == name }) { return .lookup(number, index) }
        throw missing(dimension.columns, of: dimension.name, isComplete: dimension.definition != nil)
    }

    private func wrongRelation(_ name: String, at offset: Int) -> Refusal {
        let hidden = name == source.name ? relationName : lookups.first { $0.dimension.name == name }?.relationName
        if let hidden {
            return Refusal(
                offset, "invalid reference to FROM-clause entry for table \"\(name)\"",
                hint: "perhaps you meant to reference the table alias \"\(hidden)\"")
        }
        let names = ([relationName] + lookups.map(\.relationName)).map { "\"\($0)\"" }
        return Refusal(
            offset, "missing FROM-clause entry for table \"\(name)\"",
            hint: names.count == 1 ? "the only relation here is \(names[0])" : "the relations here are \(names.joined(separator: ", "))")
    }
}

extension Scope {
    /// As people write it: relation.column.
    func shownName(of column: ColumnReference) -> String {
        switch column {
        case .source(let index): "\(relationName).\(source.columns[index].name)"
        case .lookup(let lookup, let index): "\(lookups[lookup].relationName).\(lookups[lookup].dimension.columns[index].name)"
        case .merged(_, let name): name
        }
    }

    /// The name of the column that an expression is, if it is one.
    func columnName(of expression: Expression) -> String? {
        switch expression {
        case .column(let index, _): source.columns[index].name
        case .lookup(let lookup, let index, _):
            lookups[lookup].dimension.columns[usedColumns.columns[lookup][index]].name
        default: nil
        }
    }
}
