import ParallaxCore
import Testing

@testable import ServingAPI

/// Who may append, who waits, who is refused; and the memory of bodies.
@Suite struct WriteGateTests {
    /// `e` enters, `l` leaves; then: how many have a turn, and how many wait.
    @Test(arguments: [
        ("e", "go", 1, 0), ("ee", "go", 2, 0), ("eee", "wait", 2, 1), ("eeeee", "refused", 2, 2), ("eel", "no", 1, 0),
        ("eeel", "next", 2, 0),
        ("eeeell", "next", 2, 0), ("eeeelll", "no", 1, 0), ("eeeele", "wait", 2, 2),
    ])
    func turnsGoOnInOrder(steps: String, last: String, taken: Int, waiting: Int) {
        var gate = WriteGateState(turns: 2, places: 2)
        var said = ""
        for step in steps { said = step == "e" ? "\(gate.enter())" : gate.leave() ? "next" : "no" }
        #expect(said == last && gate.taken == taken && gate.waiting == waiting)
    }

    @Test func whoeverWaitsGetsATurnInItsOrder() async throws {
        let gate = WriteGate(turns: 1, places: 100)
        let inside = Inside()
        try await gate.enter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await gate.enter()
                    await inside.enter()
                    await Task.yield()
                    await inside.leave()
                    gate.leave()
                }
            }
            gate.leave()
            try await group.waitForAll()
        }
        #expect(await inside.most == 1)
        // All turns are free again.
        try await gate.enter()
    }

    private actor Inside {
        private var count = 0
        private(set) var most = 0
        func enter() {
            count += 1
            most = max(most, count)
        }
        func leave() { count -= 1 }
    }

    @Test func beyondThePlacesTheAnswerIs429() async throws {
        let gate = WriteGate(turns: 1, places: 0)
        try await gate.enter()
        do {
            try await gate.enter()
            Issue.record("it was let in")
        } catch { #expect(error.status == .tooManyRequests && error.retryAfterSeconds == 1) }
        gate.leave()
        try await gate.enter()
    }

    @Test func bytesAreFreeAgainWithTheRequest() throws {
        let budget = BodyBudget(limit: 100)
        var first: BodyBudget.Share? = budget.share()
        let second = budget.share()
        try first?.take(60)
        try second.take(40)
        #expect { try second.take(1) } throws: { ($0 as? ParallaxError)?.code == .busy }
        #expect(second.wasRefused && first?.wasRefused == false && budget.bytesTaken == 100)
        first = nil
        #expect(budget.bytesTaken == 40)
        try second.take(60)
    }
}
