import Operators
import ParallaxCore
import SpeedLayer
import TestSupport
import Testing
import ViewLanguage

private let view = SpeedView(id: VersionID(7), name: "clicks", plan: clicksByPage, firstSlice: .first, countsRejections: true)

private func state(_ positions: [PartitionPosition], rules: SpeedRules = SpeedRules(), views: [SpeedView] = [view]) -> SpeedState {
    var state = SpeedState(source: clicks, rules: rules, now: .zero)
    for position in positions { state.join(position, earliest: .zero, now: .zero) }
    state.setViews(views)
    return state
}

private func position(_ partition: Int, slice: Int64 = 1, next: Int64 = 0) -> PartitionPosition {
    PartitionPosition(partition: Partition(partition), slice: SliceNumber(slice), next: Offset(next), eventTimes: WatermarkTracker.State())
}

private func click(_ number: Int64, at seconds: Int64 = 1_000, malformed: Bool = false) -> Click {
    Click(id: number, at: seconds * 1_000_000, page: "/", amount: 1, offset: number, appendedAt: 1_000_000_000, isMalformed: malformed)
}

extension SpeedState {
    fileprivate mutating func take(_ clicks: [Click], partition: Int = 0, now: Duration = .zero) {
        let end = clicks.last.map { $0.offset + 1 } ?? partitions[partition].reading.rawValue
        let (records, events) = batches(clicks[...], partition: partition, end: end)
        receive(records, schemas.map { _ in events }, now: now, arrivedAt: Instant(microseconds: .max))
    }
}

/// `#require` cannot hold a value that is not copyable.
private func taken(_ state: inout SpeedState) throws -> SpeedFlush {
    let flush = state.takeFlush()
    return try #require(flush)
}

@Suite struct SpeedStateTests {
    @Test func aFlushIsDueAfterTheIntervalAndTheFirstRecordNeedNotWait() throws {
        var state = state([position(0)])
        #expect(state.flushReason(now: .zero, requested: nil, isUrgent: false) == nil, "nothing to write")
        state.take([click(0)])
        #expect(state.flushReason(now: .zero, requested: nil, isUrgent: false) == .interval)
        let flush = try taken(&state)
        state.flushed(flush, slice: .first, now: .milliseconds(100))
        state.take([click(1)])
        #expect(state.flushReason(now: .milliseconds(599), requested: nil, isUrgent: false) == nil)
        #expect(state.flushReason(now: .milliseconds(599), requested: nil, isUrgent: true) == nil, "there may be more to read")
        state.take([])
        #expect(state.flushReason(now: .milliseconds(599), requested: nil, isUrgent: true) == .caughtUp)
        #expect(state.flushReason(now: .milliseconds(600), requested: nil, isUrgent: false) == .interval)
    }

    @Test func limitsStopReadingUntilAFlush() throws {
        var rules = SpeedRules()
        rules.limits.recordsPerFlush = 3
        rules.limits.recordsPerRead = 2
        var state = state([position(0)], rules: rules)
        #expect(state.nextRead(0)?.maxRecords == 2)
        state.take([click(0), click(1)])
        #expect(state.nextRead(0)?.maxRecords == 1, "no more than there is room for")
        state.take([click(2)])
        #expect(state.nextRead(0) == nil)
        #expect(state.flushReason(now: .zero, requested: nil, isUrgent: false) == .records)
        let flush = try taken(&state)
        state.flushed(flush, slice: .first, now: .zero)
        #expect(state.nextRead(0)?.from == Offset(3))

        rules = SpeedRules()
        rules.limits.groupsPerFlush = 2
        var grouped = SpeedLayerTests.state([position(0)], rules: rules)
        grouped.take([click(0, at: 1_000), click(1, at: 1_100)])
        #expect(grouped.nextRead(0) == nil)
        #expect(grouped.flushReason(now: .zero, requested: nil, isUrgent: false) == .groups)

        rules = SpeedRules()
        rules.limits.bytesPerFlush = 1
        var heavy = SpeedLayerTests.state([position(0)], rules: rules)
        heavy.take([click(0)])
        #expect(heavy.flushReason(now: .zero, requested: nil, isUrgent: false) == .bytes)
    }

    @Test func aRequestedSliceIsFollowedAtOnceAlsoWithNothingToWrite() throws {
        var state = state([position(0), position(1)])
        #expect(state.flushReason(now: .zero, requested: SliceNumber(1), isUrgent: false) == nil)
        #expect(state.flushReason(now: .zero, requested: SliceNumber(3), isUrgent: false) == .sliceRequested)
        state.take([click(0)])
        let flush = try taken(&state)
        #expect(flush.slice == .first, "what was read belongs to the slice that was open while it was")
        state.flushed(flush, slice: SliceNumber(3), now: .zero)
        #expect(state.slice == SliceNumber(3))
        #expect(state.flushReason(now: .zero, requested: SliceNumber(3), isUrgent: false) == nil)
    }

