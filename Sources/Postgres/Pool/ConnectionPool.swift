import Dispatch
import ParallaxCore
import Synchronization

/// A few connections for many who ask, each with a thread of its own: libpq's calls block, and never one of Swift's shared threads.
///
/// A connection is made when it is first needed, and made anew where it was lost: after a restart of the server the next job finds a fresh one. The
/// line of those who wait is bounded in length and in time; whoever gives up in line leaves it, and whoever gives up while the server works has the
/// statement cancelled.
public final class ConnectionPool: Sendable {
    public struct Limits: Sendable {
        /// About as many as the server has cores: more only queue there.
        public var connections = 4
        /// Beyond them the answer is "busy" at once.
        public var waiting = 256
        /// Whoever has waited so long for a connection is told so.
        public var wait = Duration.seconds(5)
        public init() {}
    }

    /// Figures for `/metrics`.
    public struct Statistics: Sendable {
        public var busy: Int
        public var waiting: Int
        /// Since the start.
        public var jobs: Int
        public var refused: Int
        public var timedOut: Int
        public var cancelled: Int
        public var connects: Int
    }

    public typealias Connect = @Sendable () throws(ParallaxError) -> Connection

    private final class Job: Sendable {
        let run: @Sendable (Worker) -> Void
        let fail: @Sendable (ParallaxError) -> Void
        init(run: @escaping @Sendable (Worker) -> Void, fail: @escaping @Sendable (ParallaxError) -> Void) {
            self.run = run
            self.fail = fail
        }
    }

    private struct Shared {
        var state: PoolState<Job>
        var cancellers: [Canceller?]
        /// Whose job was given up while it ran.
        var isCancelled: [Bool]
        var statistics = Statistics(busy: 0, waiting: 0, jobs: 0, refused: 0, timedOut: 0, cancelled: 0, connects: 0)
    }

    public let limits: Limits
    private let shared: Mutex<Shared>
    private let workers: [Worker]

    /// - Parameter connect: makes a connection and sets its session up; called on the thread that uses it.
    public init(_ limits: Limits = Limits(), name: String = "query", connect: @escaping Connect) throws(ParallaxError) {
        self.limits = limits
        shared = Mutex(
            Shared(
                state: PoolState(workers: limits.connections, maxWaiting: limits.waiting),
                cancellers: Array(repeating: nil, count: limits.connections),
                isCancelled: Array(repeating: false, count: limits.connections)))
        workers = (0..<limits.connections).map { Worker(number: $0, connect: connect) }
        for worker in workers { try startThread(name: "\(name) \(worker.number)") { worker.loop() } }
    }

    /// Runs the body with a connection, on that connection's thread. A body that only reads may be tried twice: a connection that died since its last use shows
    /// itself at its first.
    ///
    /// Throws `.busy` where the line is full or the wait too long, `.cancelled` where the task was cancelled, and what the body throws.
    public func run<R: Sendable>(
        retriesLostConnection: Bool = true, _ body: @escaping @Sendable (Connection) throws(ParallaxError) -> R
    ) async throws(ParallaxError) -> R {
        let place = Mutex<Place>(.new)
        let result: Result<R, ParallaxError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let job = Job { worker in
                    continuation.resume(returning: worker.perform(retries: retriesLostConnection, body) { self.watch(worker.number, $0) })
                } fail: {
                    continuation.resume(returning: .failure($0))
                }
                self.enter(job, place)
            }
        } onCancel: {
            let number: UInt64? = place.withLock { current in
                if case .at(let number) = current { return number }
                current = .givenUp
                return nil
            }
            if let number { self.giveUp(number) }
        }
        return try result.get()
    }

    private enum Place { case new, at(UInt64), givenUp }

    private func enter(_ job: Job, _ place: borrowing Mutex<Place>) {
        let offer = shared.withLock { shared in
            let offer = shared.state.offer(job)
            switch offer {
            case .run(let worker, _): shared.isCancelled[worker] = false
            case .refuse: shared.statistics.refused += 1
            case .wait, .closed: break
            }
            return offer
        }
        let number: UInt64
        switch offer {
        case .refuse(let job): return job.fail(busy("\(limits.waiting) requests wait for a connection to PostgreSQL already"))
        case .closed(let job): return job.fail(ParallaxError(.unavailable, "the pool of connections is closed"))
        case .run(let worker, let taken):
            number = taken
            start(job, on: worker)
        case .wait(let taken):
            number = taken
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(limits.wait.nanoseconds)) { self.timeUp(taken) }
        }
        let isGivenUp = place.withLock { current in
            if case .givenUp = current { return true }
            current = .at(number)
            return false
        }
        if isGivenUp { giveUp(number) }
    }

    private func busy(_ words: String) -> ParallaxError {
        ParallaxError(.busy, words, hint: "try again in a moment; serve.connections makes more of them", isRetriable: true)
    }

    private func start(_ job: Job, on worker: Int) {
        workers[worker].give { worker in
            var next: Job? = job
            while let current = next {
                current.run(worker)
                let wasCancelled = self.shared.withLock { shared in
                    // From here on nobody sends a cancel request.
                    shared.cancellers[worker.number] = nil
                    return shared.isCancelled[worker.number]
                }
                // A cancel request may still be on its way: it must not meet the next statement. (Outside of the lock: it says goodbye to the server.)
                if wasCancelled { worker.disconnect() }
                next = self.shared.withLock { shared in
                    shared.statistics.jobs += 1
                    shared.isCancelled[worker.number] = false
                    return shared.state.finished(worker.number)?.job
                }
            }
        }
    }

    /// The worker has a connection now: who gave up meanwhile ends the job before it begins.
    private func watch(_ worker: Int, _ canceller: Canceller?) -> Bool {
        shared.withLock { shared in
            shared.cancellers[worker] = canceller
            return !shared.isCancelled[worker]
        }
    }

    private func timeUp(_ number: UInt64) {
        let job = shared.withLock { shared in
            let job = shared.state.leave(number)
            if job != nil { shared.statistics.timedOut += 1 }
            return job
        }
        job?.fail(busy("no connection to PostgreSQL came free within \(limits.wait)"))
    }

    private func giveUp(_ number: UInt64) {
        let (job, canceller) = shared.withLock { shared -> (Job?, Canceller?) in
            if let job = shared.state.leave(number) {
                shared.statistics.cancelled += 1
                return (job, nil)
            }
            guard let worker = shared.state.worker(of: number) else { return (nil, nil) }
            shared.isCancelled[worker] = true
            shared.statistics.cancelled += 1
            return (nil, shared.cancellers[worker])
        }
        job?.fail(ParallaxError(.cancelled, "nobody waits for the answer any more"))
        // It talks to the server, and waits for it.
        if let canceller { DispatchQueue.global().async { try? canceller.cancel() } }
    }

    public var statistics: Statistics {
        var statistics = shared.withLock { shared in
            var statistics = shared.statistics
            statistics.busy = shared.state.busy
            statistics.waiting = shared.state.waiting
            return statistics
        }
        statistics.connects = workers.reduce(0) { $0 + $1.connects }
        return statistics
    }

    /// Nobody gets a connection from now on; those at work finish. The threads end.
    public func close() {
        for job in shared.withLock({ $0.state.close() }) { job.fail(ParallaxError(.unavailable, "the pool of connections is closed")) }
        for worker in workers { worker.end() }
    }

    deinit { close() }
}

