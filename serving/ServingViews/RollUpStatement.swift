import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// The statement of one `RollUp`: what was asked for is checked (`RollUpStatement+Checks`), then written.
///
/// Inside, columns have generated names: `w` (the bucket's start), `k0`… (groups), `c0`… (outputs), `e0`… (errors), `is_exact`, `is_closed`. Names that a user
/// gave stand in the outermost list alone.
struct RollUpStatement {
    let rollUp: RollUp
    let version: ViewVersion
    let base: MergedViewSQL
    /// Nil where the view has no windows.
    let fit: BucketFit?
    let bucket: EffectiveBucket
    /// Which groups stay, and which outputs are shown.
    let groups: [Int]
    let outputs: [Int]
    let filters: [(group: Int, values: [String?])]
    let topOutput: Int?
    private var parameters: [Parameter] = []
    private let parametersBefore: Int

    var plan: Plan { version.plan }

    /// What a bucket is over this view.
    enum EffectiveBucket {
        case none, sessions, windows, range
        case length(Int64)
        case calendar(Plan.Window.CalendarUnit, zone: String)
    }

    /// Throws what does not fit the view.
    init(_ rollUp: RollUp, _ version: ViewVersion, parametersBefore: Int) throws(ParallaxError) {
        self.rollUp = rollUp
        self.version = version
        self.parametersBefore = parametersBefore
        base = MergedViewSQL(version)
        let plan = version.plan
        fit = plan.window.map { BucketFit(view: version.viewName, kind: $0.kind) }
        bucket = try Self.bucket(rollUp, version, fit)
        groups =
            try rollUp.groups.map { names throws(ParallaxError) in
                Set(try names.map { name throws(ParallaxError) in try Self.group(name, version) }).sorted()
            } ?? Array(plan.groups.indices)
        filters = try rollUp.filters.map { filter throws(ParallaxError) in
            guard !filter.values.isEmpty else {
                throw Self.refused(
                    version, "the filter of \"\(filter.group)\" has no values", hint: "name at least one, or leave the filter out")
            }
            return (try Self.group(filter.group, version), filter.values)
        }
        topOutput = try rollUp.top.map { top throws(ParallaxError) in try Self.output(top.output, version) }
        let chosen = try rollUp.outputs.map { names throws(ParallaxError) in
            Set(try names.map { name throws(ParallaxError) in try Self.output(name, version) })
        }
        outputs = plan.outputs.indices.filter { chosen?.contains($0) ?? true }
        try checkRange()
        try checkOutputs(isChosen: chosen != nil)
        try checkTop()
        if let compare = rollUp.compare { try check(compare) }
    }

    private mutating func parameter(_ value: Parameter) -> String {
        parameters.append(value)
        return "$\(parametersBefore + parameters.count)"
    }

    mutating func statement() -> RollUp.Statement {
        var statement = self
        let from = rollUp.from.map { statement.instant($0) }
        let until = rollUp.until.map { statement.instant($0) }
        let conditions = filters.map { statement.condition($0.group, $0.values) }
        self = statement
        let now = text(from: from, until: until, filters: conditions)
        let shown = outputs.filter { if case .never = now.presence(of: $0) { false } else { true } }
        var rows = "(\(select(now))) n"
        if rollUp.top?.scope == .bucket, let order = topOrder("q") {
            let partition = hasStart ? "PARTITION BY q.w " : ""
            rows = """
                (SELECT * FROM (SELECT q.*, row_number() OVER (\(partition)ORDER BY \(order)) AS place FROM (\(select(now))) q) p
                WHERE p.place <= \(rollUp.top?.count ?? 0)) n
                """
        } else if let top = rollUp.top, let order = topOrder("q") {
            let range = fit.map(now.ofRange) ?? now
            let keys = groups.map { "q.k\($0)" }.joined(separator: ", ")
            rows += """

                JOIN (SELECT \(keys) FROM (\(select(range))) q ORDER BY \(order) LIMIT \(top.count)) t ON \(KeyMatch.groups(plan, groups, "n.k", "t.k"))
                """
        }
        var list: [(sql: String, column: RollUp.Column)] = columns(now, shown, "n", isBefore: false)
        if let compare = rollUp.compare {
            let before = text(
                from: from.map { back($0, compare) }, until: until.map { back($0, compare) }, filters: conditions)
            let isSame = hasStart ? "o.w = \(startBefore("n.w", compare)) AND " : ""
            rows += "\nLEFT JOIN (\(select(before))) o ON \(isSame)\(KeyMatch.groups(plan, groups, "n.k", "o.k"))"
            list += columns(before, shown, "o", isBefore: true)
        }
        var taken: Set<String> = []
        for index in list.indices {
            // A view may have a column of such a name itself: one more sign tells them apart.
            while !taken.insert(list[index].column.name).inserted { list[index].column.name += "_" }
        }
        let names = list.map { "\($0.sql) AS \(Connection.quoteIdentifier($0.column.name))" }
        return RollUp.Statement(
            text: "SELECT \(names.joined(separator: ", "))\nFROM \(rows)", parameters: parameters, columns: list.map(\.column),
            key: key(list.map(\.column)))
    }

