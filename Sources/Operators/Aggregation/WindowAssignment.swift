import ParallaxCore
import ViewLanguage

/// Event times to window starts.
///
/// start = origin + size · floor((time − origin) / size), also before the origin; the window is [start, start + size).
/// A start that PostgreSQL's timestamptz cannot hold is an error of the row, as date_bin's is.
struct WindowAssignment {
    let size: Int64
    let origin: Int64

    init(_ window: Plan.Window) {
        switch window.kind {
        case .tumbling(let size, let origin):
            precondition(size > 0, "a window of \(size) microseconds")
            self.size = size
            self.origin = origin
        }
    }

    /// Nil where it is out of range.
    @inline(__always)
    func start(_ time: Int64) -> Int64? {
        let (distance, overflow) = time.subtractingReportingOverflow(origin)
        let remainder = overflow ? Int64((Int128(time) - Int128(origin)) % Int128(size)) : distance % size
        let (start, underflow) = time.subtractingReportingOverflow(remainder < 0 ? remainder + size : remainder)
        return underflow || !Instant.acceptedRange.contains(start) ? nil : start
    }

    /// Window starts, row by row; `outOfRange` gets the positions without one (their entry is 0).
    func starts(_ times: [Int64], outOfRange: (Int) -> Void) -> [Int64] {
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
}
