import Columns
import ParallaxCore

/// CREATE TABLE to a dimension. Every part is checked, whatever is wrong with the others.
struct DimensionCompiler {
    let declaration: Declaration
    private let reporter: StatementReporter
    private var columns: [DimensionDefinition.Column] = []
    private var primaryKey: [Int]?
    private var uniqueKeys: [[Int]] = []
    private var scope: DimensionScope

    init(_ declaration: Declaration, reportingTo collector: DiagnosticCollector) {
        self.declaration = declaration
        reporter = StatementReporter(declaration.statement.source, collector)
        let isOwned = declaration.body["if_not_exists"]?.isTrue != true
        let schema = declaration.body["relation"]?["schemaname"]?.string
        scope = DimensionScope(
            name: declaration.name, schema: schema ?? (isOwned ? DimensionDefinition.ownSchema : DimensionDefinition.defaultSchema))
    }

    private var statement: Statement { declaration.statement }

    mutating func compile() -> DimensionScope {
        let body = declaration.body
        reporter.check { () throws(Refusal) in
            try body.allowFields(["relation", "tableElts", "oncommit", "if_not_exists"], in: statement, at: declaration.nameOffset)
            if Self.ourSchemas.contains(scope.schema) {
                throw Refusal(
                    declaration.nameOffset, "the schema \"\(scope.schema)\" holds Parallax's own tables",
                    hint: "a table of your own is in a schema of your own, or in \"public\"")
            }
        }
        let elements = body["tableElts"]?.children ?? []
        for element in elements { column(element) }
        for element in elements {
            guard let constraint = element.body(of: "Constraint") else { continue }
            reporter.check { () throws(Refusal) in try tableConstraint(constraint) }
        }
        reporter.check { () throws(Refusal) in
            guard !columns.isEmpty || !reporter.isSound else {
                throw Refusal(declaration.nameOffset, "a table without columns is not supported")
            }
            guard columns.count <= LanguageLimits.columnsPerDimension else {
                throw Refusal(
                    declaration.nameOffset, "a table of \(columns.count) columns is too wide",
                    hint: "at most \(LanguageLimits.columnsPerDimension) columns are taken")
            }
        }
        scope.keys = (primaryKey.map { [$0] } ?? []) + uniqueKeys
        if reporter.isSound {
            scope.definition = DimensionDefinition(
                name: declaration.name, schema: scope.schema, isOwned: body["if_not_exists"]?.isTrue != true, columns: columns,
                primaryKey: primaryKey, uniqueKeys: uniqueKeys)
        }
        return scope
    }

    private static let ourSchemas: Set = ["parallax", "batch", "speed", "serving"]

    private mutating func column(_ element: SyntaxNode) {
        guard let body = element.body(of: "ColumnDef"), let name = body["colname"]?.string else {
            guard element.body(of: "Constraint") == nil else { return }
            reporter.check { () throws(Refusal) in
                throw Refusal(
                    statement.offset(element.tagged.body.location), "LIKE is not supported in a table of the pipeline",
                    hint: "declare its columns")
            }
            return
        }
        let offset = statement.offset(body.location)
        var type: ScalarType?
        reporter.check { () throws(Refusal) in
            guard !scope.columns.contains(where: { $0.name == name }) else {
                throw Refusal(offset, "column \"\(name)\" specified more than once")
            }
            guard !SourceCompiler.systemColumns.contains(name) else {
                throw Refusal(offset, "column name \"\(name)\" conflicts with a system column name")
            }
        }
        reporter.check { () throws(Refusal) in
            try body.allowFields(["colname", "typeName", "is_local", "constraints", "location"], in: statement)
            guard let typeNode = body["typeName"] else { throw Refusal(offset, "column \"\(name)\" has no type") }
            type = try SourceCompiler.columnType(TypeName(typeNode, in: statement), at: statement.offset(typeNode.location))
        }
        guard !scope.columns.contains(where: { $0.name == name }) else { return }
        let index = scope.columns.count
        scope.columns.append(SourceScope.Column(name: name, type: type))
        columns.append(DimensionDefinition.Column(name: name, type: type ?? .text))
        for constraint in body["constraints"]?.children ?? [] {
            reporter.check { () throws(Refusal) in try columnConstraint(constraint, index, at: offset) }
        }
    }

    private mutating func columnConstraint(_ node: SyntaxNode, _ column: Int, at columnOffset: Int) throws(Refusal) {
        let body = node.body(of: "Constraint")
        let offset = body.map { statement.offset($0.location) } ?? columnOffset
        switch body?["contype"]?.string {
        case "CONSTR_NOTNULL": columns[column].isNotNull = true
        case "CONSTR_NULL": break
        case "CONSTR_PRIMARY", "CONSTR_UNIQUE":
            guard let body else { return }
            try addKey([column], body, at: offset)
        case let kind: throw unsupported(kind, at: offset)
        }
    }

    private mutating func tableConstraint(_ body: SyntaxNode) throws(Refusal) {
        let offset = statement.offset(body.location)
        guard let kind = body["contype"]?.string, ["CONSTR_PRIMARY", "CONSTR_UNIQUE"].contains(kind) else {
            throw unsupported(body["contype"]?.string, at: offset)
        }
        var key: [Int] = []
        for name in body["keys"]?.names ?? [] {
            guard let index = scope.columns.firstIndex(where: { $0.name == name }) else {
                throw Refusal(
                    offset, "column \"\(name)\" named in key does not exist",
                    hint: nameHint(for: name, among: scope.columns.map(\.name), listedAs: "the columns are"))
            }
            if !key.contains(index) { key.append(index) }
        }
        try addKey(key, body, at: offset)
    }

    private mutating func addKey(_ key: [Int], _ body: SyntaxNode, at offset: Int) throws(Refusal) {
        try body.allowFields(
            ["contype", "keys", "location", "conname", "nulls_not_distinct", "initially_valid", "skip_validation"], in: statement,
            at: offset)
        guard body["contype"]?.string == "CONSTR_PRIMARY" else { return uniqueKeys.append(key) }
        guard primaryKey == nil else {
            throw Refusal(offset, "multiple primary keys for table \"\(declaration.name)\" are not allowed")
        }
        primaryKey = key
        for column in key { columns[column].isNotNull = true }
    }

    private func unsupported(_ kind: String?, at offset: Int) -> Refusal {
        let names = [
            "CONSTR_DEFAULT": "DEFAULT", "CONSTR_CHECK": "CHECK", "CONSTR_FOREIGN": "REFERENCES",
            "CONSTR_IDENTITY": "GENERATED AS IDENTITY",
            "CONSTR_GENERATED": "GENERATED", "CONSTR_EXCLUSION": "EXCLUDE",
        ]
        return Refusal(
            offset, "\(kind.flatMap { names[$0] } ?? "this constraint") is not supported in a table of the pipeline",
            hint:
                "supported: NOT NULL, PRIMARY KEY, UNIQUE; a table with more is made in PostgreSQL, and named by CREATE TABLE IF NOT EXISTS"
        )
    }
}
