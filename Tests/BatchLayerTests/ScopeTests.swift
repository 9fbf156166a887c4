import BatchLayer
import Operators
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

private func segment(_ partition: Int, _ offsets: Range<Int64>, events: Int = 1, times: Range<Int64>? = nil) -> Segment {
    Segment(
        name: "\(partition)/\(offsets)", partition: Partition(partition), offsets: Offset(offsets.lowerBound)..<Offset(offsets.upperBound),
        records: offsets.count, events: events, eventTimes: times, bytes: offsets.count)
}

@Suite struct CoverageTests {
    let cut = Cut([Partition(0): Offset(100), Partition(1): Offset(0), Partition(2): Offset(10)])

    @Test func segmentsBehindOneAnotherAreComplete() throws {
        let segments = [segment(0, 40..<130), segment(0, 0..<40), segment(2, 0..<10), segment(0, 130..<200)]
        let coverage = Coverage(of: segments, below: cut)
        #expect(coverage.isComplete)
        try coverage.check(source: "orders")
    }

    @Test func everyGapIsNamed() {
        let coverage = Coverage(of: [segment(0, 10..<40), segment(0, 60..<90)], below: cut)
        let error = #expect(throws: ParallaxError.self) { try coverage.check(source: "orders") }
        #expect(error?.code == .offsetGone)
        #expect(
            error?.detail
                == "missing offsets: partition 0: [0, 10); partition 0: [40, 60); partition 0: [90, 100); partition 2: [0, 10)")
    }

    @Test func whatIsThereTwiceIsAnError() {
        let coverage = Coverage(of: [segment(0, 0..<60), segment(0, 50..<100), segment(2, 0..<10)], below: cut)
        let error = #expect(throws: ParallaxError.self) { try coverage.check(source: "orders") }
        #expect(error?.code == .corrupt)
        #expect(error?.detail == "held by two segments: partition 0: [50, 60)")
    }
}

