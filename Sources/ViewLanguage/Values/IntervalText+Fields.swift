import ParallaxCore

extension IntervalText {
    /// The fields that a text has given. One that is given twice is an error, but years and months that are written 1-2 count as months.
    private struct Given: OptionSet {
        var rawValue: UInt16
        static let microsecond = Given(rawValue: 1)
        static let millisecond = Given(rawValue: 2)
        static let second = Given(rawValue: 4)
        static let minute = Given(rawValue: 8)
        static let hour = Given(rawValue: 16)
        static let day = Given(rawValue: 32)
        static let week = Given(rawValue: 64)
        static let month = Given(rawValue: 128)
        static let year = Given(rawValue: 256)
        static let decade = Given(rawValue: 512)
        static let century = Given(rawValue: 1_024)
        static let millennium = Given(rawValue: 2_048)
        static let seconds: Given = [.microsecond, .millisecond, .second]
        static let clock: Given = [.seconds, .minute, .hour]

        init(rawValue: UInt16) { self.rawValue = rawValue }

        init(_ unit: IntervalUnit, hasFraction: Bool) {
            switch unit {
            case .microsecond: self = .microsecond
            case .millisecond: self = .millisecond
            case .second: self = hasFraction ? .seconds : .second
            case .minute: self = .minute
            case .hour: self = .hour
            case .day: self = .day
            case .week: self = .week
            case .month: self = .month
            case .year: self = .year
            case .decade: self = .decade
            case .century: self = .century
            case .millennium: self = .millennium
            }
        }
    }

    /// What a number without a unit behind it counts.
    private enum Unit {
        /// Seconds: it is the last token.
        case last
        case named(IntervalUnit)
        /// Right before "ago".
        case none
    }

    /// From the last token to the first, so that units come before their numbers.
    static func read(_ tokens: [IntervalToken]) throws(Problem) -> CalendarInterval {
        var fields = IntervalFields()
        var given: Given = []
        var unit = Unit.last
        var isAgo = false
        for token in tokens.reversed() {
            var new: Given = []
            switch token.kind {
            case .clock:
                fields.microseconds = try clock(token.bytes[...])
                new = .clock
                unit = .named(.day)
            case .signed where (try? clock(token.bytes.dropFirst())) != nil:
                fields.microseconds = try clock(token.bytes.dropFirst())
                if token.bytes[0] == UInt8(ascii: "-") { fields.microseconds = -fields.microseconds }
                new = .clock
                unit = .named(.day)
            case .signed, .number:
                let number = try number(token.bytes)
                let counted: IntervalUnit
                switch unit {
                case _ where number.isYearsAndMonths: counted = .month
                case .last: counted = .second
                case .named(let unit): counted = unit
                case .none: throw .syntax
                }
                try fields.add(number.whole, number.fraction, counted)
                new = Given(counted, hasFraction: number.fraction != 0)
                unit = .named(counted == .hour ? .day : counted)
            case .word where token.bytes.elementsEqual("ago".utf8):
                isAgo = true
                unit = .none
            case .word:
                guard let named = IntervalUnit(token.bytes) else { throw .syntax }
                unit = .named(named)
            case .other: throw .syntax
            }
            guard given.isDisjoint(with: new) else { throw .syntax }
            given.formUnion(new)
        }
        guard !given.isEmpty else { throw .syntax }
        if isAgo { try fields.negate() }
        return try fields.interval()
    }

