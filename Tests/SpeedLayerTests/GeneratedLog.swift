import Columns
import Operators
import ParallaxCore
import SpeedLayer
import TestSupport
import ViewLanguage

/// event id, event time, page, amount.
let clicks = SourceDefinition(
    name: "click", topic: "click",
    columns: [
        .init(name: "id", type: .int8), .init(name: "at", type: .timestamptz), .init(name: "page", type: .text),
        .init(name: "amount", type: .int8),
    ], eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 5_000_000, lateness: 20_000_000)

let clicksByPage = Plan(
    source: clicks, filter: nil, window: .init(name: "minute", kind: .tumbling(size: 60_000_000, origin: 0)),
    groups: [.init(name: "page", expression: .column(2, .text))], isGlobal: false,
    measures: [
        .init(function: .countRows, argument: nil, filter: nil), .init(function: .sum, argument: .column(3, .int8), filter: nil),
        .init(function: .max, argument: .column(3, .int8), filter: nil),
    ],
    outputs: [
        .init(name: "minute", value: .window), .init(name: "page", value: .group(0)), .init(name: "n", value: .measure(0)),
        .init(name: "total", value: .measure(1)), .init(name: "largest", value: .measure(2)),
    ])

/// One record as a test thinks of it.
struct Click: Hashable {
    var id: Int64
    /// Microseconds.
    var at: Int64
    var page: String
    var amount: Int64
    var offset: Int64
    var appendedAt: Int64
    /// It is no event at all.
    var isMalformed = false
    var identity: UInt128 {
        UInt128(UInt64(bitPattern: id)) &* 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835 &+ UInt128(UInt64(bitPattern: at))
    }
}

/// Records of some partitions, each in offset order: mostly in order, some behind by up to 20 seconds, some (if wanted) by 400, copies of earlier ones in the
/// same partition, malformed ones, and holes between the offsets.
func generateClicks(seed: UInt64, partitions: Int, count: Int, lateOnes: Bool) -> [[Click]] {
    var random = SeededGenerator(seed: seed)
    var lanes: [[Click]] = Array(repeating: [], count: partitions)
    var offsets = (0..<partitions).map { _ in Int64.random(in: 0..<3, using: &random) }
    let second: Int64 = 1_000_000
    for number in 0..<count {
        let lane = Int.random(in: 0..<partitions, using: &random)
        let now = 1_000 * second + Int64(number) * second / 2
        var click = Click(
            id: Int64(number), at: now - Int64.random(in: 0...20, using: &random) * second,
            page: ["", "a", "b", "ä", "/cart"].randomElement(using: &random) ?? "", amount: Int64.random(in: -50...50, using: &random),
            offset: 0, appendedAt: now)
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: if let copied = lanes[lane].randomElement(using: &random) { click = copied }
        case 2: click.isMalformed = true
        case 3 where lateOnes: click.at = now - 400 * second
        default: break
        }
        click.offset = offsets[lane]
        click.appendedAt = now
        offsets[lane] += Int.random(in: 0..<8, using: &random) == 0 ? 4 : 1
        lanes[lane].append(click)
    }
    return lanes
}

/// What log and decoder would hand over.
func batches(_ clicks: ArraySlice<Click>, partition: Int, end: Int64) -> (records: RecordBatch, events: EventBatch) {
    var records = RecordBatch(partition: Partition(partition), nextOffset: .zero)
    var pages = ByteColumn()
    for click in clicks {
        records.append(
            offset: Offset(click.offset), appendedAt: Instant(microseconds: click.appendedAt), key: nil,
            payload: Array("click \(click.id)".utf8)[...])
        pages.append(Array(click.page.utf8))
    }
    records.nextOffset = Offset(end)
    let malformed: [UInt8] = clicks.map { $0.isMalformed ? 1 : 0 }
    let events = EventBatch(
        partition: records.partition, offsets: records.offsets, appendedAt: records.appendedAt,
        columns: [
            Column(type: .int8, storage: .int64(clicks.map(\.id)), nulls: malformed),
            Column(type: .timestamptz, storage: .int64(clicks.map(\.at)), nulls: malformed),
            Column(type: .text, storage: .text(pages), nulls: malformed),
            Column(type: .int8, storage: .int64(clicks.map(\.amount)), nulls: malformed),
        ],
        identities: clicks.map { $0.isMalformed ? 0 : $0.identity }, isRejected: malformed,
        rejections: clicks.enumerated().filter { $0.element.isMalformed }.map {
            Rejection(row: $0.offset, reason: .malformedJSON, message: "no event", position: 0)
        })
    return (records, events)
}

extension SpeedState {
    /// Reads a partition as a worker would, until `end` (exclusive), in reads of random length.
    mutating func read(_ lane: [Click], partition: Int, until end: Int64, random: inout SeededGenerator, now: Duration = .zero) {
        while let index = partitions.firstIndex(where: { $0.partition == Partition(partition) }), partitions[index].reading.rawValue < end {
            guard let read = nextRead(index) else { return }
            let most = Int.random(in: 1...max(1, min(40, read.maxRecords)), using: &random)
            let part = lane.filter { $0.offset >= read.from.rawValue && $0.offset < end }.prefix(most)
            let (records, events) = batches(
                part[...], partition: partition, end: part.count < most ? end : (part.last?.offset ?? end - 1) + 1)
            receive(records, schemas.map { _ in events }, now: now, arrivedAt: Instant(microseconds: .max))
        }
    }
}
