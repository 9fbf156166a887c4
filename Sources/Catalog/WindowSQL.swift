import ViewLanguage

/// A window's end, as SQL over its start. The same instants as `Plan.Window.Kind.end(of:)`.
public enum WindowSQL {
    public static func end(_ kind: Plan.Window.Kind, start: String) -> String {
        switch kind {
        case .tumbling(let size, _), .hopping(_, let size, _):
            // In microseconds: an interval of hours or days would go through the session's time zone.
            return "\(start) + \(size) * interval '1 microsecond'"
        case .calendar(let unit, let zone):
            // The zone is a name of the tz database, which the compiler looked up.
            let zone = "'\(zone.replacing("'", with: "''"))'"
            let length = unit == .quarter ? "3 months" : "1 \(unit.rawValue)"
            return "(date_trunc('\(unit.rawValue)', \(start) AT TIME ZONE \(zone)) + interval '\(length)') AT TIME ZONE \(zone)"
        }
    }
}
