import ParallaxCore

extension WindowCall {
    /// date_trunc's windows. Units below a day, and days and weeks of UTC, all have one length.
    func calendar(_ arguments: [SyntaxNode]) throws(Refusal) -> Plan.Window.Kind {
        let unitOffset = statement.offset(arguments[0].tagged.body.location)
        guard let unit = Self.text(arguments[0]) else {
            throw Refusal(unitOffset, "the unit of date_trunc must be a constant", hint: "such as 'day'")
        }
        let zoneOffset = arguments.count == 3 ? statement.offset(arguments[2].tagged.body.location) : unitOffset
        var zone = "UTC"
        if arguments.count == 3 {
            guard let text = Self.text(arguments[2]) else {
                throw Refusal(zoneOffset, "the time zone of date_trunc must be a constant", hint: "such as 'America/New_York'")
            }
            guard let known = CalendarClock.knownName(text) else {
                throw Refusal(
                    zoneOffset, "time zone \"\(text)\" not recognized", hint: "write a name of the tz database, such as 'America/New_York'")
            }
            zone = known
        }
        let isUTC = zone == "UTC"
        if let size = Self.clockUnits[unit.lowercased()] {
            guard isUTC else {
                throw Refusal(
                    zoneOffset, "a time zone with the unit \"\(unit)\" is not supported",
                    hint: "hours and below are the same in every time zone of whole hours: leave the zone out")
            }
            return .tumbling(size: size, origin: 0)
        }
        guard let calendarUnit = Self.calendarUnits[unit.lowercased()] else {
            throw Refusal(
                unitOffset, "unit \"\(unit)\" is not supported for the windows of date_trunc",
                hint: "supported: second, minute, hour, day, week, month, quarter, year")
        }
        switch (calendarUnit, isUTC) {
        case (.day, true): return .tumbling(size: CalendarInterval.microsecondsPerDay, origin: 0)
        // 1970-01-05 was a Monday.
        case (.week, true): return .tumbling(size: 7 * CalendarInterval.microsecondsPerDay, origin: 4 * CalendarInterval.microsecondsPerDay)
        default: return .calendar(unit: calendarUnit, zone: zone)
        }
    }

    private static func text(_ node: SyntaxNode) -> String? { node.body(of: "A_Const")?["sval"].map { $0["sval"]?.string ?? "" } }

    private static let clockUnits: [String: Int64] = [
        "second": 1_000_000, "seconds": 1_000_000, "minute": 60_000_000, "minutes": 60_000_000, "hour": 3_600_000_000,
        "hours": 3_600_000_000,
    ]
    private static let calendarUnits: [String: Plan.Window.CalendarUnit] = [
        "day": .day, "days": .day, "week": .week, "weeks": .week, "month": .month, "months": .month, "quarter": .quarter, "year": .year,
        "years": .year,
    ]
}
