import ParallaxCore
import ViewLanguage

/// A window's end, as SQL over a row. Of windows that stand still, the same instants as `Plan.Window.Kind.end(of:)`.
public enum WindowSQL {
    /// - Parameter row: alias of a batch row or of a row of `StateSQL.mergedStates`.
    public static func end(_ kind: Plan.Window.Kind, of row: String) -> String {
        if let gap = kind.sessionGap { return "\(row).session_last + \(length(gap))" }
        return end(kind, start: "\(row).window_start")
    }

    /// Of windows that stand still. In parentheses, or a sum.
    ///
    /// - Parameter start: SQL of the window's start. Of calendar windows any instant in it will do.
    public static func end(_ kind: Plan.Window.Kind, start: String) -> String {
        switch kind {
        case .tumbling(let size, _), .hopping(_, let size, _):
            return "\(start) + \(length(size))"
        case .session: preconditionFailure("a session's end is not known from its start")
        case .calendar(let unit, let zone):
            // The zone is a name of the tz database, which the compiler looked up.
            let zone = SQLText.quotedLiteral(zone)
            let length = unit == .quarter ? "3 months" : "1 \(unit.rawValue)"
            return "(date_trunc('\(unit.rawValue)', \(start) AT TIME ZONE \(zone)) + interval '\(length)') AT TIME ZONE \(zone)"
        }
    }

    /// The start of the interval of one length that holds an instant, aligned to an origin: PostgreSQL's date_bin, which counts wrongly before the origin
    /// in some of its versions.
    ///
    /// - Parameters:
    ///   - length: SQL of a bigint, microseconds.
    ///   - origin: microseconds.
    public static func bin(_ instant: String, length: String, origin: Int64) -> String {
        let before = "floor((\(InstantSQL.microseconds(instant)) - (\(origin)))::numeric / \(length)) * \(length) + (\(origin))"
        let from = InstantSQL.instant("(\(origin))")
        return """
            (CASE WHEN \(instant) >= \(from) THEN date_bin(\(length) * interval '1 microsecond', \(instant), \(from)) \
            ELSE \(InstantSQL.instant("(\(before))")) END)
            """
    }

    /// Before it no event can belong to the row: one that is less than a gap before a session begins it anew.
    public static func earliestEvent(_ kind: Plan.Window.Kind, of row: String) -> String {
        kind.sessionGap.map { "\(row).window_start - \(length($0))" } ?? "\(row).window_start"
    }

    /// The condition that a window of batch row `b` has ended at an event time, and its parameter of that number; nil where no window can
    /// have.
    public static func closed(_ kind: Plan.Window.Kind, horizon: Instant, parameter: Int) -> (condition: String, bound: Instant?) {
        let bound = "(\(InstantSQL.instant("$\(parameter)")))"
        switch kind {
        case .tumbling(let size, _), .hopping(_, let size, _):
            return ("b.window_start <= \(bound)", horizon.earlier(by: size))
        case .session(let gap):
            return ("b.session_last <= \(bound)", horizon.earlier(by: gap))
        case .calendar:
            return ("\(end(kind, of: "b")) <= \(bound)", horizon)
        }
    }

    /// In microseconds: an interval of hours or days would go through the session's time zone.
    public static func length(_ microseconds: Int64) -> String { "\(microseconds) * interval '1 microsecond'" }
}
