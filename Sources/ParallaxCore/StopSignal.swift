import Dispatch
import Synchronization

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
