import Foundation
import Synchronization

/// Runs `body(0)`, `body(1)`, … each on a thread of its own, and returns when all have ended; throws the first error.
public func inThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
    let failures = Failures()
    let finished = DispatchSemaphore(value: 0)
    for number in 0..<count {
        Thread.detachNewThread {
            do { try body(number) } catch { failures.add(error) }
            finished.signal()
        }
    }
    for _ in 0..<count { finished.wait() }
    if let first = failures.first { throw first }
}

private final class Failures: Sendable {
    private let errors = Mutex<[any Error]>([])
    func add(_ error: any Error) { errors.withLock { $0.append(error) } }
    var first: (any Error)? { errors.withLock { $0.first } }
}

/// A body on a thread of its own, from now on. A task would wait for a thread of Swift's pool first, of which there are as many as cores, and which tests
/// that block may hold for longer than any deadline.
public final class OwnThread<T: Sendable>: Sendable {
    private let ended = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<T, any Error>?>(nil)

    public init(_ body: @escaping @Sendable () throws -> T) {
        Thread.detachNewThread { [self] in
            let outcome = Result(catching: body)
            result.withLock { $0 = outcome }
            ended.signal()
        }
    }

    public var hasEnded: Bool { result.withLock { $0 != nil } }

    /// Waits for the end, on the calling thread; throws what the body threw.
    @discardableResult
    public func join() throws -> T {
        ended.wait()
        ended.signal()
        guard let outcome = result.withLock({ $0 }) else { preconditionFailure("a thread has ended without a result") }
        return try outcome.get()
    }
}
