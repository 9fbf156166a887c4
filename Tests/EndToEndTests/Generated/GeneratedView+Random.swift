import Postgres
import TestSupport

/// A random view over a schema.
struct GeneratedViews {
    typealias Kind = GeneratedSchema.Kind

    let schema: GeneratedSchema
    private var expressions: GeneratedExpressions

    init(_ schema: GeneratedSchema, random: SeededGenerator) {
        self.schema = schema
        expressions = GeneratedExpressions(schema, random: random)
    }

    private mutating func below(_ count: Int) -> Int { expressions.below(count) }
    private mutating func pick<T>(_ choices: [T]) -> T { expressions.pick(choices) }
    private mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    mutating func view(_ name: String) -> GeneratedView {
        let plain = expressions
        defer {
            let random = expressions.random
            expressions = plain
            expressions.random = random
        }
        var join: String?
        if let table = schema.table, oneIn(2) {
            join = table.join(Connection.quoteIdentifier(schema.source), isLeft: oneIn(2))
            expressions.join(GeneratedSchema.Table.columns)
        }
        if oneIn(8) { return latest(name, join) }
        var view = GeneratedView(name: name, join: join)
        if oneIn(2) { view.filter = expressions.condition(below(3)) }
        if !oneIn(4) { addWindow(&view) }
        for index in 0..<pick([0, 1, 1, 1, 2, 2, 3]) {
            let kind = pick(Kind.allCases)
            let sql = expressions.expression(kind, pick([0, 0, 1, 2, 3]))
            view.groups.append(.init(name: "k\(index)", sql: sql, hasVaryingScale: kind == .numeric, isInterval: kind == .interval))
        }
        for index in 0..<(1 + below(5)) { view.measures.append(measure("m\(index)")) }
        if oneIn(3) { view.expressions.append(overMeasures("x0")) }
        if oneIn(5) { view.having = pick(["count(*) > 1", "count(*) % 2 = 1", "NOT count(*) BETWEEN 2 AND 3"]) }
        if oneIn(8) { view.options = pick(["distinct_error = 0.02", "percentile_compression = 100"]) }
        return view
    }

    /// A table of the newest event of each key.
    private mutating func latest(_ name: String, _ join: String?) -> GeneratedView {
        var view = GeneratedView(name: name, isLatest: true, join: join)
        if oneIn(2) { view.filter = expressions.condition(below(3)) }
        for index in 0..<(1 + below(2)) {
            let kind = pick(Kind.allCases)
            view.groups.append(
                .init(name: "k\(index)", sql: expressions.expression(kind, pick([0, 0, 1])), hasVaryingScale: kind == .numeric))
        }
        if oneIn(6) { view.groups.append(.init(name: "k9", sql: schema.time.quoted)) }
        for index in 0..<(1 + below(4)) {
            let sql = expressions.expression(pick(Kind.allCases), pick([0, 0, 1, 2]))
            view.measures.append(.init(item: .init(name: "m\(index)", sql: sql), arguments: [sql]))
        }
        return view
    }

