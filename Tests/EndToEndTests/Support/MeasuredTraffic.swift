import Foundation
import ParallaxCore
import TestSupport

/// Page views with values for every kind of measure, nulls among them: disorder of a few seconds, now and then the same record twice in a
/// row in its partition. Nothing is late.
struct MeasuredTraffic {
    private var random: SeededGenerator
    private var number = 0
    /// Seconds since 1970.
    var clock: Double
    /// Between events, at most.
    var pace = 1.0

    /// Before the numbers in the events' ids.
    private let name: String

    init(seed: UInt64, from clock: Double = 1_704_067_200, named name: String = "e") {
        self.name = name
        random = SeededGenerator(seed: seed)
        self.clock = clock
    }

    mutating func produce(_ count: Int, into log: MemoryLog) throws {
        let partitions = try log.partitions().count
        for _ in 0..<count {
            let record = NewRecord(key: nil, payload: Array(event().utf8))
            let copies = Int.random(in: 0..<20, using: &random) == 0 ? 2 : 1
            try log.append(Array(repeating: record, count: copies), to: Partition(Int.random(in: 0..<partitions, using: &random)))
        }
    }

    private mutating func orNull(_ text: String) -> String { Int.random(in: 0..<8, using: &random) == 0 ? "null" : text }

    private mutating func event() -> String {
        number += 1
        clock += Double.random(in: 0..<pace, using: &random)
        let time = clock - Double.random(in: 0..<min(3, pace * 3), using: &random)
        // Each event has an instant of its own.
        let instant = Int64(time) * 1_000_000 + Int64(number % 1_000_000)
        let date = Date(timeIntervalSince1970: Double(instant / 1_000_000))
        let fraction = String(String(instant % 1_000_000 + 1_000_000).dropFirst())
        let stamp = date.ISO8601Format().dropLast() + "." + fraction + "Z"
        let amount = "\(Int.random(in: -900..<900, using: &random)).\(Int.random(in: 10..<100, using: &random))"
        let fields = [
            "\"event_id\": \"\(name)\(number)\"", "\"event_time\": \"\(stamp)\"",
            "\"visitor\": \"v\(Int.random(in: 0..<40, using: &random))\"",
            "\"page\": \(orNull("\"/\(Int.random(in: 0..<4, using: &random))\""))", "\"amount\": \(orNull(amount))",
            "\"duration_ms\": \(orNull("\(Int.random(in: 0..<90_000, using: &random))"))",
            "\"quantity\": \(orNull("\(Int.random(in: -3..<9, using: &random))"))",
            "\"score\": \(orNull("\(Double(Int.random(in: -400..<400, using: &random)) / 4)"))",
            "\"ok\": \(orNull(Int.random(in: 0..<6, using: &random) > 0 ? "true" : "false"))",
        ]
        return "{" + fields.joined(separator: ", ") + "}"
    }
}
