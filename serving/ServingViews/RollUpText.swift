import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// The SQL of a roll-up: for a program that knows what it asks for (`RollUp`), and for a function that learns it from its arguments (`RollUpFunction`).
///
///     roll-up(bucket, groups) = finished(⊕ states of the published run and of the slices at or above its cut, of all windows in the bucket and the range)
///
/// It is one statement over the snapshot that the merged view would see, and asks what that asks: whether the version is served, what retention took, what is
/// late, what waits, what was given up (I1, I2, I7).
struct RollUpText {
    /// Whether something is in the answer.
    enum Presence {
        case always, never
        /// SQL without a row.
        case when(String)

        var condition: String {
            switch self {
            case .always: "true"
            case .never: "false"
            case .when(let condition): condition
            }
        }
    }

    enum Windows {
        case none
        /// They stay as they are, but that fewer groups join more of them.
        case sessions
        /// SQL of a bucket's start over that of a window, and of its end over its own start, which are null where all windows are one bucket.
        case buckets(start: (String) -> String, end: (String) -> String, areShown: Presence)
        /// All windows are one bucket.
        case range
    }

    let base: MergedViewSQL
    var windows: Windows
    /// SQL of instants; nil: no bound.
    var from: String?
    var until: String?
    /// Over a window's start: the window counts. Nil: all do.
    var isCounted: ((String) -> String)?
    /// Over a batch row or a speed row.
    var filters: (_ alias: String) -> [String] = { _ in [] }
    var groups: [Presence]
    /// Of the plan's outputs.
    var outputs: [Presence]
    /// Asked once a statement, after whether the version is served.
    var checks: [String] = []

    private var plan: Plan { base.version.plan }
    private var kind: Plan.Window.Kind? { plan.window?.kind }

    /// The same of all windows as one bucket.
    func ofRange(_ fit: BucketFit) -> RollUpText {
        var text = self
        text.windows = .range
        text.isCounted = { fit.isCounted($0) ?? "true" }
        return text
    }

    // What the answer's columns are, over the row `m` of `source`.

    func presence(of output: Int) -> Presence {
        var conditions: [String] = []
        for part in [outputs[output]] + parts(of: output).compactMap(presence) {
            switch part {
            case .always: break
            case .never: return .never
            case .when(let condition): if !conditions.contains(condition) { conditions.append(condition) }
            }
        }
        return conditions.isEmpty ? .always : .when(conditions.joined(separator: " AND "))
    }

    func value(of output: Int) -> String {
        let value = OutputSQL(plan, row(plan.outputs[output].name)).value(plan.outputs[output].value)
        guard case .when(let condition) = presence(of: output) else { return value }
        return "CASE WHEN \(condition) THEN \(value) END"
    }

    /// How far the output may be off; nil where it is exact in any case, or is no measure by itself.
    func estimate(of output: Int) -> RollUpEstimate? {
        guard case .measure(let index) = plan.outputs[output].value else { return nil }
        return plan.law(index).estimate(over: "m")
    }

    func error(of output: Int) -> String? {
        guard let estimate = estimate(of: output) else { return nil }
        let error = "(CASE WHEN \(estimate.isExact) THEN 0 ELSE \(estimate.error) END)::double precision"
        guard case .when(let condition) = presence(of: output) else { return error }
        return "CASE WHEN \(condition) THEN \(error) END"
    }

    var isExact: String {
        var conditions: [String] = estimates
        switch windows {
        case .none: conditions += [base.nothingIsLate, base.isWhole("m")]
        case .sessions:
            if let gap = kind?.sessionGap { conditions += [base.hasNothingLate("m", gap: gap), base.isWhole("m")] }
        case .buckets, .range:
            let first = "coalesce(greatest(m.window_start, \(from ?? "NULL")), '-infinity'::timestamptz)"
            conditions += [
                "coalesce(l.late, 0) = 0",
                base.isWhole(from: first, until: "coalesce(\(end), 'infinity'::timestamptz)"),
            ]
            // What retention took from a bucket is in no row of it.
            if let stays = base.stays(first) { conditions.append("(\(first) = '-infinity' OR \(stays))") }
        }
        return conditions.joined(separator: " AND ")
    }

    var isClosed: String {
        switch windows {
        case .none: "false"
        case .sessions: "coalesce(m.window_end <= \(base.watermark), false)"
        case .buckets, .range: "coalesce(\(end) <= \(base.watermark), false)"
        }
    }

    /// Of the bucket, as far as the range reaches.
    private var end: String {
        guard let until, let kind else { return "m.window_end" }
        let last = "(\(until) - interval '1 microsecond')"
        let start: String
        switch kind {
        case .tumbling(let step, let origin), .hopping(let step, _, let origin):
            start = WindowSQL.bin(last, length: "\(step)", origin: origin)
        case .calendar, .session: start = last
        }
        return "least(m.window_end, \(WindowSQL.end(kind, start: start)))"
    }

    // Where the rows come from.

    /// FROM and WHERE.
    var source: String {
        var conditions = [base.isServed] + checks
        if case .sessions = windows { conditions += range("m.window_start") }
        if let having { conditions.append(having) }
        return """
            FROM (SELECT v.*\(bounds) FROM (\(states)) v) m\(late)
            WHERE \(conditions.joined(separator: "\n  AND "))
            """
    }

    private var bounds: String {
        switch windows {
        case .none: ""
        case .sessions: ", \(kind.map { WindowSQL.end($0, of: "v") } ?? "NULL") AS window_end"
        case .buckets(_, let end, _): ", \(end("v.window_start")) AS window_end"
        case .range: ", NULL::timestamptz AS window_start, NULL::timestamptz AS window_end"
        }
    }