    private func key(_ columns: [RollUp.Column]) -> [String]? {
        var names: [String] = []
        if hasStart {
            guard let start = columns.first(where: { $0.role == .window }) ?? columns.first(where: { $0.role == .windowEnd }) else {
                return nil
            }
            names.append(start.name)
        }
        for group in groups {
            let shown = columns.first { column in plan.outputs.contains { $0.value == .group(group) && $0.name == column.output } }
            guard let shown else { return nil }
            names.append(shown.name)
        }
        return names
    }

    private mutating func instant(_ instant: Instant) -> String { InstantSQL.instant(parameter(.int(instant.rawValue))) }

    /// Over the group's key in a row of that name.
    private mutating func condition(_ group: Int, _ values: [String?]) -> Condition {
        let type = plan.groups[group].expression.type
        // Without a length or a scale, to which a cast would cut a value.
        let name =
            switch type {
            case .text, .varchar: "text"
            case .char: "bpchar"
            case .numeric, .decimal: "numeric"
            default: type.sqlName
            }
        let some = values.compactMap { $0 }
        var comparisons: [String] = []
        if case .array = type {
            for value in some { comparisons.append("= \(parameter(.text(value)))::\(name)") }
        } else if !some.isEmpty {
            comparisons.append("= ANY (\(parameter(.texts(some)))::text[]::\(name)[])")
        }
        if some.count < values.count { comparisons.append("IS NULL") }
        return { [comparisons] row in "(\(comparisons.map { "\(row).g\(group) \($0)" }.joined(separator: " OR ")))" }
    }

    typealias Condition = (String) -> String

    func text(from: String?, until: String?, filters: [Condition]) -> RollUpText {
        let wanted = Set(outputs + [topOutput].compactMap { $0 })
        var text = RollUpText(
            base: base, windows: windows, from: from, until: until,
            groups: plan.groups.indices.map { groups.contains($0) ? .always : .never },
            outputs: plan.outputs.indices.map { wanted.contains($0) ? .always : .never })
        text.filters = { alias in filters.map { $0(alias) } }
        if let fit, fit.kind.sessionGap == nil {
            switch bucket {
            case .none, .sessions, .windows: break
            case .range, .length, .calendar: text.isCounted = { fit.isCounted($0) ?? "true" }
            }
        }
        return text
    }

    private var windows: RollUpText.Windows {
        guard let fit else { return .none }
        switch bucket {
        case .none: return .none
        case .sessions: return .sessions
        case .range: return .range
        case .windows: return .buckets(start: { $0 }, end: { WindowSQL.end(fit.kind, start: $0) }, areShown: .always)
        case .length(let length):
            let origin = fit.steps?.origin ?? 0
            return .buckets(
                start: { WindowSQL.bin($0, length: "\(length)", origin: origin) }, end: { "\($0) + \(WindowSQL.length(length))" },
                areShown: .always)
        case .calendar(let unit, let zone):
            let (word, name) = (Connection.quoteLiteral(unit.rawValue), Connection.quoteLiteral(zone))
            return .buckets(
                start: { fit.calendarStart($0, unit: word, zone: name) },
                end: { WindowSQL.end(.calendar(unit: unit, zone: zone), start: $0) }, areShown: .always)
        }
    }

