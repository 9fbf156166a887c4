import Columns
import ParallaxCore
import ViewLanguage

@testable import Operators

/// A source with a column of every type; `id` and `at` are its event id and event time.
let everyType = SourceDefinition(
    name: "every_type", topic: "every_type",
    columns: [
        .init(name: "id", type: .uuid), .init(name: "at", type: .timestamptz), .init(name: "label", type: .text),
        .init(name: "small", type: .int4), .init(name: "big", type: .int8), .init(name: "price", type: .numeric(precision: 12, scale: 2)),
        .init(name: "exact", type: .numeric(precision: 38, scale: 10)), .init(name: "ratio", type: .float8),
        .init(name: "flag", type: .bool),
    ], eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 5_000_000, lateness: 3_600_000_000)

func records(_ payloads: [[UInt8]?]) -> RecordBatch {
    var batch = RecordBatch(partition: Partition(0), nextOffset: .zero)
    for (index, payload) in payloads.enumerated() {
        batch.append(offset: Offset(Int64(index)), appendedAt: Instant(rawValue: 0), key: nil, payload: payload.map { $0[...] })
    }
    return batch
}

func records(_ payloads: [String]) -> RecordBatch { records(payloads.map { Array($0.utf8) }) }

let idAndTime = #""id":"00000000-0000-0000-0000-000000000001","at":"2024-05-01T10:11:12Z""#

/// One event of `everyType` with one more field.
func decodeField(_ field: String) -> EventBatch {
    EventDecoder(everyType).decode(records(["{\(idAndTime),\(field)}"]))
}

extension EventBatch {
    func ints(_ column: Int) -> [Int64] {
        guard case .int64(let values)? = columns[column]?.storage else { preconditionFailure("column \(column) holds no 64-bit integers") }
        return values
    }
    func wide(_ column: Int) -> [Int128] {
        guard case .int128(let values)? = columns[column]?.storage else {
            preconditionFailure("column \(column) holds no 128-bit integers")
        }
        return values
    }
    func doubles(_ column: Int) -> [Double] {
        guard case .float64(let values)? = columns[column]?.storage else { preconditionFailure("column \(column) holds no doubles") }
        return values
    }
    func texts(_ column: Int) -> [String] {
        guard case .text(let values)? = columns[column]?.storage else { preconditionFailure("column \(column) holds no text") }
        return (0..<values.count).map { values.string($0) }
    }
}
