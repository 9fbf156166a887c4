import Foundation
import ParallaxCore
import TestSupport

/// A schema, records and views over them, and where the first batch run cuts the log. A file with one is a regression test.
struct GeneratedCase: Codable, Hashable {
    var seed: UInt64
    var partitions: Int
    var schema: GeneratedSchema
    var views: [GeneratedView]
    /// In the order of appending.
    var records: [GeneratedEvents.Record]
    /// How many of the records are there when the first run with records begins.
    var cut: Int

    /// - Parameter seed: the same seed gives the same case, on every machine.
    static func random(seed: UInt64, views count: Int, records: Int) -> GeneratedCase {
        var random = SeededGenerator(seed: seed)
        let schema = GeneratedSchema.random(&random)
        let partitions = Int.random(in: 1...3, using: &random)
        var events = GeneratedEvents(schema, partitions: partitions, random: SeededGenerator(seed: random.next()))
        let records = events.records(records)
        var views = GeneratedViews(schema, random: SeededGenerator(seed: random.next()))
        return GeneratedCase(
            seed: seed, partitions: partitions, schema: schema, views: (0..<count).map { views.view("v\($0)") }, records: records,
            cut: Int.random(in: 0...records.count, using: &random))
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(filePath: path))
    }

    static func read(_ path: String) throws -> GeneratedCase {
        try JSONDecoder().decode(GeneratedCase.self, from: Data(contentsOf: URL(filePath: path)))
    }
}