    private mutating func addWindow(_ view: inout GeneratedView) {
        let time = schema.time.quoted
        let sizes = ["1 second", "10 seconds", "1 minute", "90 seconds", "15 minutes", "1 hour", "1 day", "7 days"]
        let size = pick(sizes)
        switch below(10) {
        case 8, 9:
            let gap = pick(["1 microsecond", "2 seconds", "30 seconds", "10 minutes", "1 hour", "8784 hours"])
            view.sessionGap = gap
            view.window = .init(name: "w", sql: "session(\(time), '\(gap)')", oracle: "min(\(time))")
            if !oneIn(3) {
                view.windowEnd = .init(name: "e", sql: pick(["w_end", "window_end"]), oracle: "max(\(time)) + interval '\(gap)'")
            }
            return
        case 0, 1:
            view.window = .init(name: "w", sql: "tumble(\(time), '\(size)')")
        case 2:
            let origin = pick(["2024-01-01 00:00:07+00", "1969-07-20 20:17:40+00"])
            view.window = .init(name: "w", sql: "tumble(\(time), '\(size)', '\(origin)')")
        case 3, 4:
            // At most as many windows an event as keeps a case small.
            let (slide, size) = pick([
                ("1 minute", "5 minutes"), ("10 seconds", "25 seconds"), ("1 hour", "1 day"), ("2 minutes", "30 seconds"),
            ])
            view.window = .init(name: "w", sql: "hop(\(time), '\(slide)', '\(size)')")
            if oneIn(2) {
                view.windowEnd = .init(name: "e", sql: "w_end", oracle: "hop(\(time), '\(slide)', '\(size)') + interval '\(size)'")
            }
            return
        case 5:
            view.window = .init(name: "w", sql: "date_bin('\(size)', \(time), '2001-01-01 00:00:00+00')")
        default:
            let unit = pick(["minute", "hour", "day", "week", "month", "quarter", "year"])
            let isCalendar = !["minute", "hour"].contains(unit)
            let zone = isCalendar && !oneIn(4) ? ", '\(pick(GeneratedExpressions.zones))'" : ""
            view.window = .init(name: "w", sql: "date_trunc('\(unit)', \(time)\(zone))")
            return
        }
        // Days of 24 hours, whatever the session's zone says.
        if oneIn(2) {
            let hours = size.replacing("1 day", with: "24 hours").replacing("7 days", with: "168 hours")
            view.windowEnd = .init(
                name: "e", sql: pick(["w_end", "window_end"]), oracle: "\(view.window?.sql ?? "") + interval '\(hours)'")
        }
    }

    private static let anyKinds = Kind.allCases
    private static let numbers: [Kind] = [.int4, .int8, .numeric, .float8]

    private mutating func measure(_ name: String) -> GeneratedView.Measure {
        let filter = oneIn(3) ? expressions.condition(below(2)) : nil
        let suffix = filter.map { " FILTER (WHERE \($0))" } ?? ""
        func measure(
            _ sql: String, _ arguments: [String], oracle: String? = nil, varies: Bool = false, bounds: GeneratedView.Bounds? = nil
        ) -> GeneratedView.Measure {
            .init(
                item: .init(name: name, sql: sql + suffix, oracle: oracle.map { $0 + suffix }, hasVaryingScale: varies),
                arguments: arguments, filter: filter, bounds: bounds)
        }
        let depth = pick([0, 0, 0, 1, 2])
        switch below(14) {
        case 0: return measure("count(*)", filter.map { [$0] } ?? [])
        case 1:
            let x = expressions.expression(pick(Self.anyKinds), depth)
            return measure("count(\(x))", [x])
        case 2, 3, 4:
            let x = summable(depth)
            return measure("\(pick(["sum", "sum", "avg"]))(\(x))", [x])
        case 5, 6:
            let kinds: [Kind] = [.int4, .int8, .numeric, .float8, .text, .timestamptz, .timestamp, .date, .time, .interval]
            let kind = pick(kinds)
            let x = expressions.expression(kind, depth)
            var extremum = measure("\(pick(["min", "max"]))(\(x))", [x], varies: kind == .numeric || kind == .float8)
            extremum.item.isInterval = kind == .interval
            return extremum
        case 7:
            if oneIn(2) {
                let x = expressions.expression(pick([.int4, .int8]), depth)
                return measure("\(pick(["bit_and", "bit_or", "bit_xor"]))(\(x))", [x])
            }
            let x = expressions.expression(.bool, depth)
            return measure("\(pick(["bool_and", "bool_or", "every"]))(\(x))", [x])
        case 8:
            let x = exactNumber()
            return measure("\(pick(["stddev", "stddev_pop", "variance", "var_pop", "stddev_samp", "var_samp"]))(\(x))", [x])
        case 9:
            let x = expressions.expression(pick(Self.anyKinds.filter { $0 != .float8 }), depth)
            let exact = "count(DISTINCT \(x))\(suffix)"
            return measure(
                "count(DISTINCT \(x))", [x],
                bounds: .init(low: "floor(\(exact) * 0.93) - 1", high: "ceil(\(exact) * 1.07) + 1"))
        case 10:
            let x = exactNumber()
            return measure("\(pick(["sum", "avg"]))(DISTINCT \(x))", [x], varies: true)
        case 11: return percentile(name, filter, suffix)
        default:
            let x = expressions.expression(pick(Self.anyKinds), depth)
            let order = schema.time.quoted
            let isLast = oneIn(2)
            let direction = isLast ? " DESC" : ""
            var first = measure("\(isLast ? "last" : "first")(\(x), \(order))", [x])
            first.item.oracle =
                "(array_agg(\(x) ORDER BY \(order)\(direction), __partition\(direction), __offset\(direction))\(suffix))[1]"
            return first
        }
    }