    @Test func aPartitionInAnotherSliceBringsAllToOneBeforeAnythingIsRead() throws {
        var state = state([position(0, slice: 4)])
        state.take([click(0)])
        state.join(position(1, slice: 5, next: 9), earliest: .zero, now: .zero)
        #expect(state.slice == nil)
        #expect(state.nextRead(0) == nil && state.nextRead(1) == nil)
        #expect(state.flushReason(now: .zero, requested: nil, isUrgent: false) == .slicesDiffer)
        let flush = try taken(&state)
        #expect(flush.slice == SliceNumber(4))
        #expect(flush.moves.map(\.slice.rawValue) == [4, 5])
        state.flushed(flush, slice: SliceNumber(5), now: .zero)
        #expect(state.slice == SliceNumber(5))
        #expect(state.nextRead(1)?.from == .zero, "warming up its horizon")
    }

    @Test func aVersionJoinsWithItsSliceAndNotBefore() throws {
        var later = view
        later.id = VersionID(8)
        later.firstSlice = SliceNumber(2)
        var state = state([position(0)], views: [view, later])
        state.take([click(0)])
        var flush = try taken(&state)
        #expect(flush.deltas.map(\.view.id) == [VersionID(7)])
        state.flushed(flush, slice: SliceNumber(2), now: .zero)
        state.setViews([view, later])
        state.take([click(1)])
        flush = try taken(&state)
        #expect(flush.deltas.map(\.view.id) == [VersionID(7), VersionID(8)])
        #expect(flush.deltas.map(\.rows.count) == [1, 1])
    }

    @Test func anIdlePartitionIsMarkedOnceAndWakesWithTheNextRecord() throws {
        var rules = SpeedRules()
        rules.idleAfter = .seconds(5)
        var state = state([position(0)], rules: rules)
        state.take([click(0)], now: .seconds(1))
        let first = try taken(&state)
        state.flushed(first, slice: .first, now: .seconds(1))
        state.take([], now: .seconds(5))
        #expect(state.flushReason(now: .seconds(5), requested: nil, isUrgent: false) == nil)
        state.take([], now: .seconds(6))
        #expect(state.flushReason(now: .seconds(6), requested: nil, isUrgent: false) == .idle)
        let idle = try taken(&state)
        #expect(idle.moves[0].isIdle && idle.counts.records == 0)
        state.flushed(idle, slice: .first, now: .seconds(6))
        #expect(state.flushReason(now: .seconds(60), requested: nil, isUrgent: false) == nil)
        state.take([click(1)], now: .seconds(61))
        let awake = try taken(&state)
        #expect(awake.moves[0].isIdle == false)
    }

    @Test func warmingUpCountsNothing() throws {
        var rules = SpeedRules()
        rules.duplicateHorizon = 10
        var state = state([position(0, next: 20)], rules: rules)
        #expect(state.nextRead(0)?.from == Offset(10))
        // Ten records that others have processed, one of them malformed, and two new ones: a copy and an event.
        var copy = click(15)
        copy.offset = 20
        state.take((10..<20).map { click($0, malformed: $0 == 12) } + [copy, click(21)])
        #expect(!state.partitions[0].isWarmingUp)
        let flush = try taken(&state)
        #expect(flush.counts.duplicates == 1 && flush.counts.events == 1 && flush.counts.records == 2)
        #expect(flush.rejected.isEmpty && flush.samples.isEmpty)
        #expect(flush.moves[0].from == Offset(20) && flush.moves[0].to == Offset(22))
    }

    @Test func lateEventsAreCountedForTheWindowsThatAdmitThem() throws {
        var filtered = view
        filtered.id = VersionID(8)
        filtered.plan.filter = .compare(.equal, .column(2, .text), .literal(.text("/other"), .text))
        var whole = view
        whole.id = VersionID(9)
        whole.plan.window = nil
        var filteredWhole = filtered
        filteredWhole.id = VersionID(10)
        filteredWhole.plan.window = nil
        var state = state([position(0)], views: [view, filtered, whole, filteredWhole])
        // Two events of minute 16, and two of minute 0.
        state.take([click(0, at: 1_000), click(1, at: 1_000), click(2, at: 10), click(3, at: 20)])
        let flush = try taken(&state)
        #expect(flush.counts.late == 2 && flush.counts.events == 2)
        #expect(flush.deltas[0].late.map(\.window) == [0] && flush.deltas[0].late.map(\.count) == [2])
        #expect(flush.deltas[1].late.isEmpty, "its filter would not have taken them")
        #expect(flush.deltas[2].late.map(\.window) == [Plan.noWindow] && flush.deltas[2].late.map(\.count) == [2])
        #expect(flush.deltas[3].late.isEmpty)
    }

    @Test func rejectionsAreAllCountedAndSomeSampled() throws {
        var rules = SpeedRules()
        rules.limits.rejectionSamplesPerFlush = 2
        rules.limits.bytesPerSample = 5
        var state = state([position(0)], rules: rules)
        state.take((0..<6).map { click($0, malformed: true) })
        let flush = try taken(&state)
        #expect(flush.rejected.map(\.key.view) == [""] && flush.rejected.map(\.key.reason) == [.malformedJSON])
        #expect(flush.rejected[0].count == 6)
        #expect(flush.samples.map(\.offset) == [Offset(0), Offset(1)])
        #expect(flush.samples[0].payloadStart == Array("click".utf8))
        state.flushed(flush, slice: .first, now: .zero)
        let next = try taken(&state)
        #expect(next.rejected.isEmpty, "counted once")
    }
}
