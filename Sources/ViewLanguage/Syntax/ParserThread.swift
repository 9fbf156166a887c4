import Foundation

/// A thread with a deep stack. libpg_query writes a parse tree by recursion and does not watch its stack: `1+1+1+…` of two
/// hundred thousand terms overflows the usual 8 MB and takes the process with it, and callers may have much less.
///
/// There is one for the whole process, started at the first call and never ended: libpg_query makes a thread-specific key for
/// every thread that it sees and never gives it back, and a process has 1,024 of them. Without a free one OpenSSL, for example, fails
/// to set itself up, and the next digest reads a null pointer.
enum ParserThread {
    /// Ten times what the longest statement can need (see `LanguageLimits.bytesPerStatement`). Address space, not memory: only
    /// the pages that are touched count.
    static let stackBytes = 64 << 20

    /// Runs `body` there, after those that came before, and waits for it. `body` must not call this itself.
    static func run<Answer: Sendable>(_ body: @escaping @Sendable () -> Answer) -> Answer {
        let job = Job(body)
        queue.append { job.perform() }
        return job.wait()
    }

    private static let queue: Queue = {
        let queue = Queue()
        let thread = Thread { queue.work() }
        thread.stackSize = stackBytes
        thread.name = "parallax-sql"
        thread.start()
        return queue
    }()

    /// @unchecked: `jobs` is touched under the condition's lock only.
    private final class Queue: @unchecked Sendable {
        private let condition = NSCondition()
        private var jobs: [@Sendable () -> Void] = []

        func append(_ job: @escaping @Sendable () -> Void) {
            condition.lock()
            jobs.append(job)
            condition.signal()
            condition.unlock()
        }

        func work() -> Never {
            while true {
                condition.lock()
                while jobs.isEmpty { condition.wait() }
                let job = jobs.removeFirst()
                condition.unlock()
                job()
            }
        }
    }

    /// @unchecked: `answer` is written before the semaphore is signalled and read after it was waited for.
    private final class Job<Answer: Sendable>: @unchecked Sendable {
        private let body: @Sendable () -> Answer
        private let done = DispatchSemaphore(value: 0)
        private var answer: Answer?

        init(_ body: @escaping @Sendable () -> Answer) { self.body = body }

        func perform() {
            answer = body()
            done.signal()
        }

        func wait() -> Answer {
            done.wait()
            guard let answer else { preconditionFailure("signalled without an answer") }
            return answer
        }
    }
}
