import Operators
import ParallaxCore
import Testing
import ViewLanguage

@testable import BatchLayer

/// COPY text of everything: what PostgreSQL would get.
private func text(_ rows: StateRows) -> String {
    var bytes: [UInt8] = []
    rows.appendCopyText(rows: 0..<rows.count, prefix: [], to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
}

/// Runs the engine over lanes of records, cut into batches of the given size.
private func compute(
    _ lanes: [[Sample.Record]], scope: RunScope, batchSize: Int, limits: BatchLimits = BatchLimits(), expected: Int = 0
) throws(ParallaxError) -> BatchEngine {
    let engine = try BatchEngine(source: Sample.source, scope: scope, limits: limits, expectedEvents: expected)
    for (partition, lane) in lanes.enumerated() {
        for start in stride(from: 0, to: lane.count, by: batchSize) {
            let end = min(start + batchSize, lane.count)
            try engine.add(Sample.batch(partition, from: Int64(start), Array(lane[start..<end])))
        }
    }
    return engine
}

private func wholeCut(_ lanes: [[Sample.Record]]) -> Cut {
    var cut = Cut()
    for (partition, lane) in lanes.enumerated() { cut[Partition(partition)] = Offset(Int64(lane.count)) }
    return cut
}

private func fullScope(_ plans: [Plan], cut: Cut) -> RunScope {
    let touched = TouchedWindows(plans: [], reasons: [], source: Sample.source, base: Cut(), cut: cut)
    return RunScope(plans: plans, reasons: plans.map { _ in .asked }, touched: touched, base: Cut(), cut: cut)
}

@Suite struct EngineTests {
    @Test(arguments: [1, 2, 3] as [UInt64]) func I3_batchSizesAndReservedMemoryChangeNoRow(seed: UInt64) throws {
        let lanes = Sample.log(seed: seed, partitions: 3, records: 3_000)
        let plans = [Sample.plan(), Sample.plan(window: nil)]
        let scope = fullScope(plans, cut: wholeCut(lanes))
        let once = try compute(lanes, scope: scope, batchSize: .max / 2)
        let expected = plans.indices.map { text(once.takeRows(view: $0, sketchesForWindowsEndingAfter: nil)) }
        #expect(!expected[0].isEmpty)
        for (size, reserved) in [(1, 0), (7, 3_000), (1_000, 10)] {
            let engine = try compute(lanes, scope: scope, batchSize: size, expected: reserved)
            for view in plans.indices {
                #expect(text(engine.takeRows(view: view, sketchesForWindowsEndingAfter: nil)) == expected[view], "seed \(seed)")
            }
            #expect(engine.statistics == once.statistics)
        }
    }

    /// The slow twin: dictionaries.
    @Test(arguments: [4, 5, 6] as [UInt64]) func theCopyWithTheSmallestOffsetCounts(seed: UInt64) throws {
        let lanes = Sample.log(seed: seed, partitions: 3, records: 2_000)
        let cut = Cut([Partition(0): Offset(400), Partition(1): Offset(10_000), Partition(2): Offset(0)])
        let engine = try compute(lanes, scope: fullScope([Sample.plan()], cut: cut), batchSize: 100)

        var seen: Set<[Int64]> = []
        var sums: [String: (count: Int, amount: Int64)] = [:]
        var duplicates = 0
        var rejected: [RejectionReason: Int] = [:]
        for (partition, lane) in lanes.enumerated() {
            for record in lane.prefix(Int(cut[Partition(partition)].rawValue)) {
                if let reason = record.rejected {
                    rejected[reason, default: 0] += 1
                } else if seen.insert([record.id, record.at]).inserted {
                    let key = "\(record.at / Sample.minute)/\(record.page ?? "null")"
                    sums[key, default: (0, 0)].count += 1
                    sums[key, default: (0, 0)].amount += record.amount
                } else {
                    duplicates += 1
                }
            }
        }
        let rows = engine.takeRows(view: 0, sketchesForWindowsEndingAfter: nil)
        #expect(rows.count == sums.count, "seed \(seed)")
        guard case .column(let windows) = rows.values[0], case .int64(let starts) = windows.storage,
            case .column(let pages) = rows.values[1], case .text(let names) = pages.storage, case .counts(let counts) = rows.values[2],
            case .text(let amounts) = rows.values[3]
        else {
            Issue.record("other columns than expected")
            return
        }
        for row in 0..<rows.count {
            let key = "\(starts[row] / Sample.minute)/\(pages.isNull(row) ? "null" : names.string(row))"
            #expect(sums[key]?.count == Int(counts[row]), "seed \(seed), \(key)")
            #expect(sums[key].map { String($0.amount) } == amounts.string(row), "seed \(seed), \(key)")
        }
        #expect(engine.statistics.duplicates == duplicates)
        #expect(engine.statistics.rejected == rejected)
        #expect(engine.statistics.records == 400 + lanes[1].count)
    }

    /// I3 at every cut: base rows with the touched windows' rows replaced are the full run's rows.
    @Test(arguments: [7, 8] as [UInt64]) func I3_incrementalEqualsFullAtEveryCut(seed: UInt64) throws {
        let lanes = Sample.log(seed: seed, partitions: 2, records: 60, minutes: 6)
        let plan = Sample.plan()
        let whole = wholeCut(lanes)
        func rows(_ scope: RunScope) throws -> [String: String] {
            let engine = try compute(lanes, scope: scope, batchSize: 9)
            let lines = text(engine.takeRows(view: 0, sketchesForWindowsEndingAfter: Instant(microseconds: .max))).split(separator: "\n")
            return Dictionary(
                uniqueKeysWithValues: lines.map { line in
                    let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
                    return ("\(fields[0])\t\(fields[1])", String(line))
                })
        }
        let full = try rows(fullScope([plan], cut: whole))
        for first in 0...lanes[0].count {
            for second in stride(from: 0, through: lanes[1].count, by: 5) {
                let base = Cut([Partition(0): Offset(Int64(first)), Partition(1): Offset(Int64(second))])
                var touched = TouchedWindows(plans: [plan], reasons: [.incremental], source: Sample.source, base: base, cut: whole)
                for (partition, lane) in lanes.enumerated() { touched.add(Sample.batch(partition, from: 0, lane)) }
                let scope = RunScope(plans: [plan], reasons: [.incremental], touched: touched, base: base, cut: whole)
                let kept = try rows(fullScope([plan], cut: base)).filter { key, _ in
                    !isTouched(key, touched.starts[Sample.window().kind] ?? [])
                }
                let replaced = try rows(scope)
                #expect(Set(kept.keys).isDisjoint(with: replaced.keys))
                #expect(kept.merging(replaced) { $1 } == full, "seed \(seed), base \(base)")
            }
        }
    }

    /// I3 at every cut of views without a window: the states of the base and those of the new events, added, are the full run's; or a new copy takes an old
    /// one's place, which is noticed exactly where it does.
    @Test(arguments: [17, 18] as [UInt64]) func I3_newEventsAddedToTheBaseEqualFullAtEveryCut(seed: UInt64) throws {
        let lanes = Sample.log(seed: seed, partitions: 2, records: 60, minutes: 6)
        var plan = Sample.plan(window: nil)
        plan.measures.removeLast()
        let whole = wholeCut(lanes)
        /// By page: count and sum.
        func rows(_ scope: RunScope) throws -> (rows: [String: [Int64]], moved: Int, read: Int) {
            let engine = try compute(lanes, scope: scope, batchSize: 9)
            var rows: [String: [Int64]] = [:]
            for line in text(engine.takeRows(view: 0, sketchesForWindowsEndingAfter: nil)).split(separator: "\n") {
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
                rows[String(fields[0])] = fields[1...].map { Int64($0) ?? 0 }
            }
            return (rows, engine.statistics.movedCopies, engine.statistics.events)
        }
        /// The slow twin: whether some new record is a copy of an old event, and comes before it.
        func moves(_ base: Cut) -> Bool {
            func copies(isNew: Bool) -> [(key: [Int64], place: (Int, Int))] {
                lanes.enumerated().flatMap { partition, lane in
                    lane.enumerated().compactMap { offset, record in
                        record.rejected == nil && (Int64(offset) >= base[Partition(partition)].rawValue) == isNew
                            ? ([record.id, record.at], (partition, offset)) : nil
                    }
                }
            }
            let old = copies(isNew: false)
            return copies(isNew: true).contains { new in
                let mine = old.filter { $0.key == new.key }
                return !mine.isEmpty && mine.allSatisfy { new.place < $0.place }
            }
        }
        let full = try rows(fullScope([plan], cut: whole)).rows
        var moved = 0
        for first in 0...lanes[0].count {
            for second in stride(from: 0, through: lanes[1].count, by: 5) {
                let base = Cut([Partition(0): Offset(Int64(first)), Partition(1): Offset(Int64(second))])
                var touched = TouchedWindows(plans: [plan], reasons: [.added], source: Sample.source, base: base, cut: whole)
                for (partition, lane) in lanes.enumerated() { touched.add(Sample.batch(partition, from: 0, lane)) }
                let scope = RunScope(plans: [plan], reasons: [.added], touched: touched, base: base, cut: whole)
                let added = try rows(scope)
                #expect((added.moved > 0) == moves(base), "seed \(seed), base \(base)")
                moved += added.moved > 0 ? 1 : 0
                guard added.moved == 0 else { continue }
                let together = try rows(fullScope([plan], cut: base)).rows.merging(added.rows) { zip($0, $1).map(+) }
                #expect(together == full, "seed \(seed), base \(base)")
            }
        }
        #expect(moved > 0, "seed \(seed): no copy ever moved")
    }

    private func isTouched(_ key: String, _ starts: Set<Int64>) -> Bool {
        starts.contains { start in
            let minute = start / Sample.minute
            return key.hasPrefix("1970-01-01 00:\(minute < 10 ? "0" : "")\(minute):00")
        }
    }

    @Test func theMemoryLimitSaysWhatNeedsIt() throws {
        let lanes = Sample.log(seed: 9, partitions: 1, records: 5_000)
        let error = #expect(throws: ParallaxError.self) {
            _ = try compute(
                lanes, scope: fullScope([Sample.plan()], cut: wholeCut(lanes)), batchSize: 100, limits: BatchLimits(memoryBytes: 60_000))
        }
        #expect(error?.code == .limit)
        #expect(error?.message.contains("batch.memory_bytes") == true)
        #expect(error?.detail?.contains("events apart") == true && error?.detail?.contains("groups of 1 views") == true)
    }

    @Test func aKnownNumberThatDoesNotFitIsRefusedBeforeAnythingIsRead() {
        let error = #expect(throws: ParallaxError.self) {
            _ = try compute(
                [], scope: fullScope([Sample.plan()], cut: Cut()), batchSize: 1, limits: BatchLimits(memoryBytes: 1 << 20),
                expected: 1_000_000)
        }
        #expect(error?.code == .limit)
    }

    @Test func rejectionsOfAViewAreCountedOncePerEvent() throws {
        // 100 / amount: PostgreSQL raises an error where the amount is 0.
        var plan = Sample.plan()
        plan.measures = [
            .init(
                function: .sum, argument: .arithmetic(.divide, .literal(.int(100), .int8), .column(3, .int8), .int8), filter: nil)
        ]
        func record(_ id: Int64, _ amount: Int64) -> Sample.Record {
            .init(id: id, at: id * Sample.minute, page: "a", amount: amount, rejected: nil)
        }
        let lanes = [[record(1, 0), record(2, 5), record(1, 0), record(3, 0)], [record(3, 0), record(4, 0)]]
        let engine = try compute(lanes, scope: fullScope([plan], cut: wholeCut(lanes)), batchSize: 2)
        #expect(engine.viewRejections == [[.expression: 3]])

        // An incremental run counts those of new events only: the others are in the base's counts.
        let base = Cut([Partition(0): Offset(4)])
        var touched = TouchedWindows(plans: [plan], reasons: [.incremental], source: Sample.source, base: base, cut: wholeCut(lanes))
        touched.add(Sample.batch(1, from: 0, lanes[1]))
        let scope = RunScope(plans: [plan], reasons: [.incremental], touched: touched, base: base, cut: wholeCut(lanes))
        #expect(try compute(lanes, scope: scope, batchSize: 2).viewRejections == [[.expression: 1]])
    }
}
