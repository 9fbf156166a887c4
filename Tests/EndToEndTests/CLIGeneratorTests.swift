import Columns
import Operators
import ParallaxCore
import Testing
import ViewLanguage

@testable import DemoTraffic
@testable import Ingestion
@testable import parallax

@Suite struct CLIGeneratorTests {
    static let start: Int64 = 1_704_067_200_000_000

    static let pageView: SourceDefinition = {
        let compilation = compile([SQLFile(path: "page_view.sql", text: ExampleDefinitions.pageView)])
        guard let source = compilation.definitions?.sources.first else { preconditionFailure("\(compilation.diagnostics)") }
        return source
    }()

    private func generator(_ source: SourceDefinition = pageView, seed: UInt64 = 1, shape: TrafficShape = TrafficShape())
        -> TrafficGenerator
    {
        TrafficGenerator(maker: EventMaker(source), seed: seed, shape: shape, startMicroseconds: Self.start, rate: 200)
    }

    private func records(_ generator: TrafficGenerator, _ count: Int) -> [TrafficGenerator.Record] {
        var generator = generator
        return (0..<count).map { _ in generator.next() }
    }

    private func decode(_ records: [TrafficGenerator.Record], _ source: SourceDefinition) -> EventBatch {
        var batch = RecordBatch(partition: Partition(0), nextOffset: .zero)
        for (index, record) in records.enumerated() {
            batch.append(
                offset: Offset(Int64(index)), appendedAt: Instant(microseconds: Self.start), key: nil, payload: record.payload[...])
        }
        return EventDecoder(source).decode(batch)
    }

    @Test func theSameSeedMakesTheSameBytesOnEveryMachine() {
        let first = records(generator(), 5_000)
        #expect(first == records(generator(), 5_000))
        #expect(first != records(generator(seed: 2), 5_000))
        // Pinned: other people's results refer to these bytes. FNV-1a over all payloads.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for record in first { for byte in record.payload { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 } }
        #expect(hash == 4_381_661_957_684_710_548, "the generator's bytes changed: \(hash)")
    }

    @Test func theExampleSourceGetsPageViewsAndOthersTheirTypes() {
        if case .declared = EventMaker(Self.pageView) { Issue.record("the example's source should get page views") }
        var other = Self.pageView
        other.columns.removeLast()
        if case .pageViews = EventMaker(other) { Issue.record("another schema should get values of its types") }
    }

    /// The decoder, which knows nothing of the generator, finds the malformed records and no others.
    @Test(arguments: [UInt64(1), 2, 3])
    func exactlyTheMalformedRecordsAreRejected(seed: UInt64) {
        var shape = TrafficShape()
        shape.malformed = 100_000
        let made = records(generator(seed: seed, shape: shape), 4_000)
        let events = decode(made, Self.pageView)
        #expect(events.isRejected.map { $0 != 0 } == made.map(\.isMalformed), "seed \(seed)")
        #expect(Set(events.rejections.map(\.reason)).count >= 5, "the malformed records are all alike")
        let keys = EventKeys(events, Self.pageView)
        for (row, record) in made.enumerated() { #expect(keys[row] == record.key) }
    }

    @Test func sharesAreWhatTheDocumentationSays() throws {
        let count = 200_000
        let made = records(generator(), count)
        let duplicates = made.count { $0.isDuplicate }
        let malformed = made.count { $0.isMalformed }
        // Four standard deviations of a binomial around 1 % and 0.2 %.
        #expect(abs(duplicates - count / 100) < 4 * 45)
        #expect(abs(malformed - count / 500) < 4 * 20)
        let events = decode(made, Self.pageView)
        guard case .int64(let times) = try #require(events.columns[1]).storage else { return #expect(Bool(false), "event times") }
        var newest = Self.start
        var outOfOrder = 0
        var late = 0
        for row in 0..<count where events.isRejected[row] == 0 && !made[row].isDuplicate {
            if times[row] < newest { outOfOrder += 1 }
            if times[row] < newest - 3_605_000_000 { late += 1 }
            newest = max(newest, times[row])
        }
        #expect((late - count / 500).magnitude < 4 * 20)
        #expect((outOfOrder - count * 62 / 1_000).magnitude < 4 * 110)
    }

    @Test func eventTimesFollowTheRate() {
        var shape = TrafficShape()
        (shape.outOfOrder, shape.delayed, shape.late, shape.duplicate, shape.malformed) = (0, 0, 0, 0, 0)
        var generator = generator(shape: shape)
        for _ in 0..<201 { _ = generator.next() }
        #expect(generator.nextDue == Self.start + 1_005_000)
    }

    @Test func everyTypeGetsValuesThatItTakes() {
        let types: [ScalarType] = [
            .text, .int4, .int8, .numeric(precision: 12, scale: 2), .numeric(precision: 38, scale: 38), .numeric(precision: 2, scale: 2),
            .numeric(precision: 38, scale: 0), .numeric(precision: 1, scale: 0), .float8, .bool, .timestamptz, .uuid,
        ]
        for idType in [ScalarType.text, .int4, .int8, .uuid] {
            var columns = [
                SourceDefinition.Column(name: "id", type: idType), SourceDefinition.Column(name: "at", type: .timestamptz),
            ]
            for (index, type) in types.enumerated() { columns.append(.init(name: "c \"\(index)", type: type, isNotNull: index % 2 == 0)) }
            let source = SourceDefinition(
                name: "any", topic: "any", columns: columns, eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 0, lateness: 0)
            let made = records(generator(source), 3_000)
            let events = decode(made, source)
            #expect(events.isRejected.map { $0 != 0 } == made.map(\.isMalformed), "\(events.rejections.prefix(3))")
        }
    }

    @Test func civilDatesGoThereAndBack() {
        for day in stride(from: Int64(-800_000), to: 1_500_000, by: 97) {
            let date = CivilDate(daysSince1970: day)
            #expect(date.daysSince1970 == day)
            #expect((1...CivilDate.daysInMonth(date.month, of: date.year)).contains(date.day))
        }
        #expect(CivilDate(daysSince1970: -1) == CivilDate(year: 1969, month: 12, day: 31))
    }

    @Test(arguments: [
        (-1, "1969-12-31T23:59:59.999999Z"), (start, "2024-01-01T00:00:00Z"), (start - 1_500_000, "2023-12-31T23:59:58.500000Z"),
    ])
    func instantsAreWritten(instant: Int64, text: String) {
        var bytes: [UInt8] = []
        bytes.appendInstant(microseconds: instant)
        #expect(String(decoding: bytes, as: UTF8.self) == text)
    }

    @Test(arguments: [
        ("2024-01-01T00:00:00Z", start), ("2024-01-01", start), ("2024-01-01 00:00:00.5", start + 500_000),
        ("1970-01-01T00:00:01Z", 1_000_000),
    ])
    func instantsAreRead(text: String, instant: Int64) { #expect(GenerateCommand.instant(text) == instant) }

    @Test(arguments: ["", "now", "2024-02-30", "2024-13-01", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00+01:00"])
    func whatIsNoInstantIsRefused(text: String) { #expect(GenerateCommand.instant(text) == nil) }
}