    /// What sums to the same in any order: PostgreSQL's own sum of doubles rounds at every row.
    private mutating func summable(_ depth: Int) -> String {
        let tame = schema.columns.filter { $0.kind == .float8 && $0.isTame }
        if !tame.isEmpty, oneIn(4) { return pick(tame).quoted }
        return expressions.expression(pick([.int4, .int8, .numeric, .interval]), depth)
    }

    /// Without an expression: variance multiplies, and the digits end at 38.
    private mutating func exactNumber() -> String {
        let columns = schema.columns.filter {
            [.int4, .int8].contains($0.kind) || $0.kind == .numeric && !["numeric(25,10)", "numeric"].contains($0.type)
        }
        return columns.isEmpty ? "length(\(expressions.leaf(.text)))" : pick(columns).quoted
    }

    private mutating func percentile(_ name: String, _ filter: String?, _ suffix: String) -> GeneratedView.Measure {
        let isDiscrete = oneIn(2)
        let spans = schema.columns.filter { $0.kind == .interval && $0.isTame }
        let x = !spans.isEmpty && oneIn(2) ? pick(spans).quoted : exactNumber()
        let fractions = oneIn(3) ? [0.0, 0.25, 0.5, 0.99] : [pick([0.5, 0.9, 0.95, 0, 1])]
        let isArray = fractions.count > 1
        func call(_ function: String, _ fractions: [Double]) -> String {
            let list = fractions.map { "\($0)" }.joined(separator: ", ")
            return "\(function)(\(isArray ? "ARRAY[\(list)]" : list)) WITHIN GROUP (ORDER BY \(x))\(suffix)"
        }
        // The values one rank further than the percentile lies, and a twentieth of all for the digest's error; and from there the next other value, since
        // a digest shows what lies between two values where many are equal.
        let known = filter.map { "\(x) IS NOT NULL AND (\($0))" } ?? "\(x) IS NOT NULL"
        func bound(_ fraction: Double, _ isLow: Bool) -> String {
            let count = "count(*) FILTER (WHERE \(known))"
            let place = "1 + \(fraction) * (\(count) - 1)"
            let index =
                isLow
                ? "greatest(1, floor(\(place)) - 1 - ceil(0.05 * \(count)))" : "least(\(count), ceil(\(place)) + 1 + ceil(0.05 * \(count)))"
            let value = "(array_agg(\(x) ORDER BY \(x)) FILTER (WHERE \(known)))[(\(index))::int]"
            let others = "array_agg(DISTINCT \(x) ORDER BY \(x)) FILTER (WHERE \(known))"
            let at = "array_position(\(others), \(value))"
            return "(\(others))[\(isLow ? "greatest(1, \(at) - 1)" : "least(array_length(\(others), 1), \(at) + 1)")]"
        }
        func bounds(_ isLow: Bool) -> String {
            let bounds = fractions.map { bound($0, isLow) }
            return isArray ? "ARRAY[\(bounds.joined(separator: ", "))]" : bounds[0]
        }
        return .init(
            item: .init(name: name, sql: call(isDiscrete ? "percentile_disc" : "percentile_cont", fractions), hasVaryingScale: true),
            arguments: [x],
            filter: filter, bounds: .init(low: bounds(true), high: bounds(false)))
    }

    private mutating func overMeasures(_ name: String) -> GeneratedView.Item {
        let x = exactNumber()
        let sql = pick([
            "sum(\(x)) / nullif(count(*), 0)", "count(*) * 1.0 / 7", "round(avg(\(x)), 2)",
            "coalesce(max(\(x)), 0)::numeric - coalesce(min(\(x)), 0)",
            "CASE WHEN count(\(x)) > 2 THEN 'many' ELSE 'few' END", "count(*) || ' rows'", "count(\(x)) = count(*)",
        ])
        return .init(name: name, sql: sql, hasVaryingScale: true)
    }
}
