import Dispatch
import Logging
import ParallaxCore
import Postgres
import Synchronization

/// One connection that hears of every flush and publication, for all views and clients: LISTEN on a thread of its own. It comes back by itself after a restart of
/// the server, and calls each channel then: nobody knows what was missed.
final class ChangeListener: Sendable {
    private struct State {
        var wanted: Set<String> = []
        var isListening = false
        var isEnded = false
    }

    /// How often it looks whether there is another channel to listen to. It asks the server nothing.
    private static let glance = Duration.milliseconds(100)
    private static let pauseMilliseconds = 250

    private let state = Mutex(State())
    private let bell = DispatchSemaphore(value: 0)
    private let connect: ConnectionPool.Connect
    private let logger: Logger

    init(logger: Logger, connect: @escaping ConnectionPool.Connect) {
        self.connect = connect
        self.logger = logger
    }

    /// - Parameter heard: is told a channel, on the listener's thread.
    func start(_ heard: @escaping @Sendable (String) -> Void) throws(ParallaxError) {
        try startThread(name: "listen") { self.loop(heard) }
    }

    /// Listens on the channel, too. `heard` is called for it once when that has begun: what came before was not heard.
    func want(_ channel: String) {
        let isFirst = state.withLock { state in
            defer { state.wanted.insert(channel) }
            return state.wanted.isEmpty
        }
        if isFirst { bell.signal() }
    }

    func end() {
        state.withLock { $0.isEnded = true }
        bell.signal()
    }

    /// Nil: nothing is wanted yet.
    var isListening: Bool? { state.withLock { $0.wanted.isEmpty ? nil : $0.isListening } }

    private var isEnded: Bool { state.withLock { $0.isEnded } }

    private func loop(_ heard: @Sendable (String) -> Void) {
        // No connection before anybody follows anything.
        bell.wait()
        var isLost = false
        while !isEnded {
            do throws(ParallaxError) {
                let connection = try connect()
                defer { connection.close() }
                if isLost { logger.info("listening for changes again") }
                isLost = false
                defer { state.withLock { $0.isListening = false } }
                try listen(connection, heard)
            } catch {
                if !isLost { logger.warning("cannot hear of changes; trying again", metadata: ["error": "\(error.message)"]) }
                isLost = true
                _ = bell.wait(timeout: .now() + .milliseconds(Self.pauseMilliseconds))
            }
        }
    }

    private func listen(_ connection: Connection, _ heard: (String) -> Void) throws(ParallaxError) {
        var channels: Set<String> = []
        while !isEnded {
            for channel in state.withLock({ $0.wanted }).subtracting(channels) {
                try connection.listen(channel)
                channels.insert(channel)
                heard(channel)
            }
            state.withLock { $0.isListening = true }
            guard let first = try connection.waitForNotification(timeout: Self.glance) else { continue }
            // Of several one look tells all.
            var called: Set<String> = [first.channel]
            while let next = try connection.waitForNotification(timeout: .zero) { called.insert(next.channel) }
            for channel in called { heard(channel) }
        }
    }
}
