import ParallaxCore

#if canImport(Glibc)
    import Glibc
#endif

extension IntervalText {
    /// ISO 8601: `P1Y2M3W4DT5H6M7.5S`, any of its parts with a sign, a fraction or an exponent; and the alternative forms
    /// `P0001-02-03T04:05:06` and `P00010203T040506`.
    static func readDesignators(_ text: UnsafeRawBufferPointer) throws(Problem) -> CalendarInterval {
        guard text.count >= 2, text[0] == UInt8(ascii: "P") else { throw .syntax }
        var reader = DesignatorReader(text)
        try reader.read()
        return try reader.fields.interval()
    }
}

private struct DesignatorReader {
    /// Zero at the end.
    private let bytes: [UInt8]
    var fields = IntervalFields()
    private var at = 1
    private var isDate = true
    private var hasField = false

    typealias Problem = IntervalText.Problem

    struct Number {
        var whole: Int64
        var fraction: Double
        /// Digits before a point.
        var width: Int
    }

    init(_ text: UnsafeRawBufferPointer) { bytes = Array(text) + [0] }

    private var isAtEnd: Bool { at >= bytes.count - 1 }

    /// Zero at the end.
    private var next: UInt8 { isAtEnd ? 0 : bytes[at] }

    mutating func read() throws(Problem) {
        while !isAtEnd {
            if next == UInt8(ascii: "T") {
                at += 1
                beginTime()
                continue
            }
            let number = try number()
            let unit = next
            at += 1
            if isDate {
                if let unit = Self.dateUnit(unit) {
                    try fields.add(number.whole, number.fraction, unit)
                } else {
                    if try readDate(number, unit) { return }
                    continue
                }
            } else if let unit = Self.timeUnit(unit) {
                try fields.add(number.whole, number.fraction, unit)
            } else {
                return try readTime(number, unit)
            }
            hasField = true
        }
    }

    private mutating func beginTime() {
        isDate = false
        hasField = false
    }

    private static func dateUnit(_ byte: UInt8) -> IntervalUnit? {
        switch byte {
        case UInt8(ascii: "Y"): .year
        case UInt8(ascii: "M"): .month
        case UInt8(ascii: "W"): .week
        case UInt8(ascii: "D"): .day
        default: nil
        }
    }

    private static func timeUnit(_ byte: UInt8) -> IntervalUnit? {
        switch byte {
        case UInt8(ascii: "H"): .hour
        case UInt8(ascii: "M"): .minute
        case UInt8(ascii: "S"): .second
        default: nil
        }
    }

    /// `yyyymmdd` or `yyyy[-mm[-dd]]` with its first number read. True at the end of the text, false where a time follows.
    private mutating func readDate(_ first: Number, _ behind: UInt8) throws(Problem) -> Bool {
        let (time, hyphen) = (UInt8(ascii: "T"), UInt8(ascii: "-"))
        guard [0, time, hyphen].contains(behind) else { throw .syntax }
        if behind != hyphen, first.width == 8, !hasField {
            try fields.add(first.whole / 10_000, 0, .year)
            try fields.add(first.whole / 100 % 100, 0, .month)
            try fields.add(first.whole % 100, first.fraction, .day)
            if behind == time { beginTime() }
            return behind == 0
        }
        guard !hasField else { throw .syntax }
        try fields.add(first.whole, first.fraction, .year)
        if behind == hyphen {
            for unit in [IntervalUnit.month, .day] {
                let number = try number()
                try fields.add(number.whole, number.fraction, unit)
                if next == 0 || next == time { break }
                guard unit == .month, next == hyphen else { throw .syntax }
                at += 1
            }
            if next == 0 { return true }
            at += 1
        }
        if behind == 0 { return true }
        beginTime()
        return false
    }

    /// `hhmmss` or `hh[:mm[:ss]]` with its first number read, up to the end of the text.
    private mutating func readTime(_ first: Number, _ behind: UInt8) throws(Problem) {
        let colon = UInt8(ascii: ":")
        guard behind == 0 || behind == colon else { throw .syntax }
        if behind == 0, first.width == 6, !hasField {
            try fields.add(first.whole / 10_000, 0, .hour)
            try fields.add(first.whole / 100 % 100, 0, .minute)
            try fields.add(first.whole % 100, 0, .second)
            // PostgreSQL takes the fraction for one of a microsecond.
            return try fields.addMicroseconds(0, first.fraction, 1)
        }
        guard !hasField else { throw .syntax }
        try fields.add(first.whole, first.fraction, .hour)
        if behind == 0 { return }
        for unit in [IntervalUnit.minute, .second] {
            let number = try number()
            try fields.add(number.whole, number.fraction, unit)
            if next == 0 { return }
            guard unit == .minute, next == colon else { throw .syntax }
            at += 1
        }
    }

    private mutating func number() throws(Problem) -> Number {
        guard IntervalToken.isDigit(next) || next == UInt8(ascii: "-") || next == UInt8(ascii: ".") else { throw .syntax }
        let start = next == UInt8(ascii: "-") ? at + 1 : at
        let width = bytes[start...].prefix { IntervalToken.isDigit($0) }.count
        guard let read = CNumber(endingInZero: bytes, at: at), !read.isOutOfRange else { throw .syntax }
        at += read.length
        // Above, a double has no exact whole numbers.
        guard read.number.magnitude <= 1e15 else { throw .fieldRange }
        let whole = read.number.rounded(.towardZero)
        return Number(whole: Int64(whole), fraction: read.number - whole, width: width)
    }
}

/// A number as C's strtod reads it.
struct CNumber {
    var number: Double
    /// Bytes that belong to it.
    var length: Int
    /// Beyond the range of doubles, at either end.
    var isOutOfRange: Bool

    /// Nil where none stands there. The text is not copied: it may have any length, and as many numbers.
    /// - Parameter bytes: a text and a zero behind it, where C's strings end.
    init?(endingInZero bytes: [UInt8], at start: Int) {
        precondition(bytes.last == 0 && bytes.indices.contains(start))
        var length = 0
        errno = 0
        number = bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return 0 }
            var end: UnsafeMutablePointer<CChar>?
            let value = strtod(base + start, &end)
            length = end.map { UnsafePointer($0) - (base + start) } ?? 0
            return value
        }
        isOutOfRange = errno == ERANGE
        self.length = length
        if length == 0 { return nil }
    }
}
