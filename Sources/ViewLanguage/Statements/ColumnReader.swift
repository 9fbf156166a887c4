import Columns
import ParallaxCore

/// What follows a column's type in a source: OPTIONS (path …, format …), NOT NULL, DEFAULT.
struct ColumnReader {
    let statement: Statement
    let source: String
    /// Nil where it is in error.
    let type: ScalarType?

    private static let optionNames = ["path", "format"]

    /// Everything that is wrong comes back.
    func readOptions(_ elements: [SyntaxNode], into column: inout SourceDefinition.Column) -> [Refusal] {
        var refusals: [Refusal] = []
        var seen: Set<String> = []
        for element in elements {
            do throws(Refusal) { try readOption(element, &seen, into: &column) } catch { refusals.append(error) }
        }
        return refusals
    }

    private func readOption(
        _ element: SyntaxNode, _ seen: inout Set<String>, into column: inout SourceDefinition.Column
    ) throws(Refusal) {
        guard let body = element.body(of: "DefElem"), let name = body["defname"]?.string else {
            throw Refusal(statement.offset(ofKeyword: "options"), "this option is not supported")
        }
        let offset = statement.offset(body.location)
        try body.allowFields(["defname", "arg", "defaction", "location"], in: statement)
        guard Self.optionNames.contains(name) else {
            throw Refusal(
                offset, "unknown option \"\(name)\" of a column",
                hint: nameHint(for: name, among: Self.optionNames, listedAs: "the options of a column are"))
        }
        guard seen.insert(name).inserted else { throw Refusal(offset, "option \"\(name)\" provided more than once") }
        let value = body["arg"]?.body(of: "String")?["sval"]?.string ?? ""
        if name == "path" {
            let path = try FieldPath(value, at: offset).names
            // The field of the column's own name is what it reads without a path: one meaning, one plan.
            column.path = path == [column.name] ? nil : path
        } else {
            column.format = try format(value, at: offset)
        }
    }

    private func format(_ value: String, at offset: Int) throws(Refusal) -> SourceDefinition.Format {
        guard let format = SourceDefinition.Format(rawValue: value) else {
            let names = SourceDefinition.Format.allCases.map(\.rawValue)
            throw Refusal(
                offset, "option \"format\": \"\(value)\" is no format",
                hint: nameHint(for: value, among: names, listedAs: "the formats are"))
        }
        guard type == nil || type == .timestamptz || type == .timestamp else {
            throw Refusal(
                offset, "option \"format\": a column of type \(type?.typeClass.sqlName ?? "") has none",
                hint: "times since an epoch are for timestamptz and timestamp")
        }
        return format
    }

    func readConstraint(_ constraint: SyntaxNode, into column: inout SourceDefinition.Column, at columnOffset: Int) throws(Refusal) {
        let body = constraint.body(of: "Constraint")
        let offset = body.map { statement.offset($0.location) } ?? columnOffset
        switch body?["contype"]?.string {
        case "CONSTR_NOTNULL": column.isNotNull = true
        case "CONSTR_NULL": break
        case "CONSTR_DEFAULT":
            guard let node = body?["raw_expr"] else { throw Refusal(offset, "this default is not supported") }
            column.missingValue = try missingValue(node, of: column.name, at: offset)
        case let kind:
            let name = kind?.replacing("CONSTR_", with: "") ?? "this"
            throw Refusal(
                offset, "the constraint \(name) is not supported in a source",
                hint: "NOT NULL and DEFAULT with a constant may follow a column's type")
        }
    }

    /// The constant as a value of the column's type, as PostgreSQL assigns it. Nil for NULL.
    private func missingValue(_ node: SyntaxNode, of name: String, at offset: Int) throws(Refusal) -> Literal? {
        let nowhere = SourceScope(name: source, columns: [], eventTimeColumn: nil, definition: nil, isComplete: true)
        if node.tagged.kind == "ColumnRef" {
            throw Refusal(statement.offset(node.tagged.body.location), "cannot use column reference in DEFAULT expression")
        }
        var compiler = ExpressionCompiler(
            scope: Scope(source: nowhere, relationName: source), statement: statement, clause: .selectItem)
        let operand = try compiler.operand(node)
        guard let type else { return nil }
        let text: String
        switch operand.value {
        case .unknown(nil): return nil
        case .unknown(let constant?): text = constant
        case .typed(.literal(let interval, .interval)) where type == .interval: return interval == .null ? nil : interval
        case .typed(let expression):
            guard expression.constantText != nil else {
                throw Refusal(operand.offset, "the default of column \"\(name)\" must be a constant", hint: "compute in the view")
            }
            guard let constant = expression.constantText(assignedTo: type.typeClass) else {
                throw Refusal(
                    operand.offset,
                    "column \"\(name)\" is of type \(type.typeClass.sqlName) but default expression is of type "
                        + expression.type.typeClass.sqlName, hint: "write the constant in quotes, as the column's type writes it")
            }
            text = constant
        }
        do {
            return try Literal.value(text, of: type)
        } catch {
            throw Refusal(operand.offset, error.message, hint: error.hint)
        }
    }
}

extension Expression {
    /// A constant in the text of its type; nil for anything else.
    fileprivate var constantText: String? {
        guard case .literal(let literal, let type) = self else { return nil }
        switch literal {
        case .bool(let value): return value ? "true" : "false"
        case .int(let value) where type.typeClass.numberRank != nil: return String(value)
        case .decimal(let unscaled): return "\(unscaled)e-\(type.decimalShape?.scale ?? 0)"
        case .float(let value): return "\(value)"
        case .text(let text): return text
        case .uuid(let text): return text
        case .null, .int, .interval: return nil
        }
    }

    /// The constant as an assignment makes it one of another type: numbers go to numbers, rounded to whole ones (half away from zero, a double
    /// precision one half to even), and exact ones and truth values to text. Nil where PostgreSQL has no such assignment, or its digits are not ours.
    fileprivate func constantText(assignedTo target: TypeClass) -> String? {
        guard case .literal(let literal, let type) = self, let text = constantText else { return nil }
        let kind = type.typeClass
        let isWhole = [.int2, .int4, .int8].contains(target)
        switch (literal, target) {
        case _ where kind == target: return text
        case (.decimal(let unscaled), .text), (.decimal(let unscaled), .bpchar):
            return DecimalText(unscaled: unscaled, scale: type.decimalShape?.scale ?? 0).shown
        case (.int, .text), (.int, .bpchar), (.bool, .text), (.bool, .bpchar), (.text, .text), (.text, .bpchar): return text
        case (.decimal, _) where isWhole:
            guard case .decimal(let rounded)? = try? Literal.value(text, of: .numeric(precision: 38, scale: 0)) else { return nil }
            return rounded
        case (.float(let value), _) where isWhole && value.magnitude < 0x1p63:
            return DecimalText(unscaled: String(Int64(value.rounded(.toNearestOrEven))), scale: 0).shown
        default:
            guard let from = kind.numberRank, let to = target.numberRank else { return nil }
            return from <= to || Int64(text) != nil ? text : nil
        }
    }
}
