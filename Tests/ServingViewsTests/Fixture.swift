import MergeLaw
import Testing
import Catalog
import Columns
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import ViewLanguage

/// A source and a view with every kind of state, in a database of their own.
final class Fixture {
    let dsn: String
    let connection: Connection
    var patience = LockPatience()
    var catalog: Catalog { Catalog(connection, patience: patience) }

    static let source = SourceDefinition(
        name: "page_view", topic: "page_view",
        columns: [
            .init(name: "event_id", type: .uuid), .init(name: "event_time", type: .timestamptz), .init(name: "visitor", type: .text),
            .init(name: "page", type: .text), .init(name: "amount", type: .numeric(precision: 12, scale: 2)),
            .init(name: "duration_ms", type: .int8), .init(name: "score", type: .float8),
        ], eventIDColumn: 0, eventTimeColumn: 1, outOfOrderness: 5_000_000, lateness: 3_600_000_000)

    static let page = Expression.column(3, .text)
    static let measures: [Plan.Measure] = [
        .init(function: .countRows, argument: nil, filter: nil),
        .init(function: .countDistinct, argument: .column(2, .text), filter: nil),
        .init(function: .sum, argument: .column(4, .numeric(precision: 12, scale: 2)), filter: nil),
        .init(function: .avg, argument: .column(5, .int8), filter: nil),
        .init(function: .max, argument: .column(5, .int8), filter: nil),
        .init(function: .sum, argument: .column(6, .float8), filter: nil),
    ]
    static let names = ["views", "visitors", "revenue", "average_ms", "longest_ms", "score"]

    static func plan(window: Bool = true, groups: Bool = true, measures chosen: [Int] = Array(0..<6)) -> Plan {
        var outputs: [Plan.Output] = []
        if window { outputs.append(.init(name: "minute", value: .window)) }
        if groups { outputs.append(.init(name: "page", value: .group(0))) }
        for (index, measure) in chosen.enumerated() { outputs.append(.init(name: names[measure], value: .measure(index))) }
        return Plan(
            source: source, filter: nil, window: window ? .init(name: "minute", kind: .tumbling(size: 60_000_000, origin: 0)) : nil,
            groups: groups ? [.init(name: "page", expression: page)] : [], isGlobal: !window && !groups,
            measures: chosen.map { measures[$0] }, outputs: outputs)
    }

    init(_ plans: [(name: String, plan: Plan)], overlays: [OverlayDefinition] = []) throws {
        dsn = try TestCluster.shared.freshDatabase()
        connection = try Connection(dsn)
        try Catalog.migrate(connection)
        try apply(plans, overlays: overlays)
    }

    deinit {
        connection.close()
        try? TestCluster.shared.drop(dsn)
    }

    func apply(
        _ plans: [(name: String, plan: Plan)], overlays: [OverlayDefinition] = [], hash: String = "1", holding: Bool = false,
        before: () throws(ParallaxError) -> Void = { () throws(ParallaxError) in }
    ) throws {
        try catalog.apply(Self.definitions(plans, overlays, hash), partitions: ["page_view": 2], holding: holding) {
            connection throws(ParallaxError) in
            try before()
            if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
        }
    }

    static func definitions(_ plans: [(name: String, plan: Plan)], _ overlays: [OverlayDefinition], _ hash: String) -> Definitions {
        Definitions(
            sources: [source],
            views: plans.map { ViewDefinition(name: $0.name, plan: $0.plan, selectText: "SELECT …", version: "\($0.name)\(hash)") },
            overlays: overlays)
    }

    func tables(_ view: String) throws -> StateTables {
        let source = try catalog.source(named: "page_view")
        let version = try catalog.versions(ofSource: source.id).last { $0.viewName == view }
        return StateTables(try #require(version))
    }

    func version(_ view: String) throws -> ViewVersion {
        let source = try catalog.source(named: "page_view")
        return try #require(try catalog.versions(ofSource: source.id).last { $0.viewName == view })
    }

    /// A run that has nothing to compute: publishes a slice boundary at the given offsets.
    /// - Parameter closing: closes the run's slice where a worker holds the partitions.
    func publish(stage: (CatalogRun) throws -> Void = { _ in }, closing: () throws -> Void = {}) throws -> CatalogRun {
        let source = try catalog.source(named: "page_view")
        let run = try catalog.beginRun(source: source, isFull: false)
        try closing()
        _ = try catalog.completeBoundaries(run, logEnds: [:])
        try stage(run)
        for version in try catalog.versions(for: run) { try catalog.markFirstRun(version, run) }
        try catalog.publish(run, cut: Cut(try catalog.boundaries(of: run))) { connection throws(ParallaxError) in
            _ = try ServingViews.refresh(connection)
        }
        try catalog.endRun(run)
        return run
    }

    func rows(_ sql: String) throws -> [String] {
        try connection.query(sql).rows.map { $0.values.map { $0 ?? "null" }.joined(separator: "|") }
    }
}
