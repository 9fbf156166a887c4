/// The 64-bit part of a TZif file (RFC 8536, section 3).
struct ZoneFile {
    private(set) var transitions: [Int64] = []
    private(set) var offsets: [Int64] = []
    private(set) var first: Int64 = 0
    private(set) var rule: ZoneRule?

    /// Nil where the bytes are no such file of version 2 or later.
    init?(_ bytes: [UInt8]) {
        guard let old = Header(bytes, at: 0), old.version >= UInt8(ascii: "2") else { return nil }
        let start = Header.size + old.dataSize(timeSize: 4)
        guard let header = Header(bytes, at: start) else { return nil }
        let times = start + Header.size
        let end = times + header.dataSize(timeSize: 8)
        guard end <= bytes.count, header.types > 0 else { return nil }
        func number(_ at: Int, _ size: Int) -> Int64 {
            var value: Int64 = bytes[at] >= 0x80 ? -1 : 0
            for byte in bytes[at..<at + size] { value = value << 8 | Int64(byte) }
            return value
        }
        let indices = times + header.transitions * 8
        let types = indices + header.transitions
        func offset(ofType type: Int) -> Int64? { type < header.types ? number(types + type * 6, 4) : nil }
        for index in 0..<header.transitions {
            guard let offset = offset(ofType: Int(bytes[indices + index])) else { return nil }
            transitions.append(number(times + index * 8, 8))
            offsets.append(offset)
        }
        guard let first = offset(ofType: 0), transitions == transitions.sorted() else { return nil }
        self.first = first
        // The closing rule stands between two line ends.
        let footer = bytes[end...].dropFirst().prefix { $0 != 10 }
        rule = footer.isEmpty ? nil : ZoneRule(String(decoding: footer, as: UTF8.self))
        if !footer.isEmpty, rule == nil { return nil }
    }

    private struct Header {
        static let size = 44
        var version: UInt8
        var (isUTC, isStandard, leaps, transitions, types, characters) = (0, 0, 0, 0, 0, 0)

        init?(_ bytes: [UInt8], at start: Int) {
            guard bytes.count >= start + Self.size, bytes[start..<start + 4].elementsEqual("TZif".utf8) else { return nil }
            version = bytes[start + 4]
            func count(_ index: Int) -> Int {
                bytes[(start + 20 + index * 4)..<(start + 24 + index * 4)].reduce(0) { $0 << 8 | Int($1) }
            }
            (isUTC, isStandard, leaps, transitions, types, characters) = (count(0), count(1), count(2), count(3), count(4), count(5))
        }

        func dataSize(timeSize: Int) -> Int {
            transitions * (timeSize + 1) + types * 6 + characters + leaps * (timeSize + 4) + isStandard + isUTC
        }
    }
}

/// `CET-1CEST,M3.5.0,M10.5.0/3`: a standard offset, and where there is summer time, its offset and the days on which clocks change.
struct ZoneRule {
    private enum Day {
        /// Day of the week (0: Sunday) in week 1 to 5 (5: the last) of a month.
        case weekday(month: Int64, week: Int64, day: Int64)
        /// 1 to 365; the 29th of February is never counted.
        case julian(Int64)
        /// 0 to 365.
        case ofYear(Int64)
    }
    private var standard: Int64
    private var summer: (offset: Int64, start: (Day, Int64), end: (Day, Int64))?

    /// Nil where the text is none.
    init?(_ text: String) {
        var rest = Substring(text)
        func takeName() -> Bool {
            if rest.first == "<" {
                guard let end = rest.firstIndex(of: ">") else { return false }
                rest = rest[rest.index(after: end)...]
                return true
            }
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
            return name.count >= 3
        }
        func takeNumber() -> Int64? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            return Int64(digits)
        }
        func take(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }
        /// [+-]h[h][:mm[:ss]] in seconds.
        func takeTime() -> Int64? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard let hours = takeNumber() else { return nil }
            var seconds = hours * 3600
            if take(":") {
                guard let minutes = takeNumber() else { return nil }
                seconds += minutes * 60
                if take(":") {
                    guard let more = takeNumber() else { return nil }
                    seconds += more
                }
            }
            return isNegative ? -seconds : seconds
        }
        func takeDay() -> (Day, Int64)? {
            guard take(",") else { return nil }
            let day: Day
            if take("M") {
                guard let month = takeNumber(), take("."), let week = takeNumber(), take("."), let weekday = takeNumber() else {
                    return nil
                }
                guard (1...12).contains(month), (1...5).contains(week), (0...6).contains(weekday) else { return nil }
                day = .weekday(month: month, week: week, day: weekday)
            } else if take("J") {
                guard let number = takeNumber() else { return nil }
                day = .julian(number)
            } else {
                guard let number = takeNumber() else { return nil }
                day = .ofYear(number)
            }
            guard take("/") else { return (day, 7_200) }
            return takeTime().map { (day, $0) }
        }
        guard takeName(), let west = takeTime() else { return nil }
        standard = -west
        guard !rest.isEmpty else { return }
        guard takeName() else { return nil }
        var offset = standard + 3_600
        if rest.first != "," {
            guard let west = takeTime() else { return nil }
            offset = -west
        }
        guard let start = takeDay(), let end = takeDay(), rest.isEmpty else { return nil }
        summer = (offset, start, end)
    }

    /// The changes of some years, ascending, each with the offset after it. None where there is no summer time.
    func transitions(years: Range<Int64>) -> [(at: Int64, offset: Int64)] {
        guard let summer else { return [] }
        return years.flatMap { year in
            [
                (at: Self.seconds(summer.start, year) - standard, offset: summer.offset),
                (at: Self.seconds(summer.end, year) - summer.offset, offset: standard),
            ]
        }.sorted { $0.at < $1.at }
    }

    /// Local seconds since 1970.
    private static func seconds(_ rule: (Day, Int64), _ year: Int64) -> Int64 {
        let newYear = CivilDate(year: year, month: 1, day: 1).daysSince1970
        let days: Int64
        switch rule.0 {
        case .ofYear(let number): days = newYear + number
        case .julian(let number):
            let isLeap = CivilDate.daysInMonth(2, of: year) == 29
            days = newYear + number - 1 + (isLeap && number >= 60 ? 1 : 0)
        case .weekday(let month, let week, let weekday):
            let first = CivilDate(year: year, month: month, day: 1).daysSince1970
            let firstWeekday = CivilDate.isoWeekday(daysSince1970: first) % 7
            var day = 1 + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            while day > CivilDate.daysInMonth(month, of: year) { day -= 7 }
            days = first + day - 1
        }
        return days * 86_400 + rule.1
    }
}