    /// `12`, `-1.5`, `1.`, or years and months as `1-2`, in months. The whole number and the fraction both carry the sign.
    private static func number(_ bytes: [UInt8]) throws(Problem) -> (whole: Int64, fraction: Double, isYearsAndMonths: Bool) {
        let isNegative = bytes[0] == UInt8(ascii: "-")
        var rest = bytes[...]
        guard let whole = integer(&rest, as: Int64.self) else { throw .fieldRange }
        if rest.isEmpty { return (whole, 0, false) }
        if rest.first == UInt8(ascii: ".") {
            let fraction = try fraction(rest)
            return (whole, isNegative ? -fraction : fraction, false)
        }
        guard rest.first == UInt8(ascii: "-") else { throw .syntax }
        rest.removeFirst()
        guard let months = integer(&rest, as: Int32.self), (0..<12).contains(months) else { throw .fieldRange }
        guard rest.isEmpty else { throw .syntax }
        let (product, overflow) = whole.multipliedReportingOverflow(by: 12)
        let (sum, overflowOfSum) = product.addingReportingOverflow(Int64(isNegative ? -months : months))
        guard !overflow, !overflowOfSum else { throw .fieldRange }
        return (sum, 0, true)
    }

    /// `hh:mm`, `hh:mm:ss[.f]`, `mm:ss.f`, any number of hours, in microseconds.
    private static func clock(_ bytes: ArraySlice<UInt8>) throws(Problem) -> Int64 {
        let colon = UInt8(ascii: ":")
        var rest = bytes
        guard var hours = integer(&rest, as: Int64.self) else { throw .fieldRange }
        guard rest.first == colon else { throw .syntax }
        rest.removeFirst()
        guard var minutes = integer(&rest, as: Int32.self) else { throw .fieldRange }
        var seconds: Int32 = 0
        var part = 0.0
        if rest.first == UInt8(ascii: ".") {
            part = try fraction(rest)
            guard let minutesOfHours = Int32(exactly: hours) else { throw .fieldRange }
            (hours, minutes, seconds) = (0, minutesOfHours, minutes)
        } else if rest.first == colon {
            rest.removeFirst()
            guard let value = integer(&rest, as: Int32.self) else { throw .fieldRange }
            seconds = value
            if rest.first == UInt8(ascii: ".") { part = try fraction(rest) } else if !rest.isEmpty { throw .syntax }
        } else if !rest.isEmpty {
            throw .syntax
        }
        let microseconds = Int64((part * 1_000_000).rounded(.toNearestOrEven))
        guard hours >= 0, (0..<60).contains(minutes), (0...60).contains(seconds) else { throw .fieldRange }
        let (whole, overflow) = hours.multipliedReportingOverflow(by: 3_600_000_000)
        let (total, overflowOfSum) = whole.addingReportingOverflow(Int64(minutes) * 60_000_000 + Int64(seconds) * 1_000_000 + microseconds)
        guard !overflow, !overflowOfSum else { throw .fieldRange }
        return total
    }

    /// A sign and digits from the start of the bytes, as C's strtol takes them: none are 0. Nil where the type does not hold them.
    private static func integer<Value: FixedWidthInteger>(_ bytes: inout ArraySlice<UInt8>, as: Value.Type) -> Value? {
        var rest = bytes
        let sign = rest.first
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest.removeFirst() }
        guard let first = rest.first, IntervalToken.isDigit(first) else { return 0 }
        var value: Value? = 0
        while let digit = rest.first, IntervalToken.isDigit(digit) {
            rest.removeFirst()
            guard let soFar = value else { continue }
            let (tens, overflow) = soFar.multipliedReportingOverflow(by: 10)
            let ones = Value(digit - 48)
            let (next, overflowOfSum) =
                sign == UInt8(ascii: "-") ? tens.subtractingReportingOverflow(ones) : tens.addingReportingOverflow(ones)
            value = overflow || overflowOfSum ? nil : next
        }
        bytes = rest
        return value
    }

    /// `.5`, or a point alone.
    private static func fraction(_ bytes: ArraySlice<UInt8>) throws(Problem) -> Double {
        if bytes.count == 1 { return 0 }
        guard bytes.dropFirst().allSatisfy(IntervalToken.isDigit), let value = CNumber(endingInZero: Array(bytes) + [0], at: 0),
            !value.isOutOfRange
        else { throw .syntax }
        return value.number
    }
}
