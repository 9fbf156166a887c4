import Columns

/// tumble(event_time, size [, origin]).
///
/// Windows are half-open and aligned as PostgreSQL's date_bin(size, event_time, origin) does, also before the origin. The default
/// origin is 1970-01-01 00:00 UTC, so that sizes that divide a day begin at midnight UTC; weeks then begin on a Thursday, and
/// an origin such as '2024-01-01 00:00+00' makes them begin on a Monday.
struct WindowCall {
    let scope: Scope
    let statement: Statement

    static let defaultOrigin: Int64 = 0

    func compile(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Plan.Window.Kind {
        try body.allowFields(["funcname", "args", "funcformat", "location"], in: statement)
        let arguments = body["args"]?.children ?? []
        guard (2...3).contains(arguments.count) else {
            throw Refusal(
                offset, "tumble takes two or three arguments",
                hint: "tumble(event_time, '1 minute') or tumble(event_time, '1 week', '2024-01-01 00:00+00')")
        }
        try checkEventTime(arguments[0])
        let size = try size(arguments[1])
        let origin = arguments.count == 3 ? try origin(arguments[2]) : Self.defaultOrigin
        return .tumbling(size: size, origin: origin)
    }

    private func checkEventTime(_ node: SyntaxNode) throws(Refusal) {
        let (kind, body) = node.tagged
        let offset = statement.offset(body.location)
        guard let eventTime = scope.source.eventTimeColumn else { throw .consequence(at: offset) }
        let column = kind == "ColumnRef" ? try scope.column(body, at: offset) : nil
        guard column == eventTime else {
            throw Refusal(
                offset, "tumble must be over the source's event time",
                hint: "its event time is the column \"\(scope.source.columns[eventTime].name)\"")
        }
    }

    private func size(_ node: SyntaxNode) throws(Refusal) -> Int64 {
        let (kind, body) = node.tagged
        let offset = statement.offset(body.location)
        var constant = node
        if kind == "TypeCast", let typeName = body["typeName"], try TypeName(typeName, in: statement) == .interval,
            let argument = body["arg"]
        {
            try body.allowFields(["arg", "typeName", "location"], in: statement)
            constant = argument
        }
        guard let value = constant.body(of: "A_Const"), let text = value["sval"] else {
            throw Refusal(offset, "the size of a window must be a constant interval", hint: "write it in quotes, such as '1 minute'")
        }
        let textOffset = statement.offset(value.location)
        let size: Int64
        do { size = try IntervalText(text["sval"]?.string ?? "").fixedLength() } catch {
            throw Refusal(
                textOffset, "the size of a window: \(error.message)",
                hint: error.hint ?? "write a number and a unit, such as '1 minute' or '00:05:00'")
        }
        guard size > 0 else { throw Refusal(textOffset, "the size of a window must be greater than zero") }
        return size
    }

    private func origin(_ node: SyntaxNode) throws(Refusal) -> Int64 {
        var compiler = ExpressionCompiler(scope: scope, statement: statement, clause: .groupBy)
        let operand = try compiler.operand(node)
        let refusal = Refusal(
            operand.offset, "the origin of a window must be a constant of type timestamp with time zone",
            hint: "write it in quotes, such as '2024-01-01 00:00+00'")
        guard operand.typeClass == nil || operand.typeClass == .timestamptz else { throw refusal }
        guard case .literal(.int(let origin), .timestamptz) = try compiler.typed(operand, as: .timestamptz) else { throw refusal }
        return origin
    }
}
