/// A statement that defines something, sorted by kind, before its parts are compiled.
struct Declaration {
    enum Kind { case source, dimension, view, overlay }
    var kind: Kind
    var name: String
    /// Where the name stands: bytes in the file.
    var nameOffset: Int
    var statement: Statement
    /// The body of the statement's node.
    var body: SyntaxNode

    /// - Parameter mayNameSchema: whether the statement says where the relation is.
    init(
        _ kind: Kind, relation: SyntaxNode?, statement: Statement, body: SyntaxNode, mayNameSchema: Bool = false
    ) throws(Refusal) {
        guard let relation, let name = relation["relname"]?.string else { throw Refusal(statement.start, "a name is missing") }
        let offset = statement.offset(relation.location)
        if relation["schemaname"] != nil, !mayNameSchema {
            throw Refusal(
                offset, "a schema cannot be chosen here",
                hint: kind == .dimension
                    ? "write \"\(name)\" alone: the pipeline's tables are in the schema \"\(DimensionDefinition.ownSchema)\"; "
                        + "CREATE TABLE IF NOT EXISTS names a table of your own, in any schema"
                    : "write \"\(name)\" alone; results appear in the schema \"serving\"")
        }
        guard relation["relpersistence"]?.string == "p" else {
            throw Refusal(offset, "TEMPORARY and UNLOGGED are not supported here")
        }
        try relation.allowFields(["relname", "schemaname", "inh", "relpersistence", "location"], in: statement)
        self.kind = kind
        self.name = name
        nameOffset = offset
        self.statement = statement
        self.body = body
    }

    /// Parses and sorts a statement. Nothing else than the four kinds of definitions is taken.
    static func reading(_ statement: Statement) throws(Refusal) -> Declaration {
        try statement.checkTokens()
        let (kind, body) = try Parser.parse(statement)
        switch kind {
        case "CreateForeignTableStmt":
            return try Declaration(.source, relation: body["base"]?["relation"], statement: statement, body: body)
        case "CreateTableAsStmt" where body["objtype"]?.string == "OBJECT_MATVIEW":
            return try Declaration(.view, relation: body["into"]?["rel"], statement: statement, body: body)
        case "ViewStmt":
            return try Declaration(.overlay, relation: body["view"], statement: statement, body: body)
        case "CreateStmt":
            return try Declaration(
                .dimension, relation: body["relation"], statement: statement, body: body,
                mayNameSchema: body["if_not_exists"]?.isTrue == true)
        case "CreateTableAsStmt":
            throw Refusal(
                statement.start, "CREATE TABLE AS is not supported in a pipeline's definitions",
                hint: "a view over a source is a CREATE MATERIALIZED VIEW; a table to join has its columns declared: CREATE TABLE name (…)")
        case "SelectStmt":
            throw Refusal(
                statement.start, "a SELECT alone defines nothing", hint: "write CREATE MATERIALIZED VIEW name AS SELECT …")
        default:
            throw Refusal(
                statement.start, "this statement is not supported in a pipeline's definitions",
                hint: "supported: CREATE FOREIGN TABLE, CREATE TABLE, CREATE MATERIALIZED VIEW, CREATE VIEW")
        }
    }
}

extension Statement {
    /// The query of CREATE [MATERIALIZED] VIEW name AS query, as written, without WITH DATA at its end.
    /// `nameOffset`: where the view's name stands.
    func queryText(after nameOffset: Int) -> (text: String, offset: Int)? {
        guard let asIndex = tokens.firstIndex(where: { $0.range.lowerBound > nameOffset && isWord($0, "as") }) else { return nil }
        var query = tokens[(asIndex + 1)...]
        if query.count > 2, let last = query.last, isWord(last, "data"), isWord(query[query.endIndex - 2], "with") {
            query = query.dropLast(2)
        }
        guard let first = query.first, let last = query.last else { return nil }
        return (source.string(first.range.lowerBound..<last.range.upperBound), first.range.lowerBound)
    }

    /// The name that CREATE … TABLE or CREATE … VIEW gives, by the look of the tokens.
    var apparentName: String? {
        guard isWord(tokens[0], "create"),
            let keyword = tokens.firstIndex(where: { isWord($0, "table") || isWord($0, "view") })
        else { return nil }
        let rest = tokens[(keyword + 1)...].drop { isWord($0, "if") || isWord($0, "not") || isWord($0, "exists") }
        guard let token = rest.first else { return nil }
        let text = source.string(token.range)
        switch token.kind {
        case .word: return text.lowercased()
        case .quotedName: return String(text.dropFirst().dropLast()).replacing("\"\"", with: "\"")
        default: return nil
        }
    }
}
