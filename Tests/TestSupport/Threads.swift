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