    private var states: String {
        var keys: [RollUpSQL.Key] = []
        if case .buckets(let start, _, _) = windows { keys.append(.init(name: "window_start") { start("\($0).window_start") }) }
        for (index, presence) in groups.enumerated() {
            switch presence {
            case .always: keys.append(.init(name: "g\(index)") { "\($0).g\(index)" })
            case .never: break
            case .when(let condition): keys.append(.init(name: "g\(index)") { "CASE WHEN \(condition) THEN \($0).g\(index) END" })
            }
        }
        func rows(_ alias: String) -> String {
            let start = "\(alias).window_start"
            var conditions = filters(alias)
            switch windows {
            case .none, .sessions: break
            case .buckets, .range:
                conditions += range(start) + [isCounted?(start)].compactMap { $0 }
                if alias == "s", let stays = base.stays(start) { conditions.append(stays) }
            }
            return conditions.map { " AND \($0)" }.joined()
        }
        let tables = base.tables
        return RollUpSQL.states(
            tables, keys: keys, measures: measures,
            fromBatch: "\(tables.batchTable) b\nWHERE b.from_run <= \(base.run) AND b.until_run > \(base.run)\(rows("b"))",
            fromSpeed: "\(tables.speedTable) s WHERE \(base.slices)\(rows("s"))")
    }

    /// In a form that both layers' indexes take.
    private func range(_ start: String) -> [String] {
        [from.map { "\(start) >= \($0)" }, until.map { "\(start) < \($0)" }].compactMap { $0 }
    }

    private var late: String {
        let start: String
        switch windows {
        case .none, .sessions: return ""
        case .buckets(let bucket, _, _): start = bucket("t.window_start")
        case .range: start = "NULL::timestamptz"
        }
        let conditions = range("t.window_start") + [isCounted?("t.window_start"), base.stays("t.window_start")].compactMap { $0 }
        // Nulls are equal here, in a form that a hash join takes.
        return """

            LEFT JOIN (\(base.late(by: start, where: conditions))) l
              ON coalesce(l.window_start, 'infinity'::timestamptz) = coalesce(m.window_start, 'infinity'::timestamptz)
            """
    }

    /// HAVING is about the groups of the roll-up, as it would be with its GROUP BY.
    private var having: String? {
        guard let finisher = plan.having, let sql = OutputSQL(plan, row("HAVING")).having else { return nil }
        let conditions = finisher.parts.compactMap(presence).compactMap { if case .when(let condition) = $0 { condition } else { nil } }
        guard !conditions.isEmpty else { return sql }
        let refused = Self.refused(
            view: base.version.viewName, "HAVING reads a group or a window that the roll-up leaves out",
            hint: "keep it: name it in groups, or take a bucket")
        return "CASE WHEN \(conditions.joined(separator: " AND ")) THEN \(sql) ELSE \(refused) END"
    }

    // What is read of the plan.

    private func row(_ output: String) -> StateSQL.Row {
        .rolledUp(
            alias: "m",
            lacking: "parallax.lacks_sketches(\(Connection.quoteLiteral(base.version.viewName)), \(Connection.quoteLiteral(output)))")
    }

    private func parts(of output: Int) -> [Finisher.Part] {
        switch plan.outputs[output].value {
        case .window: [.windowStart]
        case .windowEnd: [.windowEnd]
        case .group(let index): [.group(index)]
        case .measure(let index): [.measure(index)]
        case .finished(let finisher): finisher.parts
        }
    }

    private func presence(_ part: Finisher.Part) -> Presence? {
        switch part {
        case .text, .measure: return nil
        case .group(let index): return groups[index]
        case .windowStart, .windowEnd:
            switch windows {
            case .none, .sessions: return nil
            case .buckets(_, _, let areShown): return areShown
            case .range: return .never
            }
        }
    }

    /// Whether HAVING reads what is left out for sure.
    var havingIsLost: Bool {
        plan.having?.parts.contains { if case .never? = presence($0) { true } else { false } } ?? false
    }

    private func measures(of parts: [Finisher.Part]) -> Set<Int> {
        var found: Set<Int> = []
        for part in parts {
            switch part {
            case .measure(let index): found.insert(index)
            case .group(let index): if let shown = plan.groups[index].shownBy { found.insert(shown) }
            case .text, .windowStart, .windowEnd: break
            }
        }
        return found
    }

    private var measures: Set<Int> {
        var found = measures(of: plan.having?.parts ?? [])
        for output in plan.outputs.indices {
            if case .never = presence(of: output) { continue }
            found.formUnion(measures(of: parts(of: output)))
        }
        return found
    }

    /// That nothing in the answer is an estimate: a condition for each measure that may be one, and is in it.
    private var estimates: [String] {
        var wanted: [Int: [String]] = [:]
        func add(_ parts: [Finisher.Part], _ presence: Presence) {
            if case .never = presence { return }
            for measure in measures(of: parts) { wanted[measure, default: []].append(presence.condition) }
        }
        add(plan.having?.parts ?? [], .always)
        for output in plan.outputs.indices { add(parts(of: output), presence(of: output)) }
        return wanted.sorted { $0.key < $1.key }.compactMap { measure, conditions in
            guard let estimate = plan.law(measure).estimate(over: "m") else { return nil }
            return conditions.contains("true") ? estimate.isExact : "(NOT (\(conditions.joined(separator: " OR "))) OR \(estimate.isExact))"
        }
    }

    /// SQL: an error in the place of a condition.
    static func refused(view: String, _ message: String, hint: String) -> String {
        "parallax.roll_up_refused(\(Connection.quoteLiteral("view \"\(view)\": \(message)")), \(Connection.quoteLiteral(hint)))"
    }
}
