import ParallaxCore
import ViewLanguage

/// Event times to window starts.
///
/// Tumbling: start = origin + size · floor((time − origin) / size), also before the origin; the window is [start, start + size). Hopping: the
/// same with the slide, and the starts before it as long as their windows hold the time. Calendar: see `CalendarClock`. Sessions: the atom,
/// a tumbling window as long as the gap, which cannot hold events of two sessions of a group.
/// A start that PostgreSQL's timestamptz cannot hold is an error of the row, as date_bin's is.
struct WindowAssignment {
    private enum Rule {
        /// Starts every `slide` from `origin`; windows of `size`.
        case regular(slide: Int64, size: Int64, origin: Int64)
        case calendar(CalendarClock)
        /// Another machine compiled the view: this one does not know the time zone. No time has a window here.
        case unknownZone
    }

    struct Assigned {
        var starts: [Int64]
        /// For each start the position of its time. Nil: one for each time, in order.
        var positions: [Int32]?
    }

    private let rule: Rule
    /// No window begins before it: sessions are compared with what begins two gaps before them.
    private var earliestStart = Instant.acceptedRange.lowerBound
    /// What is said of a row that has no window, in PostgreSQL's words.
    private(set) var problem = "timestamp out of range"

    init(_ window: Plan.Window) {
        switch window.kind {
        case .tumbling(let size, let origin):
            precondition(size > 0, "a window of \(size) microseconds")
            rule = .regular(slide: size, size: size, origin: origin)
        case .hopping(let slide, let size, let origin):
            precondition(size > 0 && slide > 0, "a window of \(size) microseconds every \(slide)")
            rule = .regular(slide: slide, size: size, origin: origin)
        case .session(let gap):
            precondition(gap > 0 && gap <= LanguageLimits.sessionGap, "a gap of \(gap) microseconds")
            rule = .regular(slide: gap, size: gap, origin: 0)
            earliestStart += 2 * gap
        case .calendar(let unit, let zone):
            if let clock = CalendarClock(unit: unit, zone: zone) {
                rule = .calendar(clock)
            } else {
                rule = .unknownZone
                problem = "time zone \"\(zone)\" not recognized"
            }
        }
    }

    /// The last window that holds it, or would if windows were as long as the slide. Nil where it is out of range.
    @inline(__always)
    func start(_ time: Int64) -> Int64? {
        switch rule {
        case .regular(let slide, _, let origin):
            let (distance, overflow) = time.subtractingReportingOverflow(origin)
            let remainder = overflow ? Int64((Int128(time) - Int128(origin)) % Int128(slide)) : distance % slide
            let (start, underflow) = time.subtractingReportingOverflow(remainder < 0 ? remainder + slide : remainder)
            return underflow || start < earliestStart || !Instant.acceptedRange.contains(start) ? nil : start
        case .calendar(let clock):
            guard Instant.acceptedRange.contains(time) else { return nil }
            let start = clock.start(of: time)
            return Instant.acceptedRange.contains(start) ? start : nil
        case .unknownZone:
            return nil
        }
    }

    /// The windows of each time, ascending; `outOfRange` gets the positions that have one that cannot be (and are left with others, or 0).
    func assign(_ times: [Int64], outOfRange: (Int) -> Void) -> Assigned {
        switch rule {
        case .regular(let slide, let size, _):
            guard slide != size else { return Assigned(starts: tumble(times, size, outOfRange)) }
            return hop(times, slide, size, outOfRange)
        case .calendar(let clock):
            return Assigned(starts: calendar(times, clock, outOfRange))
        case .unknownZone:
            times.indices.forEach(outOfRange)
            return Assigned(starts: [Int64](repeating: 0, count: times.count))
        }
    }

    private func tumble(_ times: [Int64], _ size: Int64, _ outOfRange: (Int) -> Void) -> [Int64] {
        var current: Int64 = 0
        var end = Int64.min  // no window yet
        return times.indices.map { position in
            let time = times[position]
            // Neighbours mostly share a window, and a division costs more than two comparisons.
            if time < current || time >= end {
                guard let start = start(time) else {
                    outOfRange(position)
                    return 0
                }
                current = start
                end = start.addingReportingOverflow(size).overflow ? .max : start + size
            }
            return current
        }
    }

    private func hop(_ times: [Int64], _ slide: Int64, _ size: Int64, _ outOfRange: (Int) -> Void) -> Assigned {
        var assigned = Assigned(starts: [], positions: [])
        var mine: [Int64] = []
        for (position, time) in times.enumerated() {
            mine.removeAll(keepingCapacity: true)
            guard var start = start(time) else {
                outOfRange(position)
                continue
            }
            // start > time − size, without the overflow of time − size.
            while time.subtractingReportingOverflow(start).partialValue < size {
                mine.append(start)
                let (next, underflow) = start.subtractingReportingOverflow(slide)
                if underflow || !Instant.acceptedRange.contains(next) {
                    if underflow || time - next < size { outOfRange(position) }
                    break
                }
                start = next
            }
            for start in mine.reversed() {
                assigned.starts.append(start)
                assigned.positions?.append(Int32(position))
            }
        }
        return assigned
    }

    private func calendar(_ times: [Int64], _ clock: CalendarClock, _ outOfRange: (Int) -> Void) -> [Int64] {
        var current: Int64 = 0
        var end = Int64.min
        return times.indices.map { position in
            let time = times[position]
            if time < current || time >= end {
                guard let start = start(time) else {
                    outOfRange(position)
                    return 0
                }
                current = start
                // Near a change of the clocks every time is looked at by itself.
                let next = clock.end(of: start)
                end = clock.isEven(from: start, to: next) ? next : .min
                return start
            }
            return current
        }
    }

    /// Window starts, one a time, of windows that do not overlap.
    func starts(_ times: [Int64], outOfRange: (Int) -> Void) -> [Int64] { assign(times, outOfRange: outOfRange).starts }
}