@Suite struct ScopeTests {
    @Test func whatIsRecomputedInFull() {
        let windowed = Sample.plan()
        let whole = Sample.plan(window: nil)
        #expect(ExtentReason.decide(isFull: true, plan: windowed, baseHasRows: true) == .asked)
        #expect(ExtentReason.decide(isFull: false, plan: windowed, baseHasRows: false) == .newVersion)
        // It counts distinct values.
        #expect(ExtentReason.decide(isFull: false, plan: whole, baseHasRows: true) == .noWindow)
        var sums = whole
        sums.measures.removeLast()
        #expect(ExtentReason.decide(isFull: false, plan: sums, baseHasRows: true) == .added)
        var longest = sums
        longest.measures[0] = .init(function: .max, argument: .literal(.null, .interval), filter: nil)
        #expect(ExtentReason.decide(isFull: false, plan: longest, baseHasRows: true) == .noWindow)
        for plan in [windowed, whole] {
            #expect(
                ExtentReason.decide(isFull: false, plan: plan, baseHasRows: true, changes: [.source, .history, .tables]) == .sourceChanged)
            #expect(ExtentReason.decide(isFull: false, plan: plan, baseHasRows: true, changes: [.history, .tables]) == .historyChanged)
            #expect(ExtentReason.decide(isFull: false, plan: plan, baseHasRows: true, changes: .tables) == .tableChanged)
            #expect(ExtentReason.decide(isFull: true, plan: plan, baseHasRows: true, changes: .tables) == .asked)
        }
        #expect(ExtentReason.decide(isFull: false, plan: windowed, baseHasRows: true) == .incremental)
        let sessions = Sample.plan(window: .init(name: "s", kind: .session(gap: 1)))
        #expect(ExtentReason.decide(isFull: false, plan: sessions, baseHasRows: true) == .sessions)
        #expect(ExtentReason.decide(isFull: false, plan: sessions, baseHasRows: false) == .newVersion)
    }

    @Test func onlyRecordsBetweenTheCutsTouchWindows() {
        let minute = Sample.minute
        var touched = TouchedWindows(
            plans: [Sample.plan(), Sample.plan(window: Sample.window(minutes: 5))], reasons: [.incremental, .incremental],
            source: Sample.source,
            base: Cut([Partition(0): Offset(1)]), cut: Cut([Partition(0): Offset(4), Partition(1): Offset(9)]))
        func record(_ id: Int64, _ minutes: Int64, _ rejected: RejectionReason? = nil) -> Sample.Record {
            Sample.Record(id: id, at: minutes * minute + 7, page: "a", amount: 1, rejected: rejected)
        }
        touched.add(Sample.batch(0, from: 0, [record(1, 1), record(2, 2), record(3, 3, .wrongType), record(4, 14), record(5, 5)]))
        touched.add(Sample.batch(1, from: 0, [record(6, -1)]))
        #expect(touched.starts[Sample.window().kind] == [2 * minute, 14 * minute, -minute])
        #expect(touched.starts[Sample.window(minutes: 5).kind] == [0, 10 * minute, -5 * minute])
        #expect(touched.statistics.records == 4 && touched.statistics.events == 3)
        #expect(touched.statistics.rejected == [.wrongType: 1])
        #expect(touched.withoutWindow.isEmpty)
    }

    @Test func aFilterDoesNotKeepAWindowFromBeingTouched() {
        let never = Expression.isNull(.column(0, .int8))
        var touched = TouchedWindows(
            plans: [Sample.plan(filter: never)], reasons: [.incremental], source: Sample.source, base: Cut(),
            cut: Cut([Partition(0): Offset(9)]))
        touched.add(Sample.batch(0, from: 0, [.init(id: 1, at: 5, page: "a", amount: 1, rejected: nil)]))
        #expect(touched.starts[Sample.window().kind] == [0])
    }

    @Test func segmentsWithoutTouchedTimesAreNotRead() {
        let minute = Sample.minute
        let cut = Cut([Partition(0): Offset(50), Partition(1): Offset(50)])
        let base = Cut([Partition(0): Offset(40), Partition(1): Offset(50)])
        var touched = TouchedWindows(plans: [Sample.plan()], reasons: [.incremental], source: Sample.source, base: base, cut: cut)
        touched.add(Sample.batch(0, from: 40, [.init(id: 1, at: 3 * minute, page: nil, amount: 1, rejected: nil)]))
        touched.add(Sample.batch(0, from: 41, [.init(id: 2, at: 9 * minute, page: nil, amount: 1, rejected: nil)]))
        let before = segment(1, 0..<20, times: 0..<(3 * minute))
        let inside = segment(1, 20..<40, times: (3 * minute + 5)..<(3 * minute + 6))
        let between = segment(1, 40..<60, times: (4 * minute)..<(9 * minute))
        let unknown = segment(0, 20..<40)
        let none = segment(0, 0..<20, events: 0)
        let above = segment(0, 50..<70, times: 0..<(20 * minute))
        let new = segment(0, 40..<50, times: (3 * minute)..<(10 * minute))
        let all = [new, above, before, inside, between, unknown, none]

        let scope = RunScope(plans: [Sample.plan()], reasons: [.incremental], touched: touched, base: base, cut: cut)
        #expect(scope.segments(of: all) == [unknown, new, inside])
        #expect(!scope.readsEverything)
        #expect(RunScope.newSegments(of: all, base: base, cut: cut) == [new])

        let full = RunScope(
            plans: [Sample.plan(), Sample.plan(window: nil)], reasons: [.incremental, .noWindow], touched: touched, base: base, cut: cut)
        #expect(full.segments(of: all) == [none, unknown, new, before, inside, between])
        #expect(full.readsEverything)
        #expect(full.sourceColumns == [0, 1, 2, 3])
    }

    @Test func newTimesAreHeldByFewRanges() {
        var few = NewEventTimes(most: 8)
        for time in [5, 7, 5, -1] as [Int64] { few.insert(time) }
        #expect(EventTimeRanges(few.ranges).ranges == [-1..<0, 5..<6, 7..<8])
        var many = NewEventTimes(most: 8)
        var random = SeededGenerator(seed: 3)
        let times = (0..<1_000).map { _ in Int64.random(in: -1_000_000...1_000_000, using: &random) } + [.min, .max - 1]
        for time in times { many.insert(time) }
        let ranges = EventTimeRanges(many.ranges)
        #expect(many.ranges.count <= 8 && times.allSatisfy(ranges.contains))
    }

    /// What is read for a view that new events are added to: the segments that may hold copies of them.
    @Test func onlySegmentsWithTheNewEventsTimesAreReadForCopies() {
        let minute = Sample.minute
        let cut = Cut([Partition(0): Offset(50), Partition(1): Offset(50)])
        let base = Cut([Partition(0): Offset(40), Partition(1): Offset(50)])
        let plan = Sample.plan(window: nil)
        var touched = TouchedWindows(plans: [plan], reasons: [.added], source: Sample.source, base: base, cut: cut)
        touched.add(Sample.batch(0, from: 40, [.init(id: 1, at: 3 * minute, page: nil, amount: 1, rejected: nil)]))
        let new = segment(0, 40..<50, times: (3 * minute)..<(3 * minute + 1))
        let copies = segment(1, 0..<20, times: minute..<(3 * minute + 1))
        let before = segment(1, 20..<40, times: 0..<(3 * minute))
        let after = segment(1, 40..<50, times: (3 * minute + 1)..<(9 * minute))
        let scope = RunScope(plans: [plan], reasons: [.added], touched: touched, base: base, cut: cut)
        #expect(scope.segments(of: [new, copies, before, after]) == [new, copies])
        #expect(!scope.readsEverything)
    }
}
