import ParallaxCore
import ViewLanguage

/// A window's end, as SQL over a row. Of windows that stand still, the same instants as `Plan.Window.Kind.end(of:)`.
public enum WindowSQL {
    /// - Parameter row: alias of a batch row or of a row of `StateSQL.mergedStates`.
    public static func end(_ kind: Plan.Window.Kind, of row: String) -> String {
        switch kind {
        case .tumbling(let size, _), .hopping(_, let size, _):
            return "\(row).window_start + \(length(size))"
        case .session(let gap):
            return "\(row).session_last + \(length(gap))"
        case .calendar(let unit, let zone):
            // The zone is a name of the tz database, which the compiler looked up.
            let zone = SQLText.quotedLiteral(zone)
            let length = unit == .quarter ? "3 months" : "1 \(unit.rawValue)"
            return "(date_trunc('\(unit.rawValue)', \(row).window_start AT TIME ZONE \(zone)) + interval '\(length)') AT TIME ZONE \(zone)"
        }
    }

    /// Before it no event can belong to the row: one that is less than a gap before a session begins it anew.
    public static func earliestEvent(_ kind: Plan.Window.Kind, of row: String) -> String {
        kind.sessionGap.map { "\(row).window_start - \(length($0))" } ?? "\(row).window_start"
    }

    /// The condition that a window of batch row `b` has ended at an event time (microseconds), and its parameter of that number; nil where no window can
    /// have.
    public static func closed(_ kind: Plan.Window.Kind, horizon: Int64, parameter: Int) -> (condition: String, bound: Int64?) {
        let bound = "(\(InstantSQL.instant("$\(parameter)")))"
        switch kind {
        case .tumbling(let size, _), .hopping(_, let size, _):
            let (lastStart, overflow) = horizon.subtractingReportingOverflow(size)
            return ("b.window_start <= \(bound)", overflow ? nil : lastStart)
        case .session(let gap):
            let (lastEvent, overflow) = horizon.subtractingReportingOverflow(gap)
            return ("b.session_last <= \(bound)", overflow ? nil : lastEvent)
        case .calendar:
            return ("\(end(kind, of: "b")) <= \(bound)", horizon)
        }
    }

    /// In microseconds: an interval of hours or days would go through the session's time zone.
    static func length(_ microseconds: Int64) -> String { "\(microseconds) * interval '1 microsecond'" }
}
