import Dispatch
import Foundation
import Synchronization

/// Ctrl-C, SIGTERM and a closed terminal. The first asks everyone to finish the current transaction; the second ends the process at once (what
/// is in the log, the archive and PostgreSQL is whole at every instant: a kill only costs time).
enum Interrupt {
    private struct State {
        var isRequested = false
        var isForChild = false
        var handlers: [Int: @Sendable () -> Void] = [:]
        var nextHandler = 0
        /// For the life of the process.
        var sources: [any DispatchSourceSignal] = []
    }
    private static let state = Mutex(State())

    static var isRequested: Bool { state.withLock { $0.isRequested } }

    /// Once, at the start of the process. `SIGPIPE` is ignored: a reader that goes away is an error of `write`.
    static func install() {
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            state.withLock { state in
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler { @Sendable in received(number) }
                source.resume()
                state.sources.append(source)
            }
        }
    }

    /// Called once, from a thread of its own, at the first signal; at once where it has already come.
    @discardableResult
    static func onStop(_ handler: @escaping @Sendable () -> Void) -> Int {
        let (number, isLate) = state.withLock { state in
            state.nextHandler += 1
            state.handlers[state.nextHandler] = handler
            return (state.nextHandler, state.isRequested)
        }
        if isLate { handler() }
        return number
    }

    /// While a program of its own has the terminal (psql), Ctrl-C is that one's.
    static func leaveToChild(_ leave: Bool) { state.withLock { $0.isForChild = leave } }

    static func remove(_ registration: Int) { state.withLock { _ = $0.handlers.removeValue(forKey: registration) } }

    private static func received(_ number: Int32) {
        let handlers = state.withLock { state -> [@Sendable () -> Void]? in
            if state.isForChild { return [] }
            if state.isRequested { return nil }
            state.isRequested = true
            return Array(state.handlers.values)
        }
        guard let handlers else { _exit(128 + number) }
        if isRequested && Terminal.errorIsTerminal { Terminal.note("stopping; once more to stop at once") }
        for handler in handlers { handler() }
    }
}
