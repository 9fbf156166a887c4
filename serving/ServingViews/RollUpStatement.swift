import Catalog
import Columns
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// The statement of one `RollUp`: what was asked for is checked, then written.
///
/// Inside, columns have generated names: `w` (the bucket's start), `k0`… (groups), `c0`… (outputs), `e0`… (errors), `is_exact`, `is_closed`. Names that a user
/// gave stand in the outermost list alone.
struct RollUpStatement {
    let rollUp: RollUp
    let version: ViewVersion
    private let base: MergedViewSQL
    private let bucket: EffectiveBucket
    /// Which groups stay, and which outputs are shown.
    private let groups: [Int]
    private let outputs: [Int]
    private let filters: [(group: Int, values: [String?])]
    private let topOutput: Int?
    private var parameters: [Parameter] = []
    private let parametersBefore: Int

    private var plan: Plan { version.plan }

    /// What a bucket is over this view.
    private enum EffectiveBucket {
        case none, sessions, windows, range
        case length(Int64)
        case calendar(Plan.Window.CalendarUnit, zone: String)
    }

    // What does not fit is refused.

    init(_ rollUp: RollUp, _ version: ViewVersion, parametersBefore: Int) throws(ParallaxError) {
        self.rollUp = rollUp
        self.version = version
        self.parametersBefore = parametersBefore
        base = MergedViewSQL(version)
        let plan = version.plan
        bucket = try Self.bucket(rollUp, version)
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

    private static func refused(_ version: ViewVersion, _ message: String, hint: String) -> ParallaxError {
        ParallaxError(.input, "view \"\(version.viewName)\": \(message)", hint: hint)
    }
    private func refused(_ message: String, hint: String) -> ParallaxError { Self.refused(version, message, hint: hint) }

    private static func bucket(_ rollUp: RollUp, _ version: ViewVersion) throws(ParallaxError) -> EffectiveBucket {
        guard let kind = version.plan.window?.kind else {
            guard rollUp.bucket == .window || rollUp.bucket == .range else {
                throw refused(version, "it has no windows that a bucket could hold", hint: "leave the bucket out")
            }
            return .none
        }
        let fit = BucketFit(view: version.viewName, kind: kind)
        func fits(_ refusal: BucketFit.Refusal?) throws(ParallaxError) {
            if let refusal { throw refused(version, refusal.message, hint: refusal.hint) }
        }
        switch rollUp.bucket {
        case .window: return kind.sessionGap == nil ? .windows : .sessions
        case .range:
            try fits(fit.never)
            return .range
        case .length(let length):
            if let zone = fit.zoneOfWindows, let unit = unit(ofLength: length) {
                try fits(fit.refusal(of: unit, zone: zone))
                return .calendar(unit, zone: zone)
            }
            try fits(fit.refusal(ofLength: length))
            return .length(length)
        case .calendar(let unit, let named):
            let zone = named ?? fit.zoneOfWindows ?? "UTC"
            try fits(fit.refusal(of: unit, zone: zone))
            return .calendar(unit, zone: zone)
        }
    }

    private static func unit(ofLength length: Int64) -> Plan.Window.CalendarUnit? {
        switch length {
        case CalendarInterval.microsecondsPerDay: .day
        case 7 * CalendarInterval.microsecondsPerDay: .week
        default: nil
        }
    }

    /// By the name of its column in the view, or in GROUP BY where the view does not show it.
    private static func group(_ name: String, _ version: ViewVersion) throws(ParallaxError) -> Int {
        for output in version.plan.outputs where output.name == name { if case .group(let index) = output.value { return index } }
        if let index = version.plan.groups.firstIndex(where: { $0.name == name }) { return index }
        let names = groupNames(version.plan)
        throw refused(
            version, "\"\(name)\" is none of its group columns",
            hint: names.isEmpty ? "it has none" : "they are: \(names.joined(separator: ", "))")
    }

    static func groupNames(_ plan: Plan) -> [String] {
        plan.groups.indices.map { index in plan.outputs.first { $0.value == .group(index) }?.name ?? plan.groups[index].name }
    }

    private static func output(_ name: String, _ version: ViewVersion) throws(ParallaxError) -> Int {
        if let index = version.plan.outputs.firstIndex(where: { $0.name == name }) { return index }
        throw refused(
            version, "it has no column \"\(name)\"", hint: "its columns are: \(version.plan.outputs.map(\.name).joined(separator: ", "))")
    }

    private func checkRange() throws(ParallaxError) {
        if case .none = bucket, rollUp.from != nil || rollUp.until != nil {
            throw refused("it has no windows, so a range means nothing", hint: "leave from and until out")
        }
        if let from = rollUp.from, let until = rollUp.until, from >= until {
            throw refused("the range ends before it begins", hint: "it is half-open: windows that start at from or later, and before until")
        }
    }

    private func checkOutputs(isChosen: Bool) throws(ParallaxError) {
        let text = text(from: nil, until: nil, filters: [])
        if text.havingIsLost {
            throw refused("its HAVING reads a group or a window that is left out", hint: "keep the group, or take a bucket")
        }
        guard isChosen || topOutput != nil else { return }
        for output in (isChosen ? outputs : []) + [topOutput].compactMap({ $0 }) {
            if case .never = text.presence(of: output) {
                throw refused(
                    "\"\(plan.outputs[output].name)\" is of a group or a window that is left out",
                    hint: "leave the column out, too; or keep the group, or take a bucket")
            }
        }
    }

    private func checkTop() throws(ParallaxError) {
        guard let top = rollUp.top, let topOutput else { return }
        guard top.count > 0 else { throw refused("a top of \(top.count) groups is none", hint: "ask for at least one") }
        guard !groups.isEmpty else { throw refused("a top needs groups to choose from", hint: "keep a group column") }
        if case .sessions = bucket {
            throw refused(
                "the sessions of one group have nothing in common with those of another", hint: "order the rows themselves, with a limit")
        }
        if top.scope == .range, let kind = plan.window?.kind, let never = BucketFit(view: version.viewName, kind: kind).never {
            throw refused(never.message, hint: "choose the top of each window")
        }
        switch plan.outputs[topOutput].value {
        case .measure, .finished: break
        case .window, .windowEnd, .group:
            throw refused("\"\(top.output)\" is no measure to choose the top by", hint: "name a measure, or an expression over measures")
        }
    }

    private func check(_ compare: CalendarInterval) throws(ParallaxError) {
        let length = Int64(exactly: compare.span) ?? .max
        func needs(_ isRight: Bool, _ words: String) throws(ParallaxError) {
            guard isRight, compare.months >= 0, compare.days >= 0, compare.microseconds >= 0, length > 0 else {
                throw refused(
                    "what is compared would not begin where its windows do: compare has to be \(words)",
                    hint: "it is how long before, and positive")
            }
        }
        func steps(_ step: Int64) throws(ParallaxError) {
            try needs(compare.months == 0 && length % step == 0, "a multiple of \(step / 1_000_000) seconds, without months")
        }
        func units(_ unit: Plan.Window.CalendarUnit) throws(ParallaxError) {
            let (months, days) = (compare.months, compare.days)
            switch unit {
            case .day: try needs(months == 0 && compare.microseconds == 0, "whole days")
            case .week: try needs(months == 0 && days % 7 == 0 && compare.microseconds == 0, "whole weeks")
            case .month: try needs(days == 0 && compare.microseconds == 0, "whole months")
            case .quarter: try needs(days == 0 && months % 3 == 0 && compare.microseconds == 0, "whole quarters")
            case .year: try needs(days == 0 && months % 12 == 0 && compare.microseconds == 0, "whole years")
            }
        }
        if case .range = bucket, rollUp.from == nil || rollUp.until == nil {
            throw refused("a period before the whole range needs a range", hint: "give from and until")
        }
        switch (bucket, plan.window?.kind) {
        case (.none, _), (.sessions, _):
            throw refused("only windows that stand still have a period before them", hint: "leave compare out")
        case (.length(let step), _): try steps(step)
        case (.calendar(let unit, _), _): try units(unit)
        case (_, .calendar(let unit, _)): try units(unit)
        case (_, .tumbling(let step, _)), (.windows, .hopping(let step, _, _)): try steps(step)
        case (_, let kind):
            let steps = kind.flatMap { BucketFit(view: version.viewName, kind: $0).steps }
            try needs(compare.months == 0 && steps.map { length % $0.step == 0 } ?? false, "a multiple of its windows")
        }
    }

    // What fits is written.

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
            var range = now
            if plan.window != nil { range.windows = .range }
            if let kind = plan.window?.kind {
                let fit = BucketFit(view: version.viewName, kind: kind)
                range.isCounted = { fit.isCounted($0) ?? "true" }
            }
            let keys = groups.map { "q.k\($0)" }.joined(separator: ", ")
            rows += """

                JOIN (SELECT \(keys) FROM (\(select(range))) q ORDER BY \(order) LIMIT \(top.count)) t ON \(KeyMatch.groups(plan, groups, "n.k", "t.k"))
                """
        }
        var list: [(sql: String, column: RollUp.Column)] = columns(now, shown, "n", isBefore: false)
        if let compare = rollUp.compare {
            let before = text(
                from: from.map { back($0, compare) }, until: until.map { back($0, compare) }, filters: conditions)
            let isSame = hasStart ? "\(forward("o.w", compare)) = n.w AND " : ""
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
            text: "SELECT \(names.joined(separator: ", "))\nFROM \(rows)", parameters: parameters, columns: list.map(\.column))
    }

    private mutating func instant(_ instant: Instant) -> String { InstantSQL.instant(parameter(.int(instant.rawValue))) }

    /// Over the group's key in a row of that name.
    private mutating func condition(_ group: Int, _ values: [String?]) -> Condition {
        let type = plan.groups[group].expression.type
        let some = values.compactMap { $0 }
        var comparisons: [String] = []
        if case .array = type {
            for value in some { comparisons.append("= \(parameter(.text(value)))::\(type.comparedSQLName)") }
        } else if !some.isEmpty {
            comparisons.append("= ANY (\(parameter(.texts(some)))::text[]::\(type.comparedSQLName)[])")
        }
        if some.count < values.count { comparisons.append("IS NULL") }
        return { [comparisons] row in "(\(comparisons.map { "\(row).g\(group) \($0)" }.joined(separator: " OR ")))" }
    }

    private typealias Condition = (String) -> String

    private func text(from: String?, until: String?, filters: [Condition]) -> RollUpText {
        let wanted = Set(outputs + [topOutput].compactMap { $0 })
        var text = RollUpText(
            base: base, windows: windows, from: from, until: until,
            groups: plan.groups.indices.map { groups.contains($0) ? .always : .never },
            outputs: plan.outputs.indices.map { wanted.contains($0) ? .always : .never })
        text.filters = { alias in filters.map { $0(alias) } }
        if let kind = plan.window?.kind, kind.sessionGap == nil {
            let fit = BucketFit(view: version.viewName, kind: kind)
            switch bucket {
            case .none, .sessions, .windows: break
            case .range, .length, .calendar: text.isCounted = { fit.isCounted($0) ?? "true" }
            }
        }
        return text
    }

    private var windows: RollUpText.Windows {
        guard let kind = plan.window?.kind else { return .none }
        let fit = BucketFit(view: version.viewName, kind: kind)
        switch bucket {
        case .none: return .none
        case .sessions: return .sessions
        case .range: return .range
        case .windows: return .buckets(start: { $0 }, end: { WindowSQL.end(kind, start: $0) }, areShown: .always)
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
        func column(_ sql: String, _ name: String, _ role: RollUp.Column.Role, _ type: String, isApproximate: Bool = false)
            -> (sql: String, column: RollUp.Column)
        {
            (
                "\(row).\(sql)",
                .init(name: isBefore ? name + "_before" : name, role: role, sqlType: type, isBefore: isBefore, isApproximate: isApproximate)
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
            list.append(column("c\(index)", output.name, role, plan.sqlType(of: output), isApproximate: estimate != nil))
            if let estimate {
                errors.append(column("e\(index)", output.name + "_error", .error(of: output.name, estimate.bound), "double precision"))
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

    /// The clocks may pass over the hour at which a bucket would begin: it begins when they have.
    private func forward(_ start: String, _ compare: CalendarInterval) -> String {
        guard let zone else { return "\(start) + \(interval(compare))" }
        let name = Connection.quoteLiteral(zone.name)
        return "date_trunc('\(zone.unit.rawValue)', (\(start) AT TIME ZONE \(name) + \(interval(compare))) AT TIME ZONE \(name), \(name))"
    }
}

extension ScalarType {
    /// What a group's key is compared as: without a length or a scale, to which a cast would cut a value.
    fileprivate var comparedSQLName: String {
        switch self {
        case .text, .varchar: "text"
        case .char: "bpchar"
        case .numeric, .decimal: "numeric"
        default: sqlName
        }
    }
}
