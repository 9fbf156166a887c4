extension Duration {
    /// One number and one unit: `500ms`, `0.5 s`, `5 minutes`, `1h`, `2 days`; `0` needs none. Nil for anything else.
    public init?(words: String) {
        let number = words.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "_") }
        guard let value = Double(number.filter { $0 != "_" }), value.isFinite else { return nil }
        let unit = words.dropFirst(number.count).drop { $0 == " " }.lowercased()
        let seconds: Double
        switch unit {
        case "" where value == 0: seconds = 1
        case "us", "µs", "microsecond", "microseconds": seconds = 1e-6
        case "ms", "millisecond", "milliseconds": seconds = 1e-3
        case "s", "sec", "second", "seconds": seconds = 1
        case "m", "min", "minute", "minutes": seconds = 60
        case "h", "hour", "hours": seconds = 3_600
        case "d", "day", "days": seconds = 86_400
        default: return nil
        }
        let total = value * seconds
        // A century: beyond it somebody meant something else, and the arithmetic stays exact to the microsecond.
        guard total <= 3_155_760_000 else { return nil }
        self = .microseconds(Int64((total * 1e6).rounded()))
    }

    public var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
    /// As waits take it; the longest that there is where it is longer.
    public var nanoseconds: Int {
        let (whole, overflow) = Int(clamping: components.seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isTooMuch) = whole.addingReportingOverflow(Int(components.attoseconds / 1_000_000_000))
        return overflow || isTooMuch ? (components.seconds < 0 ? .min : .max) : sum
    }
    public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }

    /// For people, in the largest unit that leaves no fraction: `500ms`, `5s`, `1h`.
    public var words: String {
        let value = microseconds
        let units: [(Int64, String)] = [
            (86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1_000, "ms"),
        ]
        for (size, name) in units where value != 0 && value % size == 0 { return "\(value / size)\(name)" }
        return value == 0 ? "0s" : "\(value)us"
    }

    /// A measured time: `0.3 s`, `4 min 10 s`, `2 h 5 min`.
    public var rough: String {
        let seconds = inSeconds
        switch abs(seconds) {
        case ..<10: return "\((seconds * 10).rounded() / 10) s"
        case ..<120: return "\(Int(seconds.rounded())) s"
        case ..<7_200: return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
        case ..<172_800: return "\(Int(seconds) / 3_600) h \(Int(seconds) % 3_600 / 60) min"
        default: return "\(Int(seconds) / 86_400) days"
        }
    }
}

/// Sizes in the words that the configuration takes.
public enum ByteCount {
    public static func text(_ bytes: Int) -> String {
        for (size, name) in [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] where bytes >= size {
            if bytes % size == 0 { return "\(bytes / size)\(name)" }
            return "\((Double(bytes) / Double(size) * 10).rounded() / 10)\(name)"
        }
        return "\(bytes)"
    }
}
