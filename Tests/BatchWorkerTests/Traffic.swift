import ParallaxCore
import TestSupport

/// Page views as JSON lines: out of order, late, twice (also in another partition, with other values), malformed.
struct Traffic {
    private var random: SeededGenerator
    private var number = 0
    private var recent: [String] = []
    /// Seconds since 2024-01-01 00:00:00 UTC of the next event.
    var clock = 0.0
    /// Only events in order, each once.
    var isTidy = false

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Every record one of the log's own calls, so that append times differ.
    mutating func produce(_ count: Int, into log: MemoryLog) throws {
        let partitions = try log.partitions().count
        for _ in 0..<count {
            let (partition, payload) = next(partitions: partitions)
            try log.append([NewRecord(key: nil, payload: payload)], to: partition)
        }
    }

    private mutating func next(partitions: Int) -> (Partition, [UInt8]?) {
        let anywhere = Partition(Int.random(in: 0..<partitions, using: &random))
        guard !isTidy else { return (anywhere, Array(event(at: clock).utf8)) }
        switch Int.random(in: 0..<100, using: &random) {
        case 0: return (anywhere, Array("{\"event_id\": ".utf8))
        case 1: return (anywhere, Array("{\"event_id\": \"x\", \"event_time\": \"teatime\"}".utf8))
        case 2: return (anywhere, nil)
        case 3: return (anywhere, Array("{\"event_id\": \"y\", \"event_time\": \"2024-01-01 00:00:00Z\", \"duration_ms\": 1.5}".utf8))
        case 4..<8:
            // An old event once more: of the same identity, with another amount.
            guard let old = recent.randomElement(using: &random) else { return (anywhere, nil) }
            return (anywhere, Array(old.replacing("\"amount\": ", with: "\"amount\": 1").utf8))
        case 8..<12: return (anywhere, Array(event(at: max(0, clock - Double.random(in: 0..<3_600, using: &random))).utf8))
        default: return (anywhere, Array(event(at: max(0, clock - Double.random(in: 0..<5, using: &random))).utf8))
        }
    }

    private mutating func event(at seconds: Double) -> String {
        number += 1
        clock += Double.random(in: 0..<1, using: &random)
        let microseconds = Int64(seconds * 1_000_000)
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let second = microseconds / 1_000_000
        let fraction = String(String(microseconds % 1_000_000 + 1_000_000).dropFirst())
        let time =
            "2024-01-\(two(1 + second / 86_400))T\(two(second / 3_600 % 24)):\(two(second / 60 % 60)):\(two(second % 60)).\(fraction)Z"
        var fields = [
            "\"event_id\": \"e\(number)\"", "\"event_time\": \"\(time)\"", "\"visitor\": \"v\(Int.random(in: 0..<40, using: &random))\"",
        ]
        // A null, an empty string and a backslash are three different groups.
        switch Int.random(in: 0..<12, using: &random) {
        case 0: break
        case 1: fields.append("\"page\": \"\"")
        case 2: fields.append("\"page\": \"C:\\\\\\t\"")
        default: fields.append("\"page\": \"/p/\(Int.random(in: 0..<6, using: &random))\"")
        }
        let countries = ["\"DE\"", "\"ZZ\"", "\"Åland\"", "null"]
        fields.append("\"country\": \(countries.randomElement(using: &random) ?? "null")")
        fields.append("\"amount\": \(Int.random(in: 0..<90, using: &random)).\(Int.random(in: 10..<100, using: &random))")
        fields.append("\"duration_ms\": \(Int.random(in: 0..<5_000, using: &random))")
        // Quarters: PostgreSQL's own sum of doubles then has no rounding that would depend on the order.
        if Int.random(in: 0..<4, using: &random) > 0 {
            fields.append("\"score\": \(Double(Int.random(in: -400..<400, using: &random)) / 4)")
        }
        let text = "{" + fields.joined(separator: ", ") + "}"
        recent.append(text)
        if recent.count > 300 { recent.removeFirst() }
        return text
    }
}
