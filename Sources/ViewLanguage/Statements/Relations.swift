import ParallaxCore

/// All names of a pipeline: sources, tables, views and overlays share one namespace.
struct Relations {
    private(set) var declarations: [String: Declaration] = [:]
    private(set) var order: [Declaration] = []
    private var sources: [String: SourceScope] = [:]
    private(set) var dimensions: [String: DimensionScope] = [:]
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
    mutating func add(_ dimension: DimensionScope) { dimensions[dimension.name] = dimension }

    func source(_ name: String, at offset: Int) throws(Refusal) -> SourceScope {
        if let source = sources[name] { return source }
        switch declarations[name]?.kind {
        case .view, .overlay:
            throw Refusal(
                offset, "\"\(name)\" is a view: a materialized view reads a source",
                hint: "write CREATE VIEW to compute over the rows of a view")
        case .dimension:
            throw Refusal(
                offset, "\"\(name)\" is a table: a materialized view reads a source",
                hint: "a table is joined: FROM source JOIN \(name) USING (column)")
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

    /// A table that a view joins. `schema`: where the statement names one.
    func dimension(_ name: String, schema: String?, at offset: Int) throws(Refusal) -> DimensionScope {
        if let dimension = dimensions[name] {
            guard let schema, schema != dimension.schema else { return dimension }
            throw Refusal(
                offset, "relation \"\(schema).\(name)\" does not exist",
                hint: "the table \"\(name)\" is in the schema \"\(dimension.schema)\"")
        }
        switch declarations[name]?.kind {
        case .source:
            throw Refusal(
                offset, "a join of two sources is not supported",
                hint: "events are looked up in tables (CREATE TABLE); write a view over each source, and join the views in a CREATE VIEW")
        case .view, .overlay:
            throw Refusal(
                offset, "\"\(name)\" is a view: a materialized view joins tables",
                hint: "join views in a CREATE VIEW; a table to look events up in is defined by CREATE TABLE")
        case .dimension: throw .consequence(at: offset)
        case nil:
            if unreadable.contains(name) { throw .consequence(at: offset) }
            throw Refusal(
                offset, "relation \"\(name)\" does not exist",
                hint: nameHint(for: name, among: order.filter { $0.kind == .dimension }.map(\.name), listedAs: "the tables are")
                    ?? "a table to join is defined by CREATE TABLE, or by CREATE TABLE IF NOT EXISTS where it is your own")
        }
    }
}
