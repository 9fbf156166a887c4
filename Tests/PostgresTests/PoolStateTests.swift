import Testing

@testable import Postgres

@Suite struct PoolStateTests {
    private func worker(_ offer: PoolState<String>.Offer) -> Int? {
        if case .run(let worker, _) = offer { worker } else { nil }
    }

    private func number(_ offer: PoolState<String>.Offer) -> UInt64? {
        switch offer {
        case .run(_, let number), .wait(let number): number
        case .refuse, .closed: nil
        }
    }

    @Test func jobsGoToWhoIsFreeAndThenWaitInOrder() {
        var state = PoolState<String>(workers: 2, maxWaiting: 2)
        #expect(worker(state.offer("a")) == 0)
        #expect(worker(state.offer("b")) == 1)
        let third = state.offer("c")
        #expect(worker(third) == nil && number(third) != nil)
        _ = state.offer("d")
        guard case .refuse("e") = state.offer("e") else {
            Issue.record("a line of two took a third")
            return
        }
        #expect(state.busy == 2 && state.waiting == 2)
        #expect(state.finished(1)?.job == "c")
        #expect(state.finished(0)?.job == "d")
        #expect(state.finished(0) == nil && state.finished(1) == nil)
        #expect(state.busy == 0)
        // The last to become free is the first to work.
        #expect(worker(state.offer("f")) == 1)
    }

    @Test func whoeverLeavesTheLineIsNotCalled() {
        var state = PoolState<String>(workers: 1, maxWaiting: 10)
        let running = number(state.offer("a"))
        let waiting = ["b", "c", "d"].compactMap { number(state.offer($0)) }
        #expect(state.leave(waiting[1]) == "c")
        #expect(state.leave(waiting[1]) == nil)
        #expect(running.map { state.worker(of: $0) } == 0)
        #expect(running.flatMap { state.leave($0) } == nil, "a job that runs is in no line")
        #expect(state.finished(0)?.job == "b")
        #expect(state.finished(0)?.job == "d")
        #expect(state.finished(0) == nil)
    }

    @Test func aLongLineKeepsItsOrder() {
        var state = PoolState<String>(workers: 1, maxWaiting: 1_000)
        _ = state.offer("first")
        for index in 0..<1_000 { _ = state.offer("\(index)") }
        for index in 0..<1_000 { #expect(state.finished(0)?.job == "\(index)") }
        #expect(state.waiting == 0)
    }

    @Test func aClosedPoolGivesBackWhatWaits() {
        var state = PoolState<String>(workers: 1, maxWaiting: 5)
        _ = state.offer("a")
        _ = state.offer("b")
        #expect(state.close() == ["b"])
        guard case .closed("c") = state.offer("c") else {
            Issue.record("a closed pool took a job")
            return
        }
        #expect(state.finished(0) == nil)
    }
}
