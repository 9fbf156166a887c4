import Logging
import ParallaxCore
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import parallax

@Suite struct ListeningServiceTests {
    /// Its port is never free.
    private final class NeverListening: Service {
        struct AskedTooOften: Error {}
        private let asked = Atomic<Int>(0)
        func run() async throws {
            if asked.add(1, ordering: .relaxed).newValue > 3 { throw AskedTooOften() }
            throw ParallaxError(.unavailable, "the port is taken")
        }
    }

    /// A wait that ends before its time is no reason to try again at once, and for ever.
    @Test func aCancelledWaitEndsTheService() async throws {
        let folder = try TemporaryFolder()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let service = ListeningService(
            server: NeverListening(), name: "it", file: folder.path("address"), pause: .seconds(3_600), level: .debug, logger: logger)
        let task = Task { try await service.run() }
        task.cancel()
        try await task.value
    }
}
