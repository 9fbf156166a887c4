import Columns
import Operators
import ParallaxCore
import TestSupport
import ViewLanguage

enum Sample {
    static let minute: Int64 = 60_000_000

    static let source = SourceDefinition(
        name: "page_view", topic: "page_view",
        columns: [
            .init(name: "id", type: .int8), .init(name: "at", type: .timestamptz), .init(name: "page", type: .text),
            .init(name: "amount", type: .int8),
        ], eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 0, lateness: 0)

    static func window(minutes: Int64 = 1) -> Plan.Window {
        Plan.Window(name: "minute", kind: .tumbling(size: minutes * minute, origin: 0))
    }

    static func plan(window: Plan.Window? = Sample.window(), filter: Expression? = nil) -> Plan {
        let measures: [Plan.Measure] = [
            .init(function: .countRows, argument: nil, filter: nil), .init(function: .sum, argument: .column(3, .int8), filter: nil),
            .init(function: .countDistinct, argument: .column(2, .text), filter: nil),
        ]
        return Plan(
            source: source, filter: filter, window: window, groups: [.init(name: "page", expression: .column(2, .text))], isGlobal: false,
            measures: measures, outputs: [])
    }

    struct Record: Hashable {
        var id: Int64
        var at: Int64
        var page: String?
        var amount: Int64
        var rejected: RejectionReason?
    }

    /// A batch of one partition whose first record has the given offset.
    static func batch(_ partition: Int, from first: Int64, _ records: [Record]) -> EventBatch {
        var ids: [Int64] = []
        var times: [Int64] = []
        var pages = ByteColumn()
        var pageNulls: [UInt8] = []
        var amounts: [Int64] = []
        var rejectedMarks: [UInt8] = []
        var rejections: [Rejection] = []
        for (row, record) in records.enumerated() {
            let isRejected = record.rejected != nil
            ids.append(isRejected ? 0 : record.id)
            times.append(isRejected ? 0 : record.at)
            pages.append(Array((record.page ?? "").utf8))
            pageNulls.append(record.page == nil || isRejected ? 1 : 0)
            amounts.append(isRejected ? 0 : record.amount)
            rejectedMarks.append(isRejected ? 1 : 0)
            if let reason = record.rejected { rejections.append(Rejection(row: row, reason: reason, message: "for the test")) }
        }
        let id = Column(type: .int8, storage: .int64(ids), nulls: rejectedMarks)
        let time = Column(type: .timestamptz, storage: .int64(times), nulls: rejectedMarks)
        return EventBatch(
            partition: Partition(partition), offsets: (0..<records.count).map { first + Int64($0) },
            appendedAt: [Int64](repeating: 0, count: records.count),
            columns: [
                id, time, Column(type: .text, storage: .text(pages), nulls: pageNulls),
                Column(type: .int8, storage: .int64(amounts), nulls: rejectedMarks),
            ], identities: eventIdentities(eventID: id, eventTime: time), isRejected: rejectedMarks, rejections: rejections)
    }

    /// Records of each partition: shuffled times, copies (also in other partitions, with another payload), rejected ones.
    static func log(seed: UInt64, partitions: Int, records: Int, minutes: Int64 = 20) -> [[Record]] {
        var random = SeededGenerator(seed: seed)
        var lanes = [[Record]](repeating: [], count: partitions)
        var all: [Record] = []
        for id in 0..<records {
            var record = Record(
                id: Int64(id), at: Int64.random(in: 0..<minutes * minute, using: &random),
                page: Int.random(in: 0..<8, using: &random) == 0 ? nil : "page \(Int.random(in: 0..<5, using: &random))",
                amount: Int64.random(in: -100..<100, using: &random), rejected: nil)
            switch Int.random(in: 0..<20, using: &random) {
            case 0: record.rejected = .malformedJSON
            case 1: record.rejected = .missingValue
            case 2, 3, 4:
                if var copy = all.randomElement(using: &random) {
                    copy.amount += 1
                    record = copy
                }
            default: all.append(record)
            }
            lanes[Int.random(in: 0..<partitions, using: &random)].append(record)
        }
        return lanes
    }
}
