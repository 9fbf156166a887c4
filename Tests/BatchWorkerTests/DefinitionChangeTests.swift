import Archive
import BatchLayer
import Catalog
import Logging
import ParallaxCore
import ServingViews
import Testing
import ViewLanguage

@testable import BatchWorker

/// Definitions that are applied while a run is under way.
@Suite struct DefinitionChangeTests {
    private static func definitions(_ views: String, extraColumn: String = "referrer text, ") throws -> Definitions {
        let source = Pipeline.sourceSQL.replacing("(\n  event_id text,", with: "(\n  \(extraColumn)event_id text,")
        let compilation = compile([SQLFile(path: "v.sql", text: source + views)])
        return try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered).joined(separator: "\n"))")
    }

    private static func apply(_ definitions: Definitions, _ pipeline: Pipeline) throws(ParallaxError) {
        let partitions = try pipeline.log.partitions().count
        try pipeline.catalog.apply(definitions, partitions: ["page_view": partitions]) { (connection) throws(ParallaxError) in
            _ = try ServingViews.refresh(connection)
        }
    }

    /// A worker over the source's form of that definition.
    private static func worker(
        _ source: SourceDefinition, _ pipeline: Pipeline, observe: @escaping BatchWorker.Observer = { (_) throws(ParallaxError) in }
    ) throws -> BatchWorker {
        let archive = ParquetArchive(
            writer: try ArchiveWriter(directory: pipeline.folder.path, source: source, log: pipeline.log, limits: pipeline.archiveLimits),
            reader: try ArchiveReader(directory: pipeline.folder.path, source: source))
        var logger = Logger(label: "batch")
        logger.logLevel = .critical
        return BatchWorker(
            dsn: pipeline.dsn, log: pipeline.log, archive: archive, settings: pipeline.settings, logger: logger, observe: observe
        ) { (connection) throws(ParallaxError) in _ = try ServingViews.refresh(connection) }
    }

    @Test(arguments: [RunPhase.waiting, .archiving, .computing, .staging, .publishing])
    func aSourceThatChangesUnderARunChangesNoRowOfIt(phase: RunPhase) throws {
        let view = "CREATE MATERIALIZED VIEW by_page AS \(Pipeline.byPage);"
        let wider = try Self.definitions(view)
        let pipeline = try Pipeline(partitions: 2, views: [("by_page", Pipeline.byPage)])
        var traffic = Traffic(seed: 61)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.run()
        try traffic.produce(100, into: pipeline.log)
        let under = try pipeline.worker(observe: once(phase) { () throws(ParallaxError) in try Self.apply(wider, pipeline) })
            .run(source: "page_view", full: false)
        #expect(under.views.map(\.extent) == [.incremental])
        try pipeline.expectServedEqualsOracle("changed while \(phase.rawValue)")

        // An archive that was opened before the change would give this run the wrong columns.
        let refused = #expect(throws: ParallaxError.self) { try pipeline.run() }
        #expect(refused?.code == .busy && refused?.message.contains("changed while the run began") == true)
        try traffic.produce(50, into: pipeline.log)
        let next = try Self.worker(wider.sources[0], pipeline).run(source: "page_view", full: false)
        #expect(next.views.map(\.extent) == [.sourceChanged])
        try pipeline.expectServedEqualsOracle("the first run under the new form")
        let last = try Self.worker(wider.sources[0], pipeline).run(source: "page_view", full: false)
        #expect(last.views.map(\.extent) == [.incremental] && last.views[0].rowsAdded == 0 && last.views[0].rowsClosed == 0)
    }

    @Test(arguments: [RunPhase.archiving, .computing, .staging, .comparing, .publishing])
    func aVersionThatIsHeldPromotedOrAbandonedUnderARunLosesNothing(phase: RunPhase) throws {
        let old = "CREATE MATERIALIZED VIEW by_page AS \(Pipeline.byPage);"
        let new = old.replacing("FROM page_view", with: "FROM page_view WHERE page IS NOT NULL OR page IS NULL")
        let pipeline = try Pipeline(partitions: 1, views: [("by_page", Pipeline.byPage)])
        var traffic = Traffic(seed: 62)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.run()
        func hold() throws(ParallaxError) {
            let definitions: Definitions
            do { definitions = try Self.definitions(new, extraColumn: "") } catch {
                throw ParallaxError(.internalInconsistency, "\(error)")
            }
            try pipeline.catalog.apply(definitions, partitions: ["page_view": 1], holding: true) { _ in }
        }
        func run(_ action: @escaping () throws(ParallaxError) -> Void) throws {
            try traffic.produce(50, into: pipeline.log)
            _ = try pipeline.worker(observe: once(phase, action)).run(source: "page_view", full: false)
            try pipeline.expectServedEqualsOracle("after a run that met a change while \(phase.rawValue)")
        }
        try run { () throws(ParallaxError) in try hold() }
        try run { () throws(ParallaxError) in }
        #expect(try pipeline.catalog.versions(ofView: "by_page").newer?.firstRun != nil)
        try run { () throws(ParallaxError) in
            _ = try pipeline.catalog.promote(view: "by_page") { (connection) throws(ParallaxError) in
                _ = try ServingViews.refresh(connection)
            }
        }
        #expect(try pipeline.catalog.versions(ofView: "by_page").newer == nil)
        try run { () throws(ParallaxError) in }

        // Back: held, computed, and abandoned under a run.
        let definitions = try Self.definitions(old, extraColumn: "")
        try pipeline.catalog.apply(definitions, partitions: ["page_view": 1], holding: true) { _ in }
        try run { () throws(ParallaxError) in }
        try run { () throws(ParallaxError) in _ = try pipeline.catalog.abandon(view: "by_page") }
        try run { () throws(ParallaxError) in }
        #expect(try pipeline.value("SELECT count(*) FROM pg_tables WHERE schemaname IN ('batch', 'speed')") == "2")
    }
}
