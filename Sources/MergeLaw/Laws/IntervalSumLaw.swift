import Columns
import ViewLanguage

/// sum and avg of intervals: the exact sums of their three parts as numeric, since each may leave an interval's range on the way. Null where no value was.
struct IntervalSumLaw: MeasureLaw {
    let measure: Plan.Measure
    let index: Int

    func columns(_ layer: StateLayout.Layer) -> [StateColumn] {
        (measure.function == .avg ? [.count(measure: index)] : [])
            + IntervalSQL.Part.allCases.map { .sum(measure: index, $0.rawValue) }
    }

    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String {
        let state = "\(row.alias).m\(index)"
        return measure.function == .avg ? IntervalSQL.average(of: state, count: "\(state)_n") : IntervalSQL.sum(of: state)
    }

    var canBeAddedTo: Bool { true }
    var isSummable: Bool { measure.function == .sum }
}

/// Sums and averages of intervals, and estimates of their percentiles, as SQL.
///
/// sum = the sums of months, days and microseconds, each exact; avg = PostgreSQL's own division of that by the count.
/// Beyond an interval's range, where PostgreSQL raises an error, stands the greatest or the least interval: one group would make the whole
/// view unreadable.
enum IntervalSQL {
    /// In the order of their columns.
    enum Part: String, CaseIterable { case months, days, microseconds }

    /// - Parameter state: the state's columns without their parts, such as `u.m0`.
    static func sum(of state: String) -> String {
        choice(
            state, isWithin: isWithin(state, days: "-2147483648 AND 2147483647", microseconds: "\(Int64.min) AND \(Int64.max)"),
            exactSum(state))
    }

    /// A fraction of a month may add 30 days, and one of a day 24 hours; doubles next to the end of 64 bits lie beyond it.
    static func average(of state: String, count: String) -> String {
        let inRange = isWithin(
            state, days: "-2147483617 AND 2147483616", microseconds: "-9223371000000000000 AND 9223371000000000000")
        let result = choice(state, isWithin: inRange, "\(exactSum(state)) / \(count)::double precision")
        return "CASE WHEN \(count) > 0 THEN \(result) END"
    }

    /// A text that PostgreSQL wrote: all but the least number of microseconds it reads again.
    static func read(_ text: String) -> String {
        "(replace(\(text), '-2562047788:00:54.775808', '\(Int64.min) us')::interval)"
    }

    /// An estimate in seconds, as justify_interval would show it.
    static func ofSeconds(_ seconds: String) -> String {
        let months = "trunc(\(seconds) / 2592000)"
        return """
            justify_hours(make_interval(months => greatest(-2147483647, least(2147483647, \(months)))::integer, \
            secs => \(seconds) - \(months) * 2592000))
            """
    }

    private static func part(_ state: String, _ part: Part) -> String { "\(state)_\(part)" }

    /// Microseconds by way of their text: a product with an interval is computed in doubles. One field is read the same in every IntervalStyle.
    private static func exactSum(_ state: String) -> String {
        """
        (make_interval(months => \(part(state, .months))::integer, days => \(part(state, .days))::integer) \
        + (\(part(state, .microseconds))::bigint || ' us')::interval)
        """
    }

    private static func isWithin(_ state: String, days: String, microseconds: String) -> String {
        """
        \(part(state, .months)) BETWEEN -2147483648 AND 2147483647 AND \(part(state, .days)) BETWEEN \(days) \
        AND \(part(state, .microseconds)) BETWEEN \(microseconds)
        """
    }

    /// Null where no value was.
    private static func choice(_ state: String, isWithin: String, _ result: String) -> String {
        """
        CASE WHEN \(part(state, .months)) IS NULL THEN NULL WHEN \(isWithin) THEN \(result) \
        WHEN (\(part(state, .months)) * 30 + \(part(state, .days))) * 86400000000 + \(part(state, .microseconds)) > 0 \
        THEN \(greatest) ELSE \(least) END
        """
    }

    private static let greatest = "'178956970 years 7 mons 2147483647 days 2562047788:00:54.775807'::interval"
    private static let least = "'-178956970 years -8 mons -2147483648 days -9223372036854775808 us'::interval"
}
