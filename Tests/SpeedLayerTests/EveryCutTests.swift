import Columns
import Operators
import ParallaxCore
import SpeedLayer
import TestSupport
import Testing
import ViewLanguage

/// Exact states by "window|page", from whichever layer.
private struct MergedClicks: Equatable {
    struct State: Equatable {
        var n: Int64 = 0
        var total: Int64 = 0
        var largest = Int64.min
    }
    var groups: [String: State] = [:]

    mutating func add(_ key: String, n: Int64, total: Int64, largest: Int64) {
        var state = groups[key] ?? State()
        state.n += n
        state.total += total
        state.largest = max(state.largest, largest)
        groups[key] = state
    }

    mutating func add(_ rows: StateRows) throws {
        guard case .column(let windows) = rows.values[0], case .int64(let starts) = windows.storage,
            case .column(let pages) = rows.values[1], case .text(let names) = pages.storage, case .counts(let counts) = rows.values[2],
            case .text(let totals) = rows.values[3], case .column(let extremes) = rows.values[4],
            case .int64(let largest) = extremes.storage
        else { throw ParallaxError(.internalInconsistency, "another layout: \(rows.layout.columns.map(\.name))") }
        for row in 0..<rows.count {
            add(
                "\(starts[row])|\(names.string(row))", n: counts[row], total: try #require(Int64(totals.string(row))),
                largest: largest[row])
        }
    }
}

/// The batch layer's slow twin: every event once, the copy with the smallest (partition, offset); malformed records never.
private func slowTwin(_ lanes: [[Click]], below cut: [Int64]) -> MergedClicks {
    var seen: Set<UInt128> = []
    var merged = MergedClicks()
    for (partition, lane) in lanes.enumerated() {
        for click in lane where click.offset < cut[partition] && !click.isMalformed && seen.insert(click.identity).inserted {
            let minute = Int64((Double(click.at) / 60_000_000).rounded(.down)) * 60_000_000
            merged.add("\(minute)|\(click.page)", n: 1, total: click.amount, largest: click.amount)
        }
    }
    return merged
}

private struct Live {
    var merged = MergedClicks()
    var counts = RecordCounts()
    var late: [Int64: Int64] = [:]
}

/// The speed layer over everything at or above the cut: flushes at random places, and restarts from the last flush at others.
private func live(_ lanes: [[Click]], from cut: [Int64], rules: SpeedRules, seed: UInt64) throws -> Live {
    var random = SeededGenerator(seed: seed)
    var result = Live()
    var positions = cut
    var eventTimes = lanes.map { _ in WatermarkTracker.State() }
    let ends = ends(lanes)
    while (0..<lanes.count).contains(where: { positions[$0] < ends[$0] }) {
        // A process's life.
        var state = SpeedState(source: clicks, rules: rules, now: .zero)
        for partition in lanes.indices {
            state.join(
                PartitionPosition(
                    partition: Partition(partition), slice: .first, next: Offset(positions[partition]),
                    eventTimes: eventTimes[partition]), earliest: .zero, now: .zero)
        }
        state.setViews([SpeedView(id: VersionID(1), name: "clicks", plan: clicksByPage, firstSlice: .first, countsRejections: true)])
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            for partition in lanes.indices {
                let position = state.partitions[partition].next.rawValue
                let end = min(ends[partition], position + Int64.random(in: 0...90, using: &random))
                state.read(lanes[partition], partition: partition, until: end, random: &random)
            }
            // Read and not flushed: lost with the process, read again by the next.
            if Int.random(in: 0..<5, using: &random) == 0 { break }
            let taken = state.takeFlush()
            let flush = try #require(taken)
            for delta in flush.deltas {
                try result.merged.add(delta.rows)
                for late in delta.late { result.late[late.window, default: 0] += late.count }
            }
            result.counts += flush.counts
            #expect(flush.rejected.reduce(0) { $0 + $1.count } == flush.counts.rejected)
            for move in flush.moves {
                #expect(move.from.rawValue == positions[Int(move.partition.rawValue)])
                positions[Int(move.partition.rawValue)] = move.to.rawValue
                eventTimes[Int(move.partition.rawValue)] = move.eventTimes
            }
            state.flushed(flush, slice: .first, now: .zero)
        }
    }
    return result
}

