import ParallaxCore
import TestSupport
import Testing

@testable import KafkaLog

@Suite struct ReadingTests {
    /// Jumps back and forth, with limits of all sizes: every read gives what the offsets say, and nothing of another place. Once as it is, and once with so
    /// little room that partitions are put aside and taken up again all the time.
    @Test(arguments: [UInt64(1), 2, 3], [false, true])
    func readsAtRandomPlacesGiveTheRecordsOfThosePlaces(seed: UInt64, isCramped: Bool) throws {
        print("random reads: seed \(seed), \(isCramped ? "little" : "enough") room")
        var random = SeededGenerator(seed: seed)
        let partitions = 4
        var limits = KafkaLimits()
        if isCramped { (limits.bytesAhead, limits.bytesAheadOfOnePartition, limits.recordsKeptForRereading) = (400, 100, 3) }
        let log = try makeLog(partitions: partitions, limits: limits)
        for _ in 0..<40 {
            let count = Int.random(in: 1...50, using: &random)
            let payload = [UInt8](repeating: 7, count: 20)
            try log.append(
                (0..<count).map { _ in NewRecord(key: nil, payload: payload) },
                to: Partition(Int.random(in: 0..<partitions, using: &random)))
        }
        let bounds = try log.bounds(of: (0..<partitions).map { Partition($0) })
        let ends = (0..<partitions).map { bounds[Partition($0)]?.upperBound.rawValue ?? -1 }
        #expect(try (0..<partitions).map { try log.bounds(of: Partition($0)).upperBound.rawValue } == ends)
        for _ in 0..<200 {
            let number = Int.random(in: 0..<partitions, using: &random)
            let from = Int64.random(in: 0...ends[number], using: &random)
            var position = from
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                if Bool.random(using: &random) {
                    let others = (0..<partitions).map { LogPlace(Partition($0), Offset($0 == number ? position : ends[$0] / 2)) }
                    #expect(log.readAhead(others).sorted() == others.map(\.partition))
                }
                let wanted = Int.random(in: 1...30, using: &random)
                let batch = try log.read(Partition(number), from: Offset(position), maxRecords: wanted, maxBytes: 1 << 20)
                #expect(batch.count <= wanted && (batch.count > 0 || position == ends[number]))
                #expect(batch.offsets == (position..<position + Int64(batch.count)).map { $0 })
                #expect(batch.nextOffset.rawValue == position + Int64(batch.count))
                position = batch.nextOffset.rawValue
            }
        }
    }

    /// While a transaction is open, the partition ends for readers where it began. Seen as far as the mock can: a follower whose fetches say a high watermark
    /// 50 offsets behind the last stable one.
    @Test func theKnownEndIsTheLastStableOffset() throws {
        let broker = try TestBroker(brokers: 2)
        let topic = try broker.makeTopic(partitions: 1)
        try broker.tell("leader \(topic) 0 1")
        try broker.tell("follower \(topic) 0 2")
        let log = try KafkaLog(source: "s", settings: KafkaSettings(broker, topic: topic))
        func append(_ count: Int) throws {
            try log.append((0..<count).map { _ in NewRecord(key: nil, payload: [7]) }, to: Partition(0))
        }
        func readToTheEnd(from offset: Offset) throws -> Offset {
            var position = offset
            while true {
                let batch = try log.read(Partition(0), from: position, maxRecords: 100, maxBytes: 1_000)
                if batch.isEmpty { return position }
                position = batch.nextOffset
            }
        }
        try append(10)
        try broker.tell("high-watermark \(topic) 0 60")
        #expect(try readToTheEnd(from: .zero) == Offset(10))
        #expect(log.knownEnd(of: Partition(0)) == Offset(10))
        #expect(try log.bounds(of: Partition(0)) == .zero..<Offset(10))
        // More is committed.
        try append(30)
        #expect(try log.bounds(of: Partition(0)) == .zero..<Offset(40))
        #expect(try readToTheEnd(from: Offset(10)) == Offset(40))
        #expect(log.knownEnd(of: Partition(0)) == Offset(40))
    }

    /// What comes of other partitions while one is read waits for its readers, and those are told to go first.
    @Test func whatHasComeIsReadFirst() throws {
        let log = try makeLog(partitions: 3)
        for number in 0..<3 { try log.append((0..<10).map { _ in NewRecord(key: nil, payload: [UInt8(number)]) }, to: Partition(number)) }
        let places = (0..<3).map { LogPlace(Partition($0), Offset(0)) }
        #expect(log.readAhead(places).sorted() == places.map(\.partition))
        // One fetch brings all three; whoever reads one has the others' records then.
        _ = try log.read(Partition(0), from: .zero, maxRecords: 5, maxBytes: 1_000)
        try waitUntil("the records of all partitions") {
            _ = try? log.read(Partition(0), from: Offset(10), maxRecords: 1, maxBytes: 1)
            return log.readAhead([LogPlace(Partition(0), Offset(10)), LogPlace(Partition(2), .zero)]) == [Partition(2), Partition(0)]
        }
        for number in 0..<3 {
            let batch = try log.read(Partition(number), from: .zero, maxRecords: 100, maxBytes: 1_000)
            #expect(batch.offsets == (0..<10).map { Int64($0) } && batch.payloads.bytes.first == UInt8(number))
        }
    }

    /// Its end is all there is to wait for, and the end comes as a message of its own.
    @Test func nothingIsWaitedForInAnEmptyPartition() throws {
        let log = try makeLog(partitions: 2, patience: .seconds(600))
        for number in 0..<2 {
            let batch = try log.read(Partition(number), from: .zero, maxRecords: 10, maxBytes: 100)
            #expect(batch.isEmpty && batch.nextOffset == .zero)
        }
    }

    /// Tombstones take room, too: 16 bytes each and their lengths.
    @Test func recordsWithoutAnyBytesArePutAside() throws {
        var limits = KafkaLimits()
        (limits.bytesAhead, limits.bytesAheadOfOnePartition) = (1_000, 500)
        let log = try makeLog(partitions: 2, limits: limits)
        for number in 0..<2 { try log.append((0..<3_000).map { _ in NewRecord(key: nil, payload: nil) }, to: Partition(number)) }
        _ = log.readAhead([LogPlace(Partition(0), .zero), LogPlace(Partition(1), .zero)])
        for number in 0..<2 {
            var position = Offset.zero
            while position < Offset(3_000) {
                let batch = try log.read(Partition(number), from: position, maxRecords: 700, maxBytes: 100)
                #expect(batch.offsets == (position.rawValue..<batch.nextOffset.rawValue).map { $0 } && batch.count > 0)
                position = batch.nextOffset
            }
        }
    }

    /// What is given up and taken again later is read from where it is taken, whatever had come of it.
    @Test func whatIsGivenUpBeginsAnew() throws {
        let log = try makeLog(partitions: 2)
        for number in 0..<2 { try log.append((0..<10).map { NewRecord(key: nil, payload: [UInt8($0)]) }, to: Partition(number)) }
        _ = log.readAhead([LogPlace(Partition(0), .zero), LogPlace(Partition(1), .zero)])
        #expect(try log.read(Partition(0), from: .zero, maxRecords: 3, maxBytes: 100).count == 3)
        log.readOnly([Partition(1)])
        #expect(try log.read(Partition(1), from: .zero, maxRecords: 100, maxBytes: 100).count == 10)
        log.readOnly([])
        #expect(try log.read(Partition(0), from: Offset(3), maxRecords: 100, maxBytes: 100).offsets == (3..<10).map { Int64($0) })
        #expect(try log.read(Partition(1), from: Offset(2), maxRecords: 100, maxBytes: 100).offsets == (2..<10).map { Int64($0) })
    }

    /// A place that cannot be read is for `read` to refuse, so it must not get lost on the way there.
    @Test func placesThatThereAreNotStay() throws {
        let log = try makeLog(partitions: 1)
        #expect(try log.partitions() == [Partition(0)])
        #expect(log.readAhead([LogPlace(Partition(7), .zero), LogPlace(Partition(0), .zero)]) == [Partition(0), Partition(7)])
        #expect(throws: ParallaxError.self) { try log.read(Partition(7), from: .zero, maxRecords: 1, maxBytes: 1) }
    }

    /// A record larger than all that may wait comes all the same, and what lies behind it.
    @Test func aRecordLargerThanTheRoomIsRead() throws {
        var limits = KafkaLimits()
        (limits.bytesAhead, limits.bytesAheadOfOnePartition) = (10, 10)
        let log = try makeLog(partitions: 2, limits: limits)
        for size in [5_000, 1, 0, 7_000] {
            try log.append([NewRecord(key: nil, payload: [UInt8](repeating: 1, count: size))], to: Partition(1))
        }
        #expect(log.readAhead([LogPlace(Partition(0), .zero), LogPlace(Partition(1), .zero)]).count == 2)
        #expect(try log.read(Partition(0), from: .zero, maxRecords: 10, maxBytes: 10).isEmpty)
        var sizes: [Int] = []
        while sizes.count < 4 {
            let batch = try log.read(Partition(1), from: Offset(Int64(sizes.count)), maxRecords: 10, maxBytes: 10)
            #expect(batch.count > 0)
            sizes += (0..<batch.count).map { batch.payloads[$0].count }
        }
        #expect(sizes == [5_000, 1, 0, 7_000])
    }

    @Test func whoeverWantsNoHeadersGetsNone() throws {
        let broker = try sharedBroker.get()
        var settings = try KafkaSettings(broker, topic: broker.makeTopic(partitions: 1))
        settings.readsHeaders = false
        let log = try KafkaLog(source: "s", settings: settings)
        try log.append([NewRecord(key: [1], payload: [2], headers: [RecordHeader(name: [65], value: [66])])], to: nil)
        let batch = try log.read(Partition(0), from: .zero, maxRecords: 10, maxBytes: 100)
        #expect(batch.count == 1 && batch.headers == nil && Array(batch.payloads[0]) == [2])
    }

    @Test func headersKeysAndTombstonesComeBack() throws {
        let log = try makeLog(partitions: 1)
        let headers = [
            RecordHeader(name: Array("trace".utf8), value: [1, 0, 255]), RecordHeader(name: [], value: nil),
            RecordHeader(name: Array("trace".utf8), value: []),
        ]
        let records = [
            NewRecord(key: [1], payload: nil), NewRecord(key: nil, payload: [], headers: headers), NewRecord(key: [], payload: [7]),
        ]
        _ = try log.append(records, to: Partition(0))
        let batch = try log.read(Partition(0), from: .zero, maxRecords: 10, maxBytes: 100)
        #expect(batch.count == 3)
        #expect((0..<3).map { batch.payloads.isNull($0) } == [true, false, false])
        #expect((0..<3).map { batch.keys.isNull($0) } == [false, true, false])
        let found = try #require(batch.headers)
        #expect((0..<3).map { found.isNull($0) } == [true, false, true])
        #expect(RecordHeaders.decode(found[1]) == headers)
        // Once more, from what was kept.
        let again = try log.read(Partition(0), from: Offset(1), maxRecords: 1, maxBytes: 100)
        #expect(again.offsets == [1])
        #expect(try RecordHeaders.decode(#require(again.headers)[0]) == headers)
    }

    /// Control records and what compaction took are holes: no records, and a read passes over them, from whatever offset and in batches of any
    /// size. Also where a hole is the end of the partition.
    @Test func holesAreNoRecords() throws {
        let broker = try TestBroker()
        let topic = try broker.makeTopic(partitions: 1)
        let raw = RawProducer(broker)
        // Offsets: 0 1 and a commit; 3 to 12, of which 3, 7 and 11 are left; 13 and a commit; two commits in a row.
        try raw.write(.records([(0, "at 0"), (1, "at 1")], size: 2, isTransactional: true), topic: topic)
        try raw.write(.commit, topic: topic)
        let thinned = [(0, "at 3"), (4, "at 7"), (8, "at 11")].map { ($0.0, $0.1 + String(repeating: " ", count: 40)) }
        try raw.write(.records(thinned, size: 10, isTransactional: false), topic: topic)
        try raw.write(.records([(0, "at 13")], size: 1, isTransactional: true), topic: topic)
        for _ in 0..<3 { try raw.write(.commit, topic: topic) }
        let expected: [Int64] = [0, 1, 3, 7, 11, 13]

        for from in 0...Int64(16) {
            for size in [1, 2, 100] {
                let log = try KafkaLog(source: "s", settings: KafkaSettings(broker, topic: topic))
                #expect(try log.bounds(of: Partition(0)) == .zero..<Offset(17))
                var offsets: [Int64] = []
                var position = Offset(from)
                while position < Offset(17) {
                    let batch = try log.read(Partition(0), from: position, maxRecords: size, maxBytes: 1_000)
                    #expect(batch.nextOffset > position && batch.count <= size)
                    for row in 0..<batch.count { #expect(batch.payloads.string(row).hasPrefix("at \(batch.offsets[row])")) }
                    offsets += batch.offsets
                    position = batch.nextOffset
                }
                #expect(offsets == expected.filter { $0 >= from } && position == Offset(17), "from \(from), \(size) at once")
            }
        }
    }

    @Test(arguments: ["gzip", "snappy", "lz4", "zstd"])
    func compressedTopicsAreRead(codec: String) throws {
        let log = try makeLog(partitions: 1, properties: ["compression.codec": codec])
        let payload = [UInt8](repeating: 65, count: 2_000)
        try log.append((0..<100).map { _ in NewRecord(key: nil, payload: payload) }, to: nil)
        var position = Offset.zero
        while position < Offset(100) {
            let batch = try log.read(Partition(0), from: position, maxRecords: 100, maxBytes: 1 << 20)
            #expect(batch.count > 0)
            for row in 0..<batch.count { #expect(Array(batch.payloads[row]) == payload) }
            position = batch.nextOffset
        }
    }

    /// The mock keeps 5 MiB a partition: Kafka's retention, in small.
    @Test func whatRetentionTookIsGone() throws {
        let log = try makeLog(partitions: 1)
        for _ in 0..<12 { try log.append([NewRecord(key: nil, payload: [UInt8](repeating: 0, count: 900_000))], to: nil) }
        let bounds = try log.bounds(of: Partition(0))
        #expect(bounds.lowerBound > .zero && bounds.upperBound == Offset(12))
        let error = #expect(throws: ParallaxError.self) { try log.read(Partition(0), from: .zero, maxRecords: 1, maxBytes: 1) }
        #expect(error?.code == .offsetGone && error?.detail?.contains("from \(bounds.lowerBound) up to") == true)
        // The reader is not broken by it.
        #expect(try log.read(Partition(0), from: bounds.lowerBound, maxRecords: 1, maxBytes: 1).offsets == [bounds.lowerBound.rawValue])
    }

    private func makeLog(
        partitions: Int, properties: [String: String] = [:], limits: KafkaLimits = KafkaLimits(), patience: Duration = .seconds(5)
    ) throws -> KafkaLog {
        let broker = try sharedBroker.get()
        var settings = try KafkaSettings(broker, topic: broker.makeTopic(partitions: partitions), properties: properties)
        settings.limits = limits
        settings.readPatience = patience
        return try KafkaLog(source: "s", settings: settings)
    }
}
