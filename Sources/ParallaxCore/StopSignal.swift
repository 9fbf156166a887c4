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
        // Whoever is woken wakes the next: the signal stays given.
        if semaphore.wait(timeout: .now() + .nanoseconds(max(.zero, time).nanoseconds)) == .success { semaphore.signal() }
    }
}
