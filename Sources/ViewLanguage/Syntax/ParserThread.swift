import Foundation

/// A thread with a deep stack. libpg_query writes a parse tree by recursion and does not watch its stack: `1+1+1+…` of two
/// hundred thousand terms overflows the usual 8 MB and takes the process with it, and callers may have much less.
enum ParserThread {
    /// Ten times what the longest statement can need (see `LanguageLimits.bytesPerStatement`). Address space, not memory: only
    /// the pages that are touched count.
    static let stackBytes = 64 << 20

    /// Runs `body` there and waits for it.
    static func run<Answer: Sendable>(_ body: @escaping @Sendable () -> Answer) -> Answer {
        let job = Job(body)
        let thread = Thread { job.perform() }
        thread.stackSize = stackBytes
        thread.name = "parallax-sql"
        thread.start()
        return job.wait()
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
