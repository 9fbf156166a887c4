import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

/// Every example of docs/reference/sql.md runs: expressions give what stands beside them, here and in PostgreSQL; views are what PostgreSQL makes
/// of the same events, in both layers.
///
/// The first block of the document declares the source. A block `sql expressions` has one expression a line and its value as a comment. A view that
/// PostgreSQL spells otherwise is followed by a block `sql postgresql`.
@Suite(.serialized) struct DocumentedExamplesTests {
    struct Block {
        var tag: String
        var text: String
    }

    static func blocks() throws -> [Block] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().path()
        let text = try String(contentsOf: URL(filePath: root + "../../docs/reference/sql.md"), encoding: .utf8)
        return text.matches(of: /```(sql[a-z ]*)\n((?:.|\n)*?)```/).map { Block(tag: String($0.1), text: String($0.2)) }
    }

    private static func source(_ blocks: [Block]) throws -> String {
        try #require(blocks.first { $0.text.hasPrefix("CREATE FOREIGN TABLE") }).text
    }

    @Test func expressionsGiveWhatTheDocumentSays() throws {
        let blocks = try Self.blocks()
        let examples = blocks.filter { $0.tag == "sql expressions" }.flatMap { block in
            block.text.split(separator: "\n").compactMap { line -> (expression: String, value: String)? in
                guard let match = line.wholeMatch(of: /(.+?)\s+-- (.*)/) else { return nil }
                return (String(match.1), String(match.2))
            }
        }
        #expect(examples.count > 30)
        let outputs = examples.enumerated().map { "last(\($1.expression), event_time) AS x\($0)" }.joined(separator: ", ")
        let pipeline = try LayeredPipeline(
            partitions: 1, sourceSQL: try Self.source(blocks), views: [.init("examples", "SELECT \(outputs) FROM page_view")])
        var traffic = MeasuredTraffic(seed: 1)
        try traffic.produce(3, into: pipeline.log)
        try pipeline.batch()
        try pipeline.speed()
        for layer in ["live", "batch"] {
            for (index, example) in examples.enumerated() {
                let ours = try pipeline.connection.query("SELECT x\(index)::text FROM serving.examples").rows[0][0] ?? "null"
                #expect(ours == example.value, "\(layer): \(example.expression)")
            }
            try pipeline.batch()
        }
        try pipeline.connection.execute("SET TimeZone = 'UTC'")
        for example in examples {
            let theirs = try pipeline.connection.query("SELECT (\(example.expression))::text").rows[0][0] ?? "null"
            #expect(theirs == example.value, "PostgreSQL: \(example.expression)")
        }
    }

    @Test func viewsAreWhatPostgreSQLMakesOfTheSameEvents() throws {
        let blocks = try Self.blocks()
        let sql = blocks.filter { $0.tag == "sql" && $0.text.contains("CREATE ") }.map(\.text).joined(separator: "\n")
        let compilation = compile([SQLFile(path: "sql.md", text: sql)])
        let definitions = try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered).joined(separator: "\n"))")
        var oracles: [String: String] = [:]
        for (block, next) in zip(blocks, blocks.dropFirst()) where next.tag == "sql postgresql" {
            let name = try #require(block.text.firstMatch(of: /CREATE MATERIALIZED VIEW (\w+)/)).1
            oracles[String(name)] = next.text
        }
        #expect(definitions.views.count >= 8)
        let views = definitions.views.map { LayeredPipeline.View($0.name, $0.selectText, oracle: oracles[$0.name]) }
        let exact = Set(definitions.views.filter { !$0.plan.measures.contains(where: \.isEstimatedLive) }.map(\.name))
        let pipeline = try LayeredPipeline(partitions: 2, definitions: definitions, views: views)
        try pipeline.connection.execute(
            """
            INSERT INTO dimension.page_info VALUES ('/0', 'home', 1.5), ('/1', 'shop', 2), ('/2', NULL, NULL);
            INSERT INTO dimension.section VALUES ('home', 'en', 'Home'), ('home', 'de', 'Start'), ('shop', 'de', 'Laden')
            """)
        var traffic = MeasuredTraffic(seed: 5)
        try pipeline.batch()
        for step in ["speed", "merged"] {
            try traffic.produce(400, into: pipeline.log)
            try pipeline.speed()
            try pipeline.expectEqualToOracle(step, only: exact)
            try pipeline.batch()
            try pipeline.expectEqualToOracle("batch after \(step)")
        }
        for overlay in definitions.overlays { _ = try pipeline.rows("SELECT * FROM serving.\(overlay.name)") }
    }
}

extension Plan.Measure {
    fileprivate var isEstimatedLive: Bool { [.countDistinct, .percentileCont, .percentileDisc].contains(function) }
}
