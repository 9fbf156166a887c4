import ParallaxCore

/// A constant of type time: `hh:mm[:ss[.ffffff]]`, up to 24:00.
struct ClockText: Hashable {
    /// Since midnight.
    var microseconds: Int64

    init(_ text: String) throws(InvalidText) {
        let trimmed = text.trimmingASCIISpace().lowercased()
        let invalid = InvalidText.syntax("time", text)
        if ["now", "allballs"].contains(trimmed) {
            throw InvalidText("\"\(text)\" is not supported as a time", hint: "write it as hh:mm:ss")
        }
        var parts = trimmed.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count) else { throw invalid }
        var fraction = 0.0
        if parts.count == 3, let point = parts[2].firstIndex(of: ".") {
            let digits = parts[2][point...].dropFirst()
            guard !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit), let value = Double("0." + digits) else { throw invalid }
            fraction = value
            parts[2] = parts[2][..<point]
        }
        let numbers = parts.compactMap { (1...2).contains($0.count) && $0.allSatisfy(\.isASCIIDigit) ? Int64($0) : nil }
        guard numbers.count == parts.count else { throw invalid }
        let (hour, minute, second) = (numbers[0], numbers[1], numbers.count > 2 ? numbers[2] : 0)
        // PostgreSQL reads the fraction as a double and rounds it to microseconds, half to even.
        let rest = Int64((fraction * 1_000_000).rounded(.toNearestOrEven))
        microseconds = ((hour * 60 + minute) * 60 + second) * 1_000_000 + rest
        // Second 60 and fractions that round up may reach 24:00, and not more.
        guard minute <= 59, second <= 60, microseconds <= CalendarInterval.microsecondsPerDay else {
            throw InvalidText("date/time field value out of range: \"\(text)\"")
        }
    }
}
