import ParallaxCore
import Testing

@Suite struct BackoffTests {
    @Test func waitsDoubleUpToTheLongestAndBeginAnewAfterASuccess() {
        var backoff = Backoff(from: .milliseconds(100), upTo: .seconds(1))
        #expect((1...6).map { _ in backoff.failed() } == [100, 200, 400, 800, 1_000, 1_000].map { .milliseconds($0) })
        #expect(backoff.failures == 6)
        backoff.succeeded()
        #expect(backoff.failed() == .milliseconds(100))
    }

    @Test func aFailureForEverOverflowsNothing() {
        var backoff = Backoff(from: .milliseconds(1), upTo: .seconds(1_000_000))
        for _ in 0..<1_000 { _ = backoff.failed() }
        #expect(backoff.failed() == .milliseconds(1 << 16))
    }
}