private func ends(_ lanes: [[Click]]) -> [Int64] { lanes.map { ($0.last?.offset ?? -1) + 1 } }

/// Forty cuts through the log, the two ends among them.
private func cuts(_ lanes: [[Click]], _ random: inout SeededGenerator) -> [[Int64]] {
    let ends = ends(lanes)
    return [ends.map { _ in 0 }, ends] + (0..<38).map { _ in ends.map { Int64.random(in: 0...$0, using: &random) } }
}

@Suite struct EveryCutTests {
    private let rules: SpeedRules = {
        var rules = SpeedRules()
        rules.duplicateHorizon = 100_000
        rules.limits.groupsPerFlush = 40
        return rules
    }()

    /// I1: batch(offsets below the cut) + speed(offsets at or above it) = batch(everything), at every cut, with copies, malformed records, holes,
    /// flushes anywhere and restarts. Nothing is late here, and the horizon is as long as the log.
    @Test(arguments: 0..<5 as Range<UInt64>)
    func I1_batchPlusSpeedIsTheWholeAtEveryCut(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let lanes = generateClicks(seed: seed, partitions: Int.random(in: 1...3, using: &random), count: 240, lateOnes: false)
        let whole = slowTwin(lanes, below: ends(lanes))
        for (number, cut) in cuts(lanes, &random).enumerated() {
            let speed = try live(lanes, from: cut, rules: rules, seed: seed << 32 + UInt64(number))
            var merged = slowTwin(lanes, below: cut)
            for (key, state) in speed.merged.groups { merged.add(key, n: state.n, total: state.total, largest: state.largest) }
            #expect(speed.counts.late == 0)
            #expect(merged == whole, "cut \(cut), seed \(seed)")
        }
    }

    /// Where events are late, each is counted for its window instead: batch + speed + late = whole.
    @Test(arguments: 100..<103 as Range<UInt64>)
    func I7_lateEventsAreCountedForTheirWindowsAtEveryCut(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let lanes = generateClicks(seed: seed, partitions: 2, count: 240, lateOnes: true)
        func byWindow(_ merged: MergedClicks) -> [Int64: Int64] {
            var windows: [Int64: Int64] = [:]
            for (key, state) in merged.groups { windows[Int64(key.prefix { $0 != "|" }) ?? 0, default: 0] += state.n }
            return windows
        }
        let whole = byWindow(slowTwin(lanes, below: ends(lanes)))
        for (number, cut) in cuts(lanes, &random).enumerated() {
            let speed = try live(lanes, from: cut, rules: rules, seed: seed << 32 + UInt64(number))
            let sum = byWindow(slowTwin(lanes, below: cut)).merging(byWindow(speed.merged), uniquingKeysWith: +)
                .merging(speed.late, uniquingKeysWith: +)
            #expect(sum == whole, "cut \(cut), seed \(seed)")
            #expect(speed.counts.late == speed.late.values.reduce(0, +))
        }
    }

    /// What a record is depends on the log and the horizon alone, not on reads, flushes and restarts.
    @Test(arguments: 200..<203 as Range<UInt64>)
    func decisionsDoNotDependOnFlushesAndRestarts(seed: UInt64) throws {
        let lanes = generateClicks(seed: seed, partitions: 3, count: 400, lateOnes: true)
        var rules = rules
        rules.duplicateHorizon = 60
        let first = try live(lanes, from: [0, 0, 0], rules: rules, seed: seed)
        for other in 1...8 as ClosedRange<UInt64> {
            let again = try live(lanes, from: [0, 0, 0], rules: rules, seed: seed &+ other << 40)
            #expect(again.counts == first.counts, "seed \(seed), other \(other)")
            #expect(again.merged == first.merged, "seed \(seed), other \(other)")
            #expect(again.late == first.late, "seed \(seed), other \(other)")
        }
        #expect(first.counts.duplicates > 0 && first.counts.late > 0 && first.counts.rejected > 0)
        #expect(first.counts.records == Int64(lanes.reduce(0) { $0 + $1.count }))
    }
}
