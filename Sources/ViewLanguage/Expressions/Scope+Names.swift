extension Scope {
    /// The index of the column that a ColumnRef names. PostgreSQL's messages.
    func column(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Int {
        let parts = body["fields"]?.children ?? []
        if parts.contains(where: { $0.tagged.kind == "A_Star" }) {
            throw Refusal(
                offset, "* is not supported in a materialized view", hint: "name the columns, and aggregate those that are not grouped by")
        }
        guard let names = body["fields"]?.names, (1...2).contains(names.count), let name = names.last else {
            throw Refusal(offset, "this column reference is not supported", hint: "write column or relation.column")
        }
        if names.count == 2, names[0] != relationName { throw wrongRelation(names[0], at: offset) }
        if let index = source.columns.firstIndex(where: { $0.name == name }) { return index }
        guard source.isComplete else { throw .consequence(at: offset) }
        let shown = names.count == 2 ? "\(names[0]).\(name)" : "\"\(name)\""
        throw Refusal(
            offset, "column \(shown) does not exist",
            hint: nameHint(for: name, among: source.columns.map(\.name), listedAs: "the columns of \"\(source.name)\" are"))
    }

    private func wrongRelation(_ name: String, at offset: Int) -> Refusal {
        if name == source.name {
            return Refusal(
                offset, "invalid reference to FROM-clause entry for table \"\(name)\"",
                hint: "perhaps you meant to reference the table alias \"\(relationName)\"")
        }
        return Refusal(
            offset, "missing FROM-clause entry for table \"\(name)\"", hint: "the only relation here is \"\(relationName)\"")
    }
}
