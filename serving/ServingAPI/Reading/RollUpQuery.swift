import Catalog
import ParallaxCore
import Postgres
import ServingViews

/// Rows of longer windows or of fewer groups: what a request asks, as the `RollUp` that answers it.
///
/// What does not fit the view is refused in `RollUp`'s own words. Here is only what a query string adds: names with commas between them, an order, pages.
struct RollUpQuery {
    let view: ServedView
    let version: ViewVersion
    /// Without a range, which PostgreSQL reads.
    private var rollUp: RollUp
    /// In their order; nil: all.
    private var columns: [String]?
    private let order: [(name: String, isDescending: Bool)]

    enum TopScope: String, CaseIterable { case bucket, range }

    /// Groups of one top: as many as rows of the longest page.
    static let maxTop: Int64 = 10_000

    /// Each of them makes a request a roll-up.
    private static let names = ["bucket", "groups", "zone", "top", "by", "top_of", "compare"]

    static let parameters: [Route.Parameter] = [
        .init(
            name: "bucket",
            words:
                "A roll-up: a longer window, as in 1h, 15 minutes, day, week, month; `window` is the view's own, `all` makes the whole range one row."
        ),
        .init(
            name: "zone",
            words:
                "Of a bucket that is a day, a week, a month, a quarter or a year: the time zone on whose clocks it begins, as in Europe/Berlin."
        ),
        .init(name: "groups", words: "A roll-up: the group columns that stay apart, with commas between them; empty: none."),
        .init(name: "top", schema: .integer, words: "A roll-up: the so many groups with the largest values of `by`."),
        .init(name: "by", words: "Of `top`: the output that decides."),
        .init(
            name: "top_of", schema: .choice(TopScope.allCases.map(\.rawValue)),
            words: "Of `top`: bucket (each has its own, as without it) or range (the same groups in all buckets)."),
        .init(
            name: "compare",
            words: "A roll-up: beside each row the same of the period before, as `<column>_before`; how long before, as in -7d."),
    ]

    static func isAsked(_ request: APIRequest) -> Bool { names.contains { request.value($0) != nil } }

