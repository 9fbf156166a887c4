import ParallaxCore

extension Plan {
    /// Stands in the place of a window's start (microseconds) where a view has no windows. Tables have PostgreSQL's '-infinity' there.
    public static let noWindow = Int64.min
}

extension Plan.Window.Kind {
    /// Whether an event may be in several windows.
    public var overlaps: Bool { if case .hopping(let slide, let size, _) = self { slide < size } else { false } }
    /// Whether every event is in a window.
    public var coversAllTimes: Bool { if case .hopping(let slide, let size, _) = self { slide <= size } else { true } }

    /// The longest break between two events of a session (microseconds); nil for windows that stand still.
    public var sessionGap: Int64? { if case .session(let gap) = self { gap } else { nil } }

    /// Whether a window's end is known from its start, so that windows can leave a view when they are old enough.
    public var canLeave: Bool {
        switch self {
        case .tumbling, .hopping, .calendar: true
        case .session: false
        }
    }

    /// Event times before this one are in no window that ends behind the horizon; `.min` (microseconds) where that is not known.
    public func firstEventTime(ofWindowsEndingAfter horizon: Instant) -> Int64 {
        switch self {
        case .tumbling(let size, _), .hopping(_, let size, _):
            // Such a window begins behind horizon - size.
            return horizon.earlier(by: size)?.rawValue ?? .min
        case .calendar:
            // A year at most, and a day on each side: see `eventTimes(ofWindow:)`.
            return horizon.earlier(by: 370 * 86_400_000_000)?.rawValue ?? .min
        case .session: return .min
        }
    }

    /// The window's end: the first instant behind it (microseconds). `Int64.max` where there is none. Of sessions: the end of the *atom*
    /// that begins there, a tumbling window as long as the gap; a session's own end depends on its events.
    public func end(of start: Int64) -> Int64 {
        switch self {
        case .tumbling(let size, _), .hopping(_, let size, _), .session(let size):
            let (end, overflow) = start.addingReportingOverflow(size)
            return overflow ? .max : end
        case .calendar(let unit, let zone):
            return CalendarClock(unit: unit, zone: zone)?.end(of: start) ?? .max
        }
    }

    /// Event times among which are all that belong to the window that begins there.
    public func eventTimes(ofWindow start: Int64) -> Range<Int64> {
        let end = end(of: start)
        guard case .calendar = self else { return start..<end }
        // See CalendarClock: where clocks go back over midnight, times before the start belong to it.
        let margin: Int64 = 86_400_000_000
        return (start - margin)..<(end > .max - margin ? .max : end + margin)
    }
}
