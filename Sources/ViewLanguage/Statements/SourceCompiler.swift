import Columns
import ParallaxCore

/// CREATE FOREIGN TABLE to a source. Every part is checked, whatever is wrong with the others.
struct SourceCompiler {
    let declaration: Declaration
    private let reporter: StatementReporter
    private var scope: SourceScope
    private var isNotNull: [Bool] = []

    init(_ declaration: Declaration, reportingTo collector: DiagnosticCollector) {
        self.declaration = declaration
        reporter = StatementReporter(declaration.statement.source, collector)
        scope = SourceScope(name: declaration.name, columns: [], eventTimeColumn: nil, definition: nil, isComplete: true)
    }

    private var statement: Statement { declaration.statement }

    mutating func compile() -> SourceScope {
        let body = declaration.body
        reporter.check { () throws(Refusal) in
            try body.allowFields(["base", "servername", "options"], in: statement)
            guard let base = body["base"] else { throw Refusal(statement.start, "a column list is missing") }
            try base.allowFields(["relation", "tableElts", "oncommit"], in: statement)
        }
        reporter.check { () throws(Refusal) in
            guard body["servername"]?.string == "parallax" else {
                throw Refusal(
                    statement.offset(ofKeyword: "server"), "server \"\(body["servername"]?.string ?? "")\" does not exist",
                    hint: "write SERVER parallax")
            }
        }
        reporter.check { () throws(Refusal) in
            let name = declaration.name
            guard SourceOptions.isTopicName(name) else {
                throw Refusal(
                    declaration.nameOffset, "\"\(name)\" cannot be a source's name",
                    hint: "a source has folders of its name: use letters from a to z, digits, '.', '_' and '-'")
            }
        }
        let elements = body["base"]?["tableElts"]?.children ?? []
        for element in elements { column(element) }
        reporter.check { () throws(Refusal) in
            guard elements.count <= LanguageLimits.columnsPerSource else {
                throw Refusal(
                    declaration.nameOffset, "a source of \(elements.count) columns is too wide",
                    hint: "at most \(LanguageLimits.columnsPerSource) columns are taken")
            }
        }
        var options = SourceOptions(statement: statement, tableName: declaration.name, nameOffset: declaration.nameOffset)
        for refusal in options.read(body["options"]?.children ?? [], columns: scope) {
            reporter.report(refusal)
        }
        scope.eventTimeColumn = options.eventTimeColumn
        if reporter.isSound { scope.definition = definition(options) }
        return scope
    }

    private func definition(_ options: SourceOptions) -> SourceDefinition? {
        guard let eventID = options.eventIDColumn, let eventTime = options.eventTimeColumn else { return nil }
        var columns: [SourceDefinition.Column] = []
        for (column, isNotNull) in zip(scope.columns, isNotNull) {
            guard let type = column.type else { return nil }
            columns.append(SourceDefinition.Column(name: column.name, type: type, isNotNull: isNotNull))
        }
        return SourceDefinition(
            name: declaration.name, topic: options.topic, columns: columns, eventIDColumn: eventID, eventTimeColumn: eventTime,
            outOfOrderness: options.outOfOrderness, lateness: options.lateness)
    }

    private mutating func column(_ element: SyntaxNode) {
        guard let body = element.body(of: "ColumnDef"), let name = body["colname"]?.string else {
            reporter.check { () throws(Refusal) in
                let location = element.tagged.body.location
                throw Refusal(
                    statement.offset(location), "table constraints and LIKE are not supported in a source",
                    hint: "declare columns only; NOT NULL may follow a column's type")
            }
            return
        }
        let offset = statement.offset(body.location)
        reporter.check { () throws(Refusal) in try checkName(name, at: offset) }
        var type: ScalarType?
        reporter.check { () throws(Refusal) in
            try body.allowFields(["colname", "typeName", "is_local", "constraints", "location"], in: statement)
            guard let typeNode = body["typeName"] else { throw Refusal(offset, "column \"\(name)\" has no type") }
            type = try Self.columnType(TypeName(typeNode, in: statement), at: statement.offset(typeNode.location))
        }
        var columnIsNotNull = false
        for constraint in body["constraints"]?.children ?? [] {
            reporter.check { () throws(Refusal) in columnIsNotNull = try isNotNull(constraint, at: offset) || columnIsNotNull }
        }
        // A second column of the same name would only hide the first.
        if !scope.columns.contains(where: { $0.name == name }) {
            scope.columns.append(SourceScope.Column(name: name, type: type))
            isNotNull.append(columnIsNotNull)
        }
    }

    static let systemColumns: Set = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]

    private func checkName(_ name: String, at offset: Int) throws(Refusal) {
        if scope.columns.contains(where: { $0.name == name }) {
            throw Refusal(offset, "column \"\(name)\" specified more than once")
        }
        if name.hasPrefix("_") {
            throw Refusal(offset, "column name \"\(name)\" is reserved", hint: "names that begin with '_' are the archive's own columns")
        }
        if Self.systemColumns.contains(name) {
            throw Refusal(offset, "column name \"\(name)\" conflicts with a system column name")
        }
    }

    static func columnType(_ type: TypeName, at offset: Int) throws(Refusal) -> ScalarType {
        switch type {
        case .interval: throw Refusal(offset, "type interval is not supported yet", hint: TypeName.supportedHint)
        case .scalar(.numeric, let shape):
            guard let shape else {
                throw Refusal(
                    offset, "numeric without precision and scale is not supported", hint: "write numeric(p,s), such as numeric(18,2)")
            }
            return .numeric(precision: shape.precision, scale: shape.scale)
        case .scalar(let kind, _): return kind.plainType
        }
    }

    private func isNotNull(_ constraint: SyntaxNode, at columnOffset: Int) throws(Refusal) -> Bool {
        let body = constraint.body(of: "Constraint")
        let offset = body.map { statement.offset($0.location) } ?? columnOffset
        switch body?["contype"]?.string {
        case "CONSTR_NOTNULL": return true
        case "CONSTR_NULL": return false
        case "CONSTR_DEFAULT":
            throw Refusal(offset, "column defaults are not supported yet", hint: "a missing field is null; use coalesce in the view")
        case let kind:
            let name = kind?.replacing("CONSTR_", with: "") ?? "this"
            throw Refusal(offset, "the constraint \(name) is not supported in a source", hint: "only NOT NULL may follow a column's type")
        }
    }
}
