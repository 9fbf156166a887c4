import ParallaxCore

/// What an interval's text has said so far. Fractions go on in the next smaller unit, in doubles, as in PostgreSQL.
struct IntervalFields {
    var years: Int32 = 0
    var months: Int32 = 0
    var days: Int32 = 0
    var microseconds: Int64 = 0

    typealias Problem = IntervalText.Problem
    private static let daysPerMonth = 30.0

    /// `fraction` is below one, and has the sign of `whole`.
    mutating func add(_ whole: Int64, _ fraction: Double, _ unit: IntervalUnit) throws(Problem) {
        if let size = unit.microseconds { return try addMicroseconds(whole, fraction, size) }
        if let size = unit.years {
            try Self.add(whole, size, to: &years)
            // To whole months, half to even; the range of a double's Int32 cannot be left.
            return try Self.add(Int64((fraction * Double(size) * 12).rounded(.toNearestOrEven)), 1, to: &months)
        }
        switch unit {
        case .month:
            try Self.add(whole, 1, to: &months)
            try addDays(fraction * Self.daysPerMonth)
        case .week:
            try Self.add(whole, 7, to: &days)
            try addDays(fraction * 7)
        default:
            try Self.add(whole, 1, to: &days)
            try addMicroseconds(fraction * Double(CalendarInterval.microsecondsPerDay))
        }
    }

    mutating func addMicroseconds(_ whole: Int64, _ fraction: Double, _ size: Int64) throws(Problem) {
        let (product, overflow) = whole.multipliedReportingOverflow(by: size)
        let (sum, overflowOfSum) = microseconds.addingReportingOverflow(product)
        guard !overflow, !overflowOfSum else { throw .fieldRange }
        microseconds = sum
        try addMicroseconds(fraction * Double(size))
    }

    private mutating func addDays(_ count: Double) throws(Problem) {
        let whole = count.rounded(.towardZero)
        try Self.add(Int64(whole), 1, to: &days)
        try addMicroseconds((count - whole) * Double(CalendarInterval.microsecondsPerDay))
    }

    /// To whole microseconds; a half is dropped.
    private mutating func addMicroseconds(_ count: Double) throws(Problem) {
        let whole = count.rounded(.towardZero)
        let rest = count - whole
        let more = Int64(whole) + (rest > 0.5 ? 1 : rest < -0.5 ? -1 : 0)
        let (sum, overflow) = microseconds.addingReportingOverflow(more)
        guard !overflow else { throw .fieldRange }
        microseconds = sum
    }

    private static func add(_ count: Int64, _ size: Int32, to field: inout Int32) throws(Problem) {
        guard let count = Int32(exactly: count) else { throw .fieldRange }
        let (product, overflow) = count.multipliedReportingOverflow(by: size)
        let (sum, overflowOfSum) = field.addingReportingOverflow(product)
        guard !overflow, !overflowOfSum else { throw .fieldRange }
        field = sum
    }

    mutating func negate() throws(Problem) {
        guard years != .min, months != .min, days != .min, microseconds != .min else { throw .fieldRange }
        (years, months, days, microseconds) = (-years, -months, -days, -microseconds)
    }

    func interval() throws(Problem) -> CalendarInterval {
        guard let months = Int32(exactly: Int64(years) * 12 + Int64(months)) else { throw .range }
        return CalendarInterval(months: months, days: days, microseconds: microseconds)
    }
}
