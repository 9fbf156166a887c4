import ParallaxCore

/// Time as a worker sees it; a test brings its own.
public protocol WorkerClock: Sendable {
    /// Never goes back; counts from wherever it likes.
    func elapsed() -> Duration
    /// What the time of day is, as far as this machine knows: it may jump, in both directions.
    func wallTime() -> Instant
    /// Returns after the time, or earlier when the signal is given.
    func wait(_ time: Duration, or stop: StopSignal)
}

public struct SystemClock: WorkerClock {
    private let start = ContinuousClock.now
    public init() {}
    public func elapsed() -> Duration { ContinuousClock.now - start }
    public func wallTime() -> Instant { systemClock() }
    public func wait(_ time: Duration, or stop: StopSignal) { stop.wait(atMost: time) }
}
