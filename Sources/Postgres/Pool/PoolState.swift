/// Who works for whom: the pool's decisions, without a thread or a connection.
///
/// `workers` threads have a connection each. A job goes to one that is free; else it waits, in order, and at most `waiting` do: a line that grows
/// for ever is an answer that never comes.
struct PoolState<Job> {
    struct Waiting {
        var number: UInt64
        var job: Job
    }

    enum Offer {
        /// By this worker, now.
        case run(worker: Int, number: UInt64)
        /// In line, under this number.
        case wait(number: UInt64)
        /// The line is full.
        case refuse(Job)
        /// The pool is closed.
        case closed(Job)
    }

    let maxWaiting: Int
    private(set) var isClosed = false
    /// The last to become free is the first to work again: its connection is warm, and the others' may rest.
    private var free: [Int]
    private var line: [Waiting] = []
    private var head = 0
    /// The job of each worker; nil: none.
    private var running: [UInt64?]
    private var offered: UInt64 = 0

    init(workers: Int, maxWaiting: Int) {
        precondition(workers > 0 && maxWaiting >= 0, "a pool of \(workers) workers and \(maxWaiting) places")
        self.maxWaiting = maxWaiting
        free = Array((0..<workers).reversed())
        running = Array(repeating: nil, count: workers)
    }

    var waiting: Int { line.count - head }
    var busy: Int { running.count { $0 != nil } }

    mutating func offer(_ job: Job) -> Offer {
        if isClosed { return .closed(job) }
        if free.isEmpty && waiting >= maxWaiting { return .refuse(job) }
        offered += 1
        if let worker = free.popLast() {
            running[worker] = offered
            return .run(worker: worker, number: offered)
        }
        line.append(Waiting(number: offered, job: job))
        return .wait(number: offered)
    }

    /// The worker is done with its job: the next one, or nil, and then it is free.
    mutating func finished(_ worker: Int) -> Waiting? {
        precondition(running[worker] != nil, "worker \(worker) had no job")
        guard waiting > 0 else {
            running[worker] = nil
            free.append(worker)
            return nil
        }
        let next = line[head]
        head += 1
        if head > 64 && head * 2 > line.count {
            line.removeFirst(head)
            head = 0
        }
        running[worker] = next.number
        return next
    }

    /// Takes a job out of the line; nil where it is not there (any more).
    mutating func leave(_ number: UInt64) -> Job? {
        guard let index = line[head...].firstIndex(where: { $0.number == number }) else { return nil }
        return line.remove(at: index).job
    }

    /// Which worker has the job; nil: none.
    func worker(of number: UInt64) -> Int? { running.firstIndex(of: number) }

    /// No job is taken from now on. Those in line are given back, those under way go on.
    mutating func close() -> [Job] {
        isClosed = true
        defer { line = []; head = 0 }
        return line[head...].map(\.job)
    }
}