extension ConnectionPool {
    /// One thread and its connection.
    fileprivate final class Worker: Sendable {
        let number: Int
        private let connect: Connect
        /// Only its own thread touches it.
        private nonisolated(unsafe) var connection: Connection?
        private let inbox: Mutex<Inbox>
        private let bell = DispatchSemaphore(value: 0)
        private let made = Atomic<Int>(0)

        private struct Inbox {
            var work: (@Sendable (Worker) -> Void)?
            var isEnded = false
        }

        init(number: Int, connect: @escaping Connect) {
            self.number = number
            self.connect = connect
            inbox = Mutex(Inbox())
        }

        var connects: Int { made.load(ordering: .relaxed) }

        func give(_ work: @escaping @Sendable (Worker) -> Void) {
            inbox.withLock { $0.work = work }
            bell.signal()
        }

        func end() {
            inbox.withLock { $0.isEnded = true }
            bell.signal()
        }

        func loop() {
            while true {
                bell.wait()
                let (work, isEnded) = inbox.withLock { inbox in
                    defer { inbox.work = nil }
                    return (inbox.work, inbox.isEnded)
                }
                work?(self)
                if isEnded && work == nil { break }
            }
            disconnect()
        }

        func disconnect() {
            connection?.close()
            connection = nil
        }

        func perform<R>(
            retries: Bool, _ body: (Connection) throws(ParallaxError) -> R, watch: (Canceller?) -> Bool
        ) -> Result<R, ParallaxError> {
            var isFirst = true
            while true {
                do {
                    let isFresh = connection?.isOpen != true
                    let connection = try connected()
                    guard watch(try connection.canceller()) else {
                        return .failure(ParallaxError(.cancelled, "nobody waits for the answer any more"))
                    }
                    do {
                        return .success(try body(connection))
                    } catch {
                        // Whatever the body left open ends here.
                        if connection.isOpen, connection.isInTransaction { _ = try? connection.execute("ROLLBACK") }
                        let isLost = !connection.isOpen
                        if isLost { disconnect() }
                        let isStale =
                            error.isRetriable
                            && (error.sqlState == SQLState.featureNotSupported || error.sqlState == SQLState.invalidSQLStatementName)
                        // One that was left for its slowness would be no faster.
                        let isDead = isLost && !isFresh && error.code == .unavailable && error.sqlState != SQLState.queryCanceled
                        guard retries, isFirst, isDead || isStale else { return .failure(error) }
                        isFirst = false
                    }
                } catch {
                    return .failure(error)
                }
            }
        }

        private func connected() throws(ParallaxError) -> Connection {
            if let connection, connection.isOpen { return connection }
            disconnect()
            let fresh = try connect()
            made.add(1, ordering: .relaxed)
            connection = fresh
            return fresh
        }
    }
}
