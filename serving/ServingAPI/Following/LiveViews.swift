import Logging
import ParallaxCore
import Postgres
import ServiceLifecycle
import Synchronization

/// Everything that is followed over HTTP: a feed a view, one listening connection, and the looks, one a view at a time.
final class LiveViews: Sendable {
    let figures = LiveFigures()
    private let snapshots: Snapshots
    private let reader: ChangesReader
    private let limits: APILimits
    private let listen: ConnectionPool.Connect
    private let logger: Logger
    private let known = Mutex<[String: LiveView]>([:])
    private let running = Mutex(Running())

    /// While `run` does. A server that could not listen runs anew.
    private struct Running {
        /// At most one look of each view waits here.
        var asked: AsyncStream<LiveView>.Continuation?
        var listener: ChangeListener?
    }

    init(snapshots: Snapshots, reader: ChangesReader, logger: Logger, listen: @escaping ConnectionPool.Connect) {
        self.snapshots = snapshots
        self.reader = reader
        self.limits = snapshots.limits
        self.logger = logger
        self.listen = listen
    }

    /// Follows a view: the feed, and the client's number in it. The caller leaves it.
    func join(_ name: String) -> (view: LiveView, id: Int) {
        known.withLock { known in
            if let view = known[name], !view.isGone { return (view, view.join()) }
            let view = LiveView(name, limits.feed) { [weak self] view in
                let asked = self?.running.withLock { $0.asked }
                guard asked?.yield(view) != nil else { return view.lookFailed() }
            }
            known[name] = view
            return (view, view.join())
        }
    }

    func leave(_ view: LiveView, _ id: Int) {
        view.leave(id)
        // Of a name that somebody made up nothing stays.
        guard view.isGone else { return }
        known.withLock { known in
            if view.followers == 0, known[view.name] === view { known[view.name] = nil }
        }
    }

    /// Followers by view, of those that there are.
    var followers: [(view: String, count: Int)] {
        known.withLock { Array($0.values) }.filter { $0.number != nil && !$0.isGone }.map { ($0.name, $0.followers) }
            .sorted { $0.0 < $1.0 }
    }

    /// Nil: nobody has followed anything yet.
    var isListening: Bool? { running.withLock { $0.listener }?.isListening }

    /// - Parameter onBeat: what else happens before each beat.
    func run(onBeat: @escaping @Sendable () async -> Void) async throws {
        let listener = ChangeListener(logger: logger, connect: listen)
        try listener.start { [weak self] channel in self?.heard(channel) }
        let (looks, asked) = AsyncStream<LiveView>.makeStream()
        running.withLock { $0 = Running(asked: asked, listener: listener) }
        defer {
            running.withLock { $0 = Running() }
            listener.end()
        }
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.beat(onBeat) }
                for await view in looks { group.addTask { await self.look(view) } }
                group.cancelAll()
            }
        } onGracefulShutdown: {
            asked.finish()
        }
    }

    private func heard(_ channel: String) {
        for view in known.withLock({ Array($0.values) }) where view.channel == channel { view.announced() }
    }

    private func beat(_ onBeat: @Sendable () async -> Void) async {
        while (try? await Task.sleep(for: limits.heartbeat)) != nil {
            await onBeat()
            for view in known.withLock({ Array($0.values) }) {
                view.beat()
                // A connection that died without a word hears nothing, and a view that was dropped is announced by nobody.
                if view.followers > 0 { view.announced() }
            }
            known.withLock { known in known = known.filter { !$0.value.isUnused } }
        }
    }

    private func look(_ view: LiveView) async {
        let since = view.number
        do {
            let answerBy = ContinuousClock.now + limits.requestTime
            let found = try await snapshots.read(answerBy: answerBy) { [reader, limits] catalog in
                try reader.look(
                    view.name, since: since, maxRows: limits.feed.rowsWaiting, catalog, until: APIRequest.deadline(answerBy))
            }
            guard let found else { return view.viewIsGone() }
            figures.count { $0.looks += 1 }
            guard view.looked(found.update, channel: found.channel) else { return }
            running.withLock { $0.listener }?.want(found.channel)
            // It may have been wanted before, for another view: what came between this look and now was heard without this one.
            view.announced()
        } catch is Problem {
            // Of its name there is a view on top now.
            view.viewIsGone()
        } catch {
            if let error = error as? ParallaxError, error.code == .missing || error.code == .usage { return view.viewIsGone() }
            view.lookFailed()
            figures.count { $0.failedLooks += 1 }
            if !Task.isCancelled {
                logger.warning("a look at what changed failed", metadata: ["view": "\(view.name)", "error": "\(error)"])
            }
            guard (try? await Task.sleep(for: Self.pause)) != nil else { return }
            view.announced()
        }
    }

    /// After a look that failed.
    private static let pause = Duration.milliseconds(250)
}
