import ParallaxCore
import Testing

@testable import ServingAPI

/// Who reads the events behind a row, and who hears that others do.
@Suite struct ExplanationGateTests {
    private func grant(_ token: Int64?) -> Grant {
        var grant = Grant.everything
        grant.token = token
        return grant
    }

    @Test func oneATokenAndAFewInAll() throws {
        let gate = ExplanationGate(places: 2)
        let first = try gate.enter(grant(1))
        let refused = #expect(throws: Problem.self) { try gate.enter(grant(1)) }
        #expect(refused?.status == .serviceUnavailable && refused?.code == "busy" && refused?.retryAfterSeconds == 1)
        // Without tokens the limit of all is the only one.
        let second = try gate.enter(grant(nil))
        #expect(throws: Problem.self) { try gate.enter(grant(2)) }
        #expect(throws: Problem.self) { try gate.enter(grant(nil)) }
        first.leave()
        let third = try gate.enter(grant(1))
        second.leave()
        third.leave()
        for place in [try gate.enter(grant(nil)), try gate.enter(grant(nil))] { place.leave() }
    }
}
