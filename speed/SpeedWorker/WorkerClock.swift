import Dispatch
import ParallaxCore
import Synchronization

/// Time as a worker sees it; a test brings its own.
public protocol WorkerClock: Sendable {
    /// Never goes back; counts from wherever it likes.
    func elapsed() -> Duration
    /// Returns after the time, or earlier when the signal is given.
    func wait(_ time: Duration, or stop: StopSignal)
}

public struct SystemClock: WorkerClock {
    private let start = ContinuousClock.now
    public init() {}
    public func elapsed() -> Duration { ContinuousClock.now - start }
    public func wait(_ time: Duration, or stop: StopSignal) { stop.wait(atMost: time) }
}

/// Given once, from any thread; stays given.
public final class StopSignal: Sendable {
    private let isGiven = Mutex(false)
    private let semaphore = DispatchSemaphore(value: 0)

    public init() {}

    public var isSet: Bool { isGiven.withLock { $0 } }

    public func give() {
        isGiven.withLock { $0 = true }
        semaphore.signal()
    }

    /// Blocks the calling thread.
    public func wait(atMost time: Duration) {
        let (seconds, attoseconds) = max(.zero, time).components
        let nanoseconds = Int(clamping: seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        // Whoever is woken wakes the next: the signal stays given.
        if semaphore.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success { semaphore.signal() }
    }
}
