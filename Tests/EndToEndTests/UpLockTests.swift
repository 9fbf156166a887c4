import Foundation
import ParallaxCore
import Synchronization
import TestSupport
import Testing

@testable import parallax

@Suite struct UpLockTests {
    /// `parallax status` looks for whoever is up; a start in that instant is no second one.
    @Test func whoOnlyLooksKeepsNobodyFromStarting() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("up.lock")
        _ = try UpLock(path)
        let ended = DispatchSemaphore(value: 0)
        let looking = Looking()
        for _ in 0..<3 {
            Thread.detachNewThread {
                while !looking.isDone { _ = UpLock.holder(path) }
                ended.signal()
            }
        }
        for _ in 0..<300 { withExtendedLifetime(try UpLock(path)) {} }
        looking.end()
        for _ in 0..<3 { ended.wait() }
        // Who is up is seen all the same.
        let lock = try UpLock(path)
        #expect(throws: ParallaxError.self) { try UpLock(path) }
        withExtendedLifetime(lock) {}
    }

    private final class Looking: Sendable {
        private let done = Atomic<Bool>(false)
        var isDone: Bool { done.load(ordering: .relaxed) }
        func end() { done.store(true, ordering: .relaxed) }
    }
}
