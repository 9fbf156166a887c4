import Columns
import Foundation
import ParallaxCore
import TestSupport
import ViewLanguage

@testable import Archive

/// A source with every type, and payloads for it.
enum Fixture {
    static let source = SourceDefinition(
        name: "page_view", topic: "page_view",
        columns: [
            .init(name: "event_id", type: .uuid), .init(name: "event_time", type: .timestamptz), .init(name: "page", type: .text),
            .init(name: "small", type: .int4), .init(name: "large", type: .int8),
            .init(name: "amount", type: .numeric(precision: 12, scale: 2)),
            .init(name: "huge", type: .numeric(precision: 30, scale: 4)), .init(name: "ratio", type: .float8),
            .init(name: "is_new", type: .bool),
            .init(name: "session", type: .uuid),
        ], eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 5_000_000, lateness: 3_600_000_000)

    /// 2024-01-01 00:00:00 UTC.
    static let firstEventTime: Int64 = 1_704_067_200_000_000

    static func uuid(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return "018cc251-f400-7000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// Event `number`: now and then with nulls, without fields, or malformed.
    static func payload(_ number: Int) -> [UInt8]? {
        switch number % 11 {
        case 7: return nil
        case 8: return Array("{\"event_id\": \"\(uuid(number))\", broken".utf8)
        case 9: return Array("{\"event_id\": \"\(uuid(number))\", \"event_time\": \"2024-01-01T00:00:00Z\", \"small\": \"many\"}".utf8)
        case 10:
            return Array(
                "{\"event_id\": \"\(uuid(number))\", \"event_time\": \"2024-01-01 00:00:0\(number % 10)+00\", \"page\": null}".utf8)
        default:
            let second = number % 60
            let time = "2024-01-01T00:\(number / 60 % 60 < 10 ? "0" : "")\(number / 60 % 60):\(second < 10 ? "0" : "")\(second).25Z"
            return Array(
                """
                {"event_id":"\(uuid(number))","event_time":"\(time)","page":"/söme/\(number % 17)","small":\(number),"large":-\(number)000000000,\
                "amount":\(number).25,"huge":"-12345678901234567890\(number % 1000 + 1000).5","ratio":\(number).5e-3,"is_new":\(number % 2 == 0),\
                "session":"\(uuid(number / 3))","unknown":[1,{"a":"b"}]}
                """.utf8)
        }
    }

    static func records(_ range: Range<Int>) -> [NewRecord] {
        range.map { NewRecord(key: $0 % 5 == 0 ? nil : Array("key \($0 % 3)\u{0}".utf8), payload: payload($0)) }
    }

    /// A log of one partition or several, filled in turn.
    static func log(_ count: Int, partitions: Int = 1) throws -> MemoryLog {
        let log = MemoryLog(partitions: partitions)
        for (index, record) in records(0..<count).enumerated() { try log.append([record], to: Partition(index % partitions)) }
        return log
    }

    /// Small enough that a few hundred records make several segments and row groups.
    static var limits: ArchiveLimits {
        var limits = ArchiveLimits()
        limits.recordsPerSegment = 100
        limits.recordsPerRowGroup = 30
        limits.lockWait = .milliseconds(200)
        return limits
    }

    /// Everything from offset 0 on, as one batch.
    static func whole(_ log: MemoryLog, _ partition: Partition = Partition(0)) throws -> RecordBatch {
        try log.read(partition, from: .zero, maxRecords: .max, maxBytes: .max)
    }

    static func files(_ path: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}
