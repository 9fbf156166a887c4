import Columns
import ParallaxCore

/// The functions that put events into windows by their event time.
///
/// - `tumble(event_time, size [, origin])` and `date_bin(size, event_time, origin)`: windows of one size, aligned as PostgreSQL's date_bin
///   does, also before the origin. tumble's default origin is 1970-01-01 00:00 UTC, so that sizes that divide a day begin at midnight UTC;
///   weeks then begin on a Thursday, and an origin such as '2024-01-01 00:00+00' makes them begin on a Monday.
/// - `hop(event_time, slide, size [, origin])`: windows of one size that begin every slide; an event is in each that holds it.
/// - `session(event_time, gap)`: of each group, events of which each is less than the gap behind the one before it.
/// - `date_trunc(unit, event_time [, zone])`: from one start of the unit to the next on the clocks of a time zone, UTC without one.
struct WindowCall {
    let scope: Scope
    let statement: Statement

    static let defaultOrigin: Int64 = 0

    /// Whether the call makes windows: by its name, or, for functions that are of use elsewhere, also by being over the event time.
    static func isWindow(_ name: FunctionName, _ body: SyntaxNode, _ scope: Scope) -> Bool {
        if !name.isQualified, ["tumble", "hop", "session"].contains(name.last) { return true }
        guard ["date_bin", "date_trunc"].contains(name.last), !name.isQualified || name.isBuiltIn,
            let arguments = body["args"]?.children, arguments.count > 1, let column = arguments[1].body(of: "ColumnRef"),
            let eventTime = scope.eventTimeIndex, let column = try? scope.column(column, at: 0)
        else { return false }
        return column == .source(eventTime)
    }

    func compile(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Plan.Window.Kind {
        try body.allowFields(["funcname", "args", "funcformat", "location"], in: statement)
        let arguments = body["args"]?.children ?? []
        let name = FunctionName(body).last
        switch name {
        case "hop":
            try checkCount(arguments, 3...4, name, "hop(event_time, '1 minute', '5 minutes')", at: offset)
            try checkEventTime(arguments[0], name)
            return try hopping(arguments, at: offset)
        case "session":
            try checkCount(arguments, 2...2, name, "session(event_time, '30 minutes')", at: offset)
            try checkEventTime(arguments[0], name)
            return try session(arguments[1])
        case "date_bin":
            try checkCount(arguments, 3...3, name, "date_bin('5 minutes', event_time, '2024-01-01 00:00+00')", at: offset)
            try checkEventTime(arguments[1], name)
            return .tumbling(size: try length(arguments[0], "the size of a window"), origin: try origin(arguments[2]))
        case "date_trunc":
            try checkCount(arguments, 2...3, name, "date_trunc('day', event_time, 'America/New_York')", at: offset)
            try checkEventTime(arguments[1], name)
            return try calendar(arguments)
        default:
            try checkCount(
                arguments, 2...3, name, "tumble(event_time, '1 minute') or tumble(event_time, '1 week', '2024-01-01 00:00+00')", at: offset)
            try checkEventTime(arguments[0], name)
            let size = try length(arguments[1], "the size of a window")
            return .tumbling(size: size, origin: arguments.count == 3 ? try origin(arguments[2]) : Self.defaultOrigin)
        }
    }

    private func checkCount(
        _ arguments: [SyntaxNode], _ counts: ClosedRange<Int>, _ name: String, _ example: String, at offset: Int
    ) throws(Refusal) {
        guard !counts.contains(arguments.count) else { return }
        let words = ["one", "two", "three", "four"]
        let number =
            counts.count == 1 ? words[counts.lowerBound - 1] : "\(words[counts.lowerBound - 1]) or \(words[counts.upperBound - 1])"
        throw Refusal(offset, "\(name) takes \(number) arguments", hint: example)
    }

    private func checkEventTime(_ node: SyntaxNode, _ name: String) throws(Refusal) {
        let (kind, body) = node.tagged
        let offset = statement.offset(body.location)
        guard let eventTime = scope.eventTimeIndex else { throw .consequence(at: offset) }
        let column = kind == "ColumnRef" ? try scope.column(body, at: offset) : nil
        guard column == .source(eventTime) else {
            throw Refusal(
                offset, "\(name) must be over the source's event time",
                hint: "its event time is the column \"\(scope.source.columns[eventTime].name)\"")
        }
    }

    /// Microseconds. `what`: the size of a window, say.
    private func length(_ node: SyntaxNode, _ what: String) throws(Refusal) -> Int64 {
        let (kind, body) = node.tagged
        let offset = statement.offset(body.location)
        var constant = node
        if kind == "TypeCast", let typeName = body["typeName"], try TypeName(typeName, in: statement) == .scalar(.interval),
            let argument = body["arg"]
        {
            try body.allowFields(["arg", "typeName", "location"], in: statement)
            constant = argument
        }
        guard let value = constant.body(of: "A_Const"), let text = value["sval"] else {
            throw Refusal(offset, "\(what) must be a constant interval", hint: "write it in quotes, such as '1 minute'")
        }
        let textOffset = statement.offset(value.location)
        let length: Int64
        do { length = try IntervalText.fixedLength(text["sval"]?.string ?? "") } catch {
            throw Refusal(
                textOffset, "\(what): \(error.message)",
                hint: error.hint ?? "write a number and a unit, such as '1 minute' or '00:05:00'")
        }
        guard length > 0 else { throw Refusal(textOffset, "\(what) must be greater than zero") }
        return length
    }

    private func session(_ node: SyntaxNode) throws(Refusal) -> Plan.Window.Kind {
        let gap = try length(node, "the gap of a session")
        guard gap <= LanguageLimits.sessionGap else {
            throw Refusal(
                statement.offset(node.tagged.body.location), "the gap of a session is too long",
                hint: "at most \(LanguageLimits.sessionGap / CalendarInterval.microsecondsPerDay) days are taken")
        }
        return .session(gap: gap)
    }

    private func hopping(_ arguments: [SyntaxNode], at offset: Int) throws(Refusal) -> Plan.Window.Kind {
        let slide = try length(arguments[1], "the slide of a window")
        let size = try length(arguments[2], "the size of a window")
        let origin = arguments.count == 4 ? try origin(arguments[3]) : Self.defaultOrigin
        let windows = size / slide + (size % slide == 0 ? 0 : 1)
        guard windows <= LanguageLimits.windowsPerEvent else {
            throw Refusal(
                offset, "an event would be in \(windows) windows",
                hint:
                    "at most \(LanguageLimits.windowsPerEvent) are taken: hop(event_time, slide, size), with a longer slide or a smaller size"
            )
        }
        return slide == size ? .tumbling(size: size, origin: origin) : .hopping(slide: slide, size: size, origin: origin)
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

extension Scope {
    var eventTimeIndex: Int? { source.eventTimeColumn }
}

extension Plan.Window.Kind {
    /// What people call its function.
    var functionName: String {
        switch self {
        case .tumbling: "tumble"
        case .hopping: "hop"
        case .calendar: "date_trunc"
        case .session: "session"
        }
    }
}
