import Columns
import ParallaxCore

/// CREATE FOREIGN TABLE to a source. Every part is checked, whatever is wrong with the others.
struct SourceCompiler {
    let declaration: Declaration
    private let reporter: StatementReporter
    private var scope: SourceScope
    /// Where each column's declaration stands.
    private var offsets: [Int] = []
    /// One entry a column of the scope; its type is that of the scope.
    private var columns: [SourceDefinition.Column] = []

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
        checkPaths()
        var options = SourceOptions(statement: statement, tableName: declaration.name, nameOffset: declaration.nameOffset)
        for refusal in options.read(body["options"]?.children ?? [], columns: scope) {
            reporter.report(refusal)
        }
        for index in [options.eventIDColumn, options.eventTimeColumn].compactMap({ $0 }) where columns[index].missingValue != nil {
            reporter.report(
                Refusal(
                    offsets[index], "column \"\(columns[index].name)\" identifies an event and cannot have a default",
                    hint: "records without it would all be the same event"))
        }
        scope.eventTimeColumn = options.eventTimeColumn
        if reporter.isSound { scope.definition = definition(options) }
        return scope
    }

    private func definition(_ options: SourceOptions) -> SourceDefinition? {
        guard let eventID = options.eventIDColumn, let eventTime = options.eventTimeColumn else { return nil }
        var columns: [SourceDefinition.Column] = []
        for (known, column) in zip(scope.columns, self.columns) {
            guard known.type != nil else { return nil }
            columns.append(column)
        }
        return SourceDefinition(
            name: declaration.name, topic: options.topic, columns: columns, eventIDColumn: eventID, eventTimeColumn: eventTime,
            outOfOrderness: options.outOfOrderness, lateness: options.lateness, appendTime: options.appendTime)
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
            try body.allowFields(["colname", "typeName", "is_local", "constraints", "fdwoptions", "location"], in: statement)
            guard let typeNode = body["typeName"] else { throw Refusal(offset, "column \"\(name)\" has no type") }
            type = try Self.columnType(TypeName(typeNode, in: statement), at: statement.offset(typeNode.location))
        }
        var column = SourceDefinition.Column(name: name, type: type ?? .text)
        let reader = ColumnReader(statement: statement, source: declaration.name, type: type)
        for refusal in reader.readOptions(body["fdwoptions"]?.children ?? [], into: &column) { reporter.report(refusal) }
        for constraint in body["constraints"]?.children ?? [] {
            reporter.check { () throws(Refusal) in try reader.readConstraint(constraint, into: &column, at: offset) }
        }
        // A second column of the same name would only hide the first.
        if !scope.columns.contains(where: { $0.name == name }) {
            scope.columns.append(SourceScope.Column(name: name, type: type))
            columns.append(column)
            offsets.append(offset)
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
        case .scalar(.numeric, let shape):
            guard let shape else { return .decimal }
            return .numeric(precision: shape.precision, scale: shape.scale)
        case .exact(let type): return type
        case .scalar(let kind, _): return kind.plainType
        }
    }

    /// A field goes to one column.
    private func checkPaths() {
        var seen: [[String]: String] = [:]
        for (column, offset) in zip(columns, offsets) {
            guard let other = seen.updateValue(column.name, forKey: column.fieldPath) else { continue }
            let path = column.fieldPath.joined(separator: ".")
            reporter.report(
                Refusal(
                    offset, "columns \"\(other)\" and \"\(column.name)\" both read the field \(path)",
                    hint: "a view can compute with one column in two ways"))
        }
    }
}
