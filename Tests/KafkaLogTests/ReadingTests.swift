import ParallaxCore
import TestSupport
import Testing

@testable import KafkaLog

@Suite struct ReadingTests {
    /// Jumps back and forth, with limits of all sizes: every read gives what the offsets say, and nothing of another place.
    @Test(arguments: [1, 2, 3])
    func readsAtRandomPlacesGiveTheRecordsOfThosePlaces(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let log = try makeLog(partitions: 2)
        for _ in 0..<20 {
            let count = Int.random(in: 1...50, using: &random)
            try log.append((0..<count).map { _ in NewRecord(key: nil, payload: nil) }, to: Partition(Int.random(in: 0...1, using: &random)))
        }
        let ends = [try log.bounds(of: Partition(0)).upperBound.rawValue, try log.bounds(of: Partition(1)).upperBound.rawValue]
        for _ in 0..<150 {
            let number = Int.random(in: 0...1, using: &random)
            let from = Int64.random(in: 0...ends[number], using: &random)
            var position = from
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let wanted = Int.random(in: 1...30, using: &random)
                let batch = try log.read(Partition(number), from: Offset(position), maxRecords: wanted, maxBytes: 1 << 20)
                #expect(batch.count <= wanted && (batch.count > 0 || position == ends[number]))
                #expect(batch.offsets == (position..<position + Int64(batch.count)).map { $0 })
                #expect(batch.nextOffset.rawValue == position + Int64(batch.count))
                position = batch.nextOffset.rawValue
            }
        }
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

    private func makeLog(partitions: Int, properties: [String: String] = [:]) throws -> KafkaLog {
        let broker = try sharedBroker.get()
        return try KafkaLog(
            source: "s", settings: KafkaSettings(broker, topic: broker.makeTopic(partitions: partitions), properties: properties))
    }
}