    private var hasStart: Bool {
        switch bucket {
        case .none, .range: false
        case .sessions, .windows, .length, .calendar: true
        }
    }

    private func select(_ text: RollUpText) -> String {
        var list: [String] = []
        if case .buckets = text.windows { list.append("m.window_start AS w") }
        list += groups.map { "m.g\($0) AS k\($0)" }
        for output in plan.outputs.indices {
            if case .never = text.presence(of: output) { continue }
            list.append("\(text.value(of: output)) AS c\(output)")
            if let error = text.error(of: output) { list.append("\(error) AS e\(output)") }
        }
        list += ["\(text.isExact) AS is_exact", "\(text.isClosed) AS is_closed"]
        return "SELECT \(list.joined(separator: ",\n       "))\n\(text.source)"
    }

    private func topOrder(_ row: String) -> String? {
        guard let top = rollUp.top, let topOutput else { return nil }
        return (["\(row).c\(topOutput) \(top.isAscending ? "ASC" : "DESC") NULLS LAST"] + groups.map { "\(row).k\($0)" }).joined(
            separator: ", ")
    }

    private func columns(
        _ text: RollUpText, _ shown: [Int], _ row: String, isBefore: Bool
    ) -> [(sql: String, column: RollUp.Column)] {
        func column(
            _ sql: String, _ name: String, _ role: RollUp.Column.Role, _ type: String, of output: String? = nil, isApproximate: Bool = false
        ) -> (sql: String, column: RollUp.Column) {
            (
                "\(row).\(sql)",
                .init(
                    name: isBefore ? name + "_before" : name, role: role, sqlType: type, isBefore: isBefore, isApproximate: isApproximate,
                    output: output)
            )
        }
        var list: [(sql: String, column: RollUp.Column)] = []
        var errors: [(sql: String, column: RollUp.Column)] = []
        for index in shown {
            let output = plan.outputs[index]
            let role: RollUp.Column.Role
            switch output.value {
            case .window: role = .window
            case .windowEnd: role = .windowEnd
            case .group: role = .group
            case .measure: role = .measure
            case .finished: role = .expression
            }
            if isBefore, role == .window || role == .windowEnd || role == .group { continue }
            let estimate = text.estimate(of: index)
            list.append(
                column("c\(index)", output.name, role, plan.sqlType(of: output), of: output.name, isApproximate: estimate != nil))
            if let estimate {
                errors.append(
                    column(
                        "e\(index)", output.name + "_error", .error(of: output.name, estimate.bound), "double precision", of: output.name))
            }
        }
        return list + [column("is_exact", "is_exact", .isExact, "boolean")]
            + (isBefore ? [] : [column("is_closed", "is_closed", .isClosed, "boolean")]) + errors
    }

    // The period before.

    private var zone: (unit: Plan.Window.CalendarUnit, name: String)? {
        if case .calendar(let unit, let zone) = bucket { return (unit, zone) }
        if case .calendar(let unit, let zone)? = plan.window?.kind { return (unit, zone) }
        return nil
    }

    private func interval(_ compare: CalendarInterval) -> String {
        zone == nil
            ? WindowSQL.length(Int64(compare.span)) : "make_interval(months => \(compare.months), days => \(compare.days))"
    }

    private func back(_ instant: String, _ compare: CalendarInterval) -> String {
        guard let zone else { return "(\(instant) - \(interval(compare)))" }
        let name = Connection.quoteLiteral(zone.name)
        return "((\(instant) AT TIME ZONE \(name) - \(interval(compare))) AT TIME ZONE \(name))"
    }

    /// Of a bucket that one. The clocks may pass over the hour at which it would begin: it begins when they have. Told from the later bucket, of which each has
    /// one before: where the clocks pass over a day, two have the same one after them.
    private func startBefore(_ start: String, _ compare: CalendarInterval) -> String {
        guard let zone else { return back(start, compare) }
        return "date_trunc('\(zone.unit.rawValue)', \(back(start, compare)), \(Connection.quoteLiteral(zone.name)))"
    }
}
