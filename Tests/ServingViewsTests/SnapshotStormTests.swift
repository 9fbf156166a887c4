import Catalog
import Foundation
import MergeLaw
import ParallaxCore
import Postgres
import ServingViews
import TestSupport
import Testing
import ViewLanguage

/// Readers with snapshots of all ages, while definitions change, runs publish, versions are promoted and publications reverted at random.
@Suite struct SnapshotStormTests {
    /// A reader's open transaction: what its snapshot says is served.
    private struct Snapshot {
        var run: Int64
        /// By view.
        var versions: [String: Int64]
    }

    /// Views, and the definitions that they may have.
    private static let variants: [String: [Plan]] = [
        "v": [[0], [0, 2], [0, 3, 4]].map { Fixture.plan(measures: $0) } + [Fixture.plan(window: false, measures: [0, 2])],
        "g": [[0], [2, 0], [0, 4]].map { Fixture.plan(window: false, groups: false, measures: $0) },
        "s": [[0], [0, 2]].map { measures in
            var plan = Fixture.plan(measures: measures)
            plan.window?.kind = .session(gap: 60_000_000)
            return plan
        },
    ]

    private static let seeds: [UInt64] =
        ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }.map { [$0] }
        ?? (0..<3).map { _ in UInt64.random(in: 0...UInt64.max) }

    /// I2: an answer is what the snapshot's publication says about the version that the snapshot serves, or an error of the promised kind.
    @Test(arguments: seeds) func I2_readersOfAllAgesGetTheirSnapshotsRowsOrTheError(seed: UInt64) throws {
        print("SEED=\(seed)")
        var random = SeededGenerator(seed: seed)
        let fixture = try Fixture(Self.variants.map { (name: $0.key, plan: $0.value[0]) })
        fixture.patience.tries = 1
        fixture.patience.timeout = .milliseconds(20)
        /// What `views` is in all: by version and run. A version that no run has computed shows nothing.
        var model: [[Int64]: Int64] = [:]
        var readers: [(connection: Connection, snapshot: Snapshot?)] = []
        for _ in 0..<4 { readers.append((try Connection(fixture.dsn), nil)) }
        defer { for reader in readers { reader.connection.close() } }
        var (answered, refused, switches) = (0, 0, 0)

        /// What is not possible now: somebody reads, or the sequence makes no sense. Nothing was changed.
        func attempt(_ body: () throws -> Void) throws {
            do { try body() } catch let error as ParallaxError {
                guard [.busy, .usage].contains(error.code) else { throw error }
            }
        }

        for step in 0..<400 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<5:
                let index = Int.random(in: 0..<readers.count, using: &random)
                if readers[index].snapshot != nil { try readers[index].connection.execute("ROLLBACK") }
                let isolation = Int.random(in: 0..<2, using: &random) == 0 ? "REPEATABLE READ" : "SERIALIZABLE"
                try readers[index].connection.execute("BEGIN ISOLATION LEVEL \(isolation)")
                readers[index].snapshot = try Self.snapshot(readers[index].connection)
            case 5..<12:
                let index = Int.random(in: 0..<readers.count, using: &random)
                guard let snapshot = readers[index].snapshot else { continue }
                let view = Self.variants.keys.sorted()[Int.random(in: 0..<3, using: &random)]
                do {
                    let found = try readers[index].connection.query("SELECT coalesce(sum(views), 0)::bigint FROM serving.\(view)").rows[0]
                        .int(0)
                    let version = try #require(
                        snapshot.versions[view], "step \(step), seed \(seed): \(view) is answered, and not served in the snapshot")
                    #expect(
                        found == model[[version, snapshot.run]] ?? 0,
                        "step \(step), seed \(seed): \(view), version \(version), run \(snapshot.run)")
                    answered += 1
                } catch let error as ParallaxError {
                    let isGone = try fixture.rows("SELECT to_regclass('serving.\(view)') IS NULL") == ["t"]
                    #expect(error.sqlState == (isGone ? "42P01" : "40001"), "step \(step), seed \(seed): \(error)")
                    try readers[index].connection.execute("ROLLBACK")
                    readers[index].snapshot = nil
                    refused += 1
                }
            case 12..<15:
                var definitions: [(name: String, plan: Plan)] = []
                for (name, plans) in Self.variants.sorted(by: { $0.key < $1.key }) {
                    guard Int.random(in: 0..<8, using: &random) > 0 else { continue }
                    definitions.append((name: name, plan: plans[Int.random(in: 0..<plans.count, using: &random)]))
                }
                let holding = Int.random(in: 0..<4, using: &random) == 0
                try attempt { try Self.apply(fixture, definitions, holding: holding) }
            case 15..<18:
                try attempt { switches += try Self.publish(fixture, &model) }
            case 18:
                let view = Self.variants.keys.sorted()[Int.random(in: 0..<3, using: &random)]
                let isPromoted = Int.random(in: 0..<3, using: &random) > 0
                try attempt {
                    if isPromoted {
                        _ = try fixture.catalog.promote(view: view) { connection throws(ParallaxError) in
                            if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
                        }
                        switches += 1
                    } else {
                        _ = try fixture.catalog.abandon(view: view)
                    }
                }
            default:
                let source = try fixture.catalog.source(named: "page_view")
                let kept = try fixture.connection.query("SELECT run_id FROM parallax.publication ORDER BY 1").ints(0)
                if Int.random(in: 0..<2, using: &random) == 0, let run = kept.first {
                    try attempt {
                        try fixture.catalog.revert(source: source, to: RunNumber(run)) { connection throws(ParallaxError) in
                            _ = try ServingViews.refresh(connection)
                        }
                    }
                } else {
                    try attempt { try fixture.catalog.cleanUp(source: source.id, keep: 2) }
                }
            }
            // Whoever begins now sees what is served now.
            let now = try Self.snapshot(fixture.connection)
            for (view, version) in now.versions {
                let found = try fixture.connection.query("SELECT coalesce(sum(views), 0)::bigint FROM serving.\(view)").rows[0].int(0)
                #expect(
                    found == model[[version, now.run]] ?? 0, "step \(step), seed \(seed): \(view), version \(version), run \(now.run), now")
            }
        }
        print("\(answered) answers, \(refused) refused, \(switches) switches")
        #expect(
            answered > 20 && refused > 5 && switches > 2,
            "\(answered) answers, \(refused) refused, \(switches) switches: the storm tests little")
    }

    private static func snapshot(_ connection: Connection) throws -> Snapshot {
        let run = try connection.query("SELECT run FROM parallax.published").rows[0].int(0)
        var versions: [String: Int64] = [:]
        for row in try connection.query("SELECT name, active_version_id FROM parallax.view WHERE active_version_id IS NOT NULL").rows {
            versions[try row.text(0)] = try row.optionalInt(1)
        }
        return Snapshot(run: run, versions: versions)
    }

    private static func apply(_ fixture: Fixture, _ views: [(name: String, plan: Plan)], holding: Bool) throws {
        let definitions = Definitions(
            sources: [Fixture.source],
            views: views.map { ViewDefinition(name: $0.name, plan: $0.plan, selectText: "SELECT …", version: $0.plan.version) },
            overlays: [])
        try fixture.catalog.apply(definitions, partitions: ["page_view": 2], holding: holding) { connection throws(ParallaxError) in
            if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
        }
    }

    /// A run that gives every version a row of its own. Returns how many versions it brought into service.
    private static func publish(_ fixture: Fixture, _ model: inout [[Int64]: Int64]) throws -> Int {
        let catalog = fixture.catalog
        let run = try catalog.beginRun(source: try catalog.source(named: "page_view"), isFull: false)
        let before = try snapshot(fixture.connection).versions
        do throws(ParallaxError) {
            _ = try catalog.completeBoundaries(run, logEnds: [:])
            var staged: [[Int64]: Int64] = [:]
            for version in try catalog.versions(for: run) {
                let table = StateTables(version).batchTable
                let views = run.number.rawValue * 1_000 + version.id.rawValue
                var columns = [
                    "from_run": "\(run.number)", "m\(version.plan.measures.firstIndex { $0.function == .countRows } ?? 0)_n": "\(views)",
                ]
                if version.plan.window != nil { columns["window_start"] = "'2026-01-01Z'" }
                if version.plan.window?.kind.sessionGap != nil { columns["session_last"] = "'2026-01-01Z'" }
                for column in StateTables(version).batch.states {
                    if column.rule == .count, columns[column.name] == nil { columns[column.name] = "0" }
                }
                let names = columns.keys.sorted()
                try fixture.connection.execute(
                    """
                    UPDATE \(table) SET until_run = \(run.number) WHERE until_run = \(StateTables.openRun);
                    INSERT INTO \(table) (\(names.joined(separator: ", "))) VALUES (\(names.map { columns[$0] ?? "" }.joined(separator: ", ")))
                    """)
                staged[[version.id.rawValue, run.number.rawValue]] = views
                try catalog.markFirstRun(version, run)
            }
            try catalog.publish(run, cut: Cut(try catalog.boundaries(of: run))) { connection throws(ParallaxError) in
                if let refusal = try ServingViews.refresh(connection).first { throw refusal.error }
            }
            model.merge(staged) { $1 }
            try catalog.endRun(run)
        } catch {
            try catalog.endRun(run, error: error)
            throw error
        }
        return try snapshot(fixture.connection).versions.count { before[$0.key] != $0.value }
    }
}
