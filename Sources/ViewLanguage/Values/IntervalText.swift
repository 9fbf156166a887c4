import ParallaxCore

/// Intervals from text, as PostgreSQL's input function reads them in a session whose IntervalStyle is not sql_standard: `1 day 02:03:04`,
/// `1-2`, `@ 1 hour ago`, `90s`, `P1DT2H`, `P0001-02-03T04:05:06`. Months, days and microseconds stay apart; a number without a unit counts seconds.
/// Source of the rules: PostgreSQL 15's documentation, "Interval Input", and its src/backend/utils/adt/datetime.c: behaviour, not code.
public enum IntervalText {
    public enum Problem: Error {
        case syntax
        /// A number that no field of an interval holds.
        case fieldRange
        /// More months than an interval has.
        case range
    }

    public static func read(_ text: UnsafeRawBufferPointer) throws(Problem) -> CalendarInterval {
        // No text of PostgreSQL's has it, and C's functions would take it for the end.
        guard !text.contains(0) else { throw .syntax }
        do throws(Problem) {
            guard let tokens = IntervalToken.tokens(of: text) else { throw .syntax }
            return try read(tokens)
        } catch {
            // What is no list of fields may be ISO 8601 with designators.
            guard error == .syntax else { throw error }
            return try readDesignators(text)
        }
    }

    /// In PostgreSQL's words.
    public static func message(of problem: Problem, _ text: String) -> String {
        switch problem {
        case .syntax: InvalidText.syntax("interval", text).message
        case .fieldRange: "interval field value out of range: \"\(text)\""
        case .range: "interval out of range"
        }
    }

    static func interval(_ text: String) throws(InvalidText) -> CalendarInterval {
        let result = Array(text.utf8).withUnsafeBytes { bytes in Result { () throws(Problem) in try read(bytes) } }
        switch result {
        case .success(let interval): return interval
        case .failure(let problem): throw InvalidText(message(of: problem, text))
        }
    }

    /// Microseconds, days taken as 24 hours (as date_bin does).
    static func fixedLength(_ text: String) throws(InvalidText) -> Int64 {
        let interval = try interval(text)
        guard interval.months == 0 else {
            throw InvalidText("months and years have no fixed length", hint: "write weeks, days, hours, minutes or seconds")
        }
        guard let length = Int64(exactly: interval.span) else {
            throw InvalidText("interval out of range", hint: "write a shorter one")
        }
        return length
    }
}
