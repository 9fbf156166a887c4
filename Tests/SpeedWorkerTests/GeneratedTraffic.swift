import Foundation
import ParallaxCore
import TestSupport

/// Page views as JSON: disorder within half an hour (nothing late at a lateness of one hour), copies of earlier records in the same partition,
/// malformed ones, nulls.
struct Traffic {
    private var random: SeededGenerator
    private var number = 0
    private var lanes: [[[UInt8]]]
    /// Copies come from the last so many records of the partition.
    var copyReach = 1_000
    /// Out of a hundred.
    var copies = 8
    var malformed = 4

    init(seed: UInt64, partitions: Int) {
        random = SeededGenerator(seed: seed)
        lanes = Array(repeating: [], count: partitions)
    }

    mutating func next(lane: Int) -> [UInt8] {
        let payload: [UInt8]
        switch Int.random(in: 0..<100, using: &random) {
        case ..<copies where !lanes[lane].isEmpty:
            payload = lanes[lane].suffix(copyReach).randomElement(using: &random) ?? []
        case ..<(copies + malformed):
            payload = Array(
                [
                    "{", "", "[1]", #"{"event_id":"x"}"#, #"{"event_id":"y","event_time":"half past"}"#, "\u{0}",
                    #"{"event_id":"z","event_time":"2024-01-01T00:00:00Z","duration_ms":"soon"}"#,
                ].randomElement(using: &random).map(\.utf8) ?? "".utf8)
        default:
            number += 1
            let millisecond = Int64.random(in: 0..<1_800_000, using: &random)
            let time = Date(timeIntervalSince1970: 1_704_067_200 - 1_800 + Double(millisecond) / 1_000)
            let page =
                [#""/""#, #""/cart""#, #""/hidden""#, #""/ü""#, #""/a|b""#, #""/tab\t\\n""#, #""""#, "null"].randomElement(using: &random)
                ?? "null"
            let amount =
                Bool.random(using: &random)
                ? "null" : "\(Int.random(in: -100...9_999, using: &random)).\(Int.random(in: 10...99, using: &random))"
            payload = Array(
                """
                {"event_id":"e\(number)","event_time":"\(time.ISO8601Format(.init(includingFractionalSeconds: true)))",\
                "visitor":"v\(Int.random(in: 0..<50, using: &random))","page":\(page),"amount":\(amount),\
                "duration_ms":\(Int.random(in: 0..<60_000, using: &random))}
                """.utf8)
        }
        lanes[lane].append(payload)
        return payload
    }

    /// Appends so many records, to random partitions, in calls of random size.
    mutating func append(_ count: Int, to log: any EventLog) throws {
        var left = count
        while left > 0 {
            let lane = Int.random(in: 0..<lanes.count, using: &random)
            let size = min(left, Int.random(in: 1...60, using: &random))
            let records = (0..<size).map { _ in NewRecord(key: nil, payload: next(lane: lane)) }
            try log.append(records, to: Partition(lane))
            left -= size
        }
    }
}

/// One event as JSON.
func event(_ id: String, at time: String, page: String = "/", amount: String = "1") -> NewRecord {
    NewRecord(
        key: nil,
        payload: Array(
            #"{"event_id":"\#(id)","event_time":"\#(time)","visitor":"v","page":"\#(page)","amount":\#(amount),"duration_ms":1}"#.utf8))
}
