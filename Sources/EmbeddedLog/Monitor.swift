import Glibc

/// A value behind a lock, for threads that wait until it has changed.
/// `@unchecked Sendable`: `state` is touched only between lock and unlock of `mutex`.
final class Monitor<State>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        let made = (pthread_mutex_init(mutex, nil), pthread_cond_init(changed, nil))
        precondition(made == (0, 0), "no mutex: \(made)")
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Changes the state and wakes whoever waits.
    func change<R>(_ body: (inout State) -> R) -> R {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
        }
        return body(&state)
    }

    /// Tries now and after every change, until `attempt` gives something.
    func wait<R>(until attempt: (inout State) -> R?) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = attempt(&state) { return result }
            pthread_cond_wait(changed, mutex)
        }
    }
}
