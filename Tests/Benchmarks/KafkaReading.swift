import Glibc
import KafkaLog
import ParallaxCore

/// `benchmarks --read-topic BROKERS TOPIC PARTITIONS PASSES copied|headers [PROPERTY VALUE ...]`, as `bare-consumer` takes them: our client alone, reading a topic to its end as a speed worker
/// does, and throwing the batches away. Prints what `bare-consumer` prints: records, bytes, wall seconds, processor seconds.
enum KafkaReading {
    static func run(_ words: [String]) throws -> Int32 {
        guard words.count >= 5, let passes = Int(words[3]) else { return 64 }
        var settings = KafkaSettings(brokers: words[0], topic: words[1])
        settings.readsHeaders = words[4] == "headers"
        for index in stride(from: 5, to: words.count - 1, by: 2) { settings.properties[words[index]] = words[index + 1] }
        var bytes = 0
        let stage = try Stage.measure("our client", unit: "records") {
            var records = 0
            for _ in 0..<passes {
                let batches = try read(settings)
                records += batches.records
                bytes += batches.bytes
            }
            return records
        }
        print(stage.count, bytes, stage.seconds, stage.cpuSeconds)
        return 0
    }

    private static func read(_ settings: KafkaSettings) throws -> (records: Int, bytes: Int) {
        let log = try KafkaLog(source: "bench", settings: settings)
        let ends = try log.bounds(of: log.partitions()).mapValues(\.upperBound)
        var places = ends.keys.sorted().map { LogPlace($0, .zero) }
        var records = 0
        var bytes = 0
        while !places.isEmpty {
            var next: [LogPlace] = []
            let from = Dictionary(uniqueKeysWithValues: places.map { ($0.partition, $0.offset) })
            for partition in log.readAhead(places) {
                let batch = try log.read(partition, from: from[partition] ?? .zero, maxRecords: 8_192, maxBytes: 4 << 20)
                records += batch.count
                bytes += batch.payloads.byteCount
                if let end = ends[partition], batch.nextOffset < end { next.append(LogPlace(partition, batch.nextOffset)) }
            }
            places = next
        }
        return (records, bytes)
    }
}