    init(_ request: APIRequest, _ view: ServedView, maxFilterValues: Int) throws {
        guard let version = view.version else {
            throw Problem(
                .badRequest, "invalid_request", "\"\(view.name)\" is a view on top: it has no states to roll up",
                hint: "ask the views that it reads: " + view.reads.joined(separator: ", "))
        }
        (self.view, self.version) = (view, version)
        for (name, isRefused) in [("layer", request.value("layer") != "merged"), ("as_of_run", true)]
        where request.value(name) != nil && isRefused {
            throw Problem(
                .badRequest, "invalid_request",
                "a roll-up is made of the states of both layers as they are now: \"\(name)\" has no place in it",
                hint: "leave it out, or leave out what makes this a roll-up: "
                    + Self.names.filter { request.value($0) != nil }.joined(separator: ", "))
        }
        func needs(_ name: String, _ other: String) throws(Problem) {
            guard request.value(name) != nil, request.value(other) == nil else { return }
            throw Problem(
                .badRequest, "invalid_request", "\"\(name)\" says nothing without \"\(other)\"", hint: "give both, or leave it out")
        }
        try needs("zone", "bucket")
        try needs("top", "by")
        try needs("by", "top")
        try needs("top_of", "top")

        rollUp = RollUp()
        if let text = request.value("bucket") { rollUp.bucket = try RollUp.Bucket(text, zone: request.value("zone")) }
        rollUp.groups = request.value("groups").map { text in
            text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmed) }
        }
        rollUp.filters = try RowsQuery.filters(request, maxValues: maxFilterValues).map { filter in
            var values: [String?] = filter.values
            if filter.orNull { values.append(nil) }
            return RollUp.Filter(filter.column, in: values)
        }
        if let count = try request.integer("top", in: 1...Self.maxTop), let output = request.value("by") {
            let scope: TopScope = try request.choice("top_of") ?? .bucket
            rollUp.top = .init(Int(count), by: output, scope: scope == .bucket ? .bucket : .range)
        }
        if let text = request.value("compare") {
            var before = try CalendarInterval(text)
            // "Seven days ago" is -7d; a roll-up asks how long before.
            if before.span < 0 {
                guard before.months != .min, before.days != .min, before.microseconds != .min else {
                    throw Problem(.badRequest, "invalid_value", "\"\(text.prefix(100))\" is no value for \"compare\"", hint: "as in -7d")
                }
                before = CalendarInterval(months: -before.months, days: -before.days, microseconds: -before.microseconds)
            }
            rollUp.compare = before
        }
        columns = request.value("columns").map { $0.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmed) } }
        if let columns, let twice = columns.enumerated().first(where: { columns[..<$0.offset].contains($0.element) })?.element {
            throw Problem(.badRequest, "invalid_value", "the column \"\(twice)\" stands twice in \"columns\"")
        }
        order = RowsQuery.order(request)
    }

    /// As a query for rows, over the roll-up in the place of the view.
    ///
    /// - Parameter longest: the longest range; nil: any.
    func rows(_ request: APIRequest, _ connection: Connection, defaultLimit: Int?, maxLimit: Int, longest: Duration?) throws -> RowsQuery {
        var rollUp = rollUp
        let asked = try AskedRange(request, connection, until: request.deadline)
        rollUp.from = try Self.instant(asked.from, "from", request)
        rollUp.until = try Self.instant(asked.until, "to", request)
        if let longest, version.plan.window != nil {
            try RangeLimit(longest: longest).check(
                asked, ofView: view.name, periods: rollUp.compare == nil ? 1 : 2, isLaterPage: request.value("cursor") != nil)
        }
        // What there is, before anything is left out.
        let all = try rollUp.statement(over: version)
        let shown = try columns.map { names in try outputs(named: names, of: all) }
        if let shown {
            // What tells rows apart and what they are sorted by is asked for, too, and not shown.
            let hidden = (all.key ?? []) + order.map(\.name) + [rollUp.top?.output].compactMap(\.self)
            rollUp.outputs = shown + (try outputs(named: hidden, of: all)).filter { !shown.contains($0) }
        }
        let statement = shown == nil ? all : try rollUp.statement(over: version)
        let fields = try connection.describe(statement.text, until: request.deadline)
        guard fields.map(\.name) == statement.columns.map(\.name) else {
            throw ParallaxError(.internalInconsistency, "a roll-up of view \"\(view.name)\" has other columns than it says")
        }
        let served = zip(statement.columns, fields).map { column, field in (column, described(column, field)) }
        var visible = served.map(\.1)
        if let shown {
            let chosen = shown.compactMap { name in served.first { !$0.0.isBefore && $0.0.isValue && $0.0.output == name }?.1 }
            let beside = served.filter { column, _ in
                guard let output = column.output else { return true }
                return shown.contains(output) && (column.isBefore || !column.isValue)
            }
            visible = chosen + beside.map(\.1)
        }
        return RowsQuery(
            columns: visible, order: try sorting(statement, served.map(\.1)),
            limit: try request.integer("limit", in: 1...Int64(maxLimit)).map { Int($0) } ?? defaultLimit,
            isKeyed: statement.key != nil, rollUp: statement)
    }

    /// The view's outputs that the names mean: themselves, or those that an error or a value of the period before is of. `is_exact` and `is_closed` come
    /// in any case.
    private func outputs(named names: [String], of statement: RollUp.Statement) throws(Problem) -> [String] {
        var found: [String] = []
        let known = Set(version.plan.outputs.map(\.name))
        for name in names {
            let output: String?
            if known.contains(name) {
                output = name
            } else if let column = statement.columns.first(where: { $0.name == name }) {
                output = column.output
            } else {
                throw noColumn(name, among: statement.columns.map(\.name))
            }
            if let output, !found.contains(output) { found.append(output) }
        }
        return found
    }

    private func noColumn(_ name: String, among names: [String]) -> Problem {
        Problem(
            .badRequest, "unknown_column", "this roll-up of view \"\(view.name)\" has no column \"\(name.prefix(100))\"",
            hint: nameHint(for: name, among: names, listedAs: "columns"))
    }

    /// As asked for, then by what tells rows apart; a top by its place. Where nothing tells them apart, by all columns.
    private func sorting(_ statement: RollUp.Statement, _ columns: [ServedView.Column]) throws(Problem) -> [RowsQuery.Order] {
        var sorting: [RowsQuery.Order] = []
        func add(_ name: String, _ isDescending: Bool = false) throws(Problem) {
            guard let column = columns.first(where: { $0.name == name }) else {
                throw noColumn(name, among: columns.map(\.name))
            }
            if !sorting.contains(where: { $0.column == column }) { sorting.append(.init(column: column, isDescending: isDescending)) }
        }
        for (name, isDescending) in order { try add(name, isDescending) }
        if order.isEmpty, let top = rollUp.top {
            for column in statement.columns where column.role == .window && !column.isBefore { try add(column.name) }
            try add(top.output, true)
        }
        for name in statement.key ?? columns.filter(\.isSortable).map(\.name) { try add(name) }
        return sorting
    }

    private static func instant(_ bound: AskedRange.Bound?, _ name: String, _ request: APIRequest) throws(Problem) -> Instant? {
        switch bound {
        case nil: return nil
        case .instant(let time): return time
        case .infinite:
            throw Problem(
                .badRequest, "invalid_value", "\"\(request.value(name)?.prefix(100) ?? "")\" is no value for \"\(name)\" of a roll-up",
                hint: "a time; where the range has no end on this side, leave it out")
        }
    }

    private func described(_ column: RollUp.Column, _ field: Connection.Field) -> ServedView.Column {
        let role: ServedView.Column.Role =
            switch column.role {
            case .window, .windowEnd: .window
            case .group: .group
            case .measure, .expression: .measure
            case .isExact, .isClosed, .error: .flag
            }
        // What a result has in the view, with its length and scale, it has here, too: both are finished alike.
        var type = column.sqlType
        if column.isValue, let own = column.output.flatMap(view.column), own.typeID == field.type { type = own.type }
        return ServedView.Column(name: column.name, type: type, typeID: field.type, role: role, bound: nil)
    }

    /// PostgreSQL's and our own errors, where a roll-up was asked for.
    static func problem(_ error: ParallaxError) -> Problem {
        var problem = Problem(error)
        if error.sqlState == SQLState.objectNotInPrerequisiteState {
            (problem.status, problem.code) = (.unprocessableContent, "no_sketches")
            problem.detail = "Results do not add up, and the sketches that do are gone: a view keeps them while a window can still change."
            problem.hint = "name other outputs in \"columns\", or make the view WITH (keep_sketches = true)"
        }
        return problem
    }
}

extension RowsQuery {
    init(columns: [ServedView.Column], order: [Order], limit: Int?, isKeyed: Bool, rollUp: RollUp.Statement) {
        self.columns = columns
        self.order = order
        self.limit = limit
        self.isKeyed = isKeyed
        self.rollUp = rollUp
    }
}

extension RollUp.Column {
    fileprivate var isValue: Bool { if case .error = role { false } else { true } }
}

extension RollUp.Statement {
    /// What stands in FROM. Once and whole, before rows are chosen and sorted: whatever is wrong with a row is said before the first one goes out.
    var relation: String { "(WITH r AS MATERIALIZED (\(text)) SELECT * FROM r)" }

    /// Columns that may hold estimates, each with the column that says how far off it is.
    var approximate: JSONText {
        .array(
            columns.compactMap { column -> JSONText? in
                guard column.isApproximate else { return nil }
                let error = columns.first { $0.output == column.output && $0.isBefore == column.isBefore && $0.boundKind != nil }
                return .object([
                    ("column", .string(column.name)),
                    ("bound", .object([("kind", .optional(error?.boundKind)), ("column", .optional(error?.name))])),
                ])
            })
    }
}
