/// All names of a pipeline: sources, views and overlays share one namespace.
struct Relations {
    private(set) var declarations: [String: Declaration] = [:]
    private(set) var order: [Declaration] = []
    private var sources: [String: SourceScope] = [:]
    /// What statements that could not be read seem to define: nothing is said about their absence.
    private var unreadable: Set<String> = []

    mutating func declare(_ declaration: Declaration) throws(Refusal) {
        if let first = declarations[declaration.name] {
            let place = first.statement.source.place(of: first.nameOffset)
            throw Refusal(
                declaration.nameOffset, "relation \"\(declaration.name)\" is defined more than once",
                hint: "the first definition is at \(first.statement.source.path):\(place.line):\(place.column)")
        }
        declarations[declaration.name] = declaration
        order.append(declaration)
    }

    /// Notes the name in a statement that does not parse, so that one mistake is one error.
    mutating func noteUnreadable(_ statement: Statement) {
        guard let name = statement.apparentName else { return }
        unreadable.insert(name)
    }

    func isUnreadable(_ name: String) -> Bool { unreadable.contains(name) }

    mutating func add(_ source: SourceScope) { sources[source.name] = source }

    func source(_ name: String, at offset: Int) throws(Refusal) -> SourceScope {
        if let source = sources[name] { return source }
        switch declarations[name]?.kind {
        case .view, .overlay:
            throw Refusal(
                offset, "\"\(name)\" is a view: a materialized view reads a source",
                hint: "write CREATE VIEW to compute over the rows of a view")
        case .source: throw .consequence(at: offset)
        case nil:
            if unreadable.contains(name) { throw .consequence(at: offset) }
            let names = order.filter { $0.kind == .source }.map(\.name)
            throw Refusal(
                offset, "relation \"\(name)\" does not exist",
                hint: nameHint(for: name, among: names, listedAs: "the sources are")
                    ?? "a source is defined by CREATE FOREIGN TABLE … SERVER parallax")
        }
    }
}
