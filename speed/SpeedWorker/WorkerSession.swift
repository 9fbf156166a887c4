import Catalog
import Glibc
import Logging
import ParallaxCore
import Postgres

/// One connection's life: finds sources, takes partitions, and gives each source its turn.
final class WorkerSession {
    private let context: WorkerContext
    private let goal: Goal
    private let connection: Connection
    private var feeds: [SourceFeed] = []
    /// Sources whose log is not there, and what was last said of them.
    private var unopened: [String: ParallaxError] = [:]
    private var nextDiscoveryAt: Duration
    private var nextHeartbeatAt: Duration
    /// Flushes in a row that met changed definitions or a deadlock.
    private var conflicts: Backoff
    private var hasSettled = false

    init(_ context: WorkerContext, _ goal: Goal, _ connection: Connection) {
        self.context = context
        self.goal = goal
        self.connection = connection
        nextDiscoveryAt = context.now
        nextHeartbeatAt = context.now
        conflicts = context.settings.backoff
    }

    func close() { connection.close() }

    /// Returns when the goal is reached or the stop signal given.
    func run() throws(ParallaxError) {
        while !context.stop.isSet {
            try context.during { () throws(ParallaxError) in try discoverIfDue() }
            var progressed = false
            for feed in feeds where !context.stop.isSet {
                progressed = try guarded(feed) { () throws(ParallaxError) in try feed.step(isUrgent: goal == .untilCaughtUp) } || progressed
            }
            if !hasSettled, feeds.allSatisfy({ $0.flushes > 0 || $0.refusal.problem != nil || !progressed && !$0.state.isDirty }) {
                hasSettled = true
                context.statistics.update { $0.hasSettled = true }
            }
            if !progressed {
                if goal == .untilCaughtUp, try hasCaughtUp() { break }
                context.wait(context.settings.pollInterval)
            }
        }
        try context.during { () throws(ParallaxError) in try finish() }
    }

    private func discoverIfDue() throws(ParallaxError) {
        let now = context.now
        if now >= nextHeartbeatAt {
            try Catalog(connection).registerWorker(
                context.id, layer: "speed", host: Heartbeat.host(), pid: getpid(), lease: context.settings.lease)
            for feed in feeds {
                try feed.sayTroubles()
                guard let report = feed.clientReport else { continue }
                try Catalog(connection).recordLogClient(report, worker: context.id, source: feed.sourceID)
            }
            nextHeartbeatAt = now + context.settings.lease / 3
        }
        guard now >= nextDiscoveryAt else { return }
        nextDiscoveryAt = now + context.settings.discoveryInterval
        let sources = try Catalog(connection).sources()
        for feed in feeds where !sources.contains(where: { $0.id == feed.sourceID }) {
            // The definitions name it no more. What was read and not written goes with it.
            context.logger.info("source \(feed.name) was dropped")
            context.assignments.leave(feed.name)
            feeds.removeAll { $0 === feed }
        }
        for feed in feeds where sources.contains(where: { $0.id == feed.sourceID && $0.definition.topic != feed.topic }) {
            context.logger.info("source \(feed.name) reads another topic now")
            context.assignments.leave(feed.name)
            feeds.removeAll { $0 === feed }
        }
        for source in sources where !feeds.contains(where: { $0.sourceID == source.id }) {
            let assignments = context.assignments
            do {
                feeds.append(
                    try SourceFeed(
                        source, log: context.openLog(source.definition),
                        join: { () throws(ParallaxError) in try assignments.assignment(of: source.definition) }, connection: connection,
                        context: context, goal: goal))
            } catch {
                // Without its log a source waits; the others go on.
                guard goal == .untilStopped, connection.isOpen else { throw error }
                try couldNotOpen(source, error)
                continue
            }
            // At the next turn: what was said of the source before this feed is taken back.
            nextHeartbeatAt = now
            if unopened.removeValue(forKey: source.name) != nil {
                context.statistics.update { $0.troubles[source.name] = nil }
                context.logger.info("opened the log of source \(source.name)")
            }
        }
        for feed in feeds {
            _ = try guarded(feed) { () throws(ParallaxError) in
                try feed.acquire()
                return true
            }
        }
        context.statistics.update { statistics in
            statistics.partitionsOwned = feeds.reduce(0) { $0 + $1.owned }
            statistics.stopped = feeds.flatMap(\.stopped)
        }
    }

    private func couldNotOpen(_ source: CatalogSource, _ error: ParallaxError) throws(ParallaxError) {
        context.statistics.update {
            $0.lastError = error
            $0.troubles[source.name] = error
        }
        // At every look: a row that is not seen any more is of a worker that has ended.
        try Catalog(connection).recordTrouble(.speed, source: source.id, subject: LogSubject.log.text, error)
        // Once.
        guard unopened.updateValue(error, forKey: source.name) != error else { return }
        context.logger.error("cannot open the log of source \(source.name)", metadata: ["error": "\(error)"])
    }

    /// What ends a source's memory but not the session. All of it is handled alike: what was read and not written is read again.
    private func guarded(_ feed: SourceFeed, _ body: () throws(ParallaxError) -> Bool) throws(ParallaxError) -> Bool {
        do {
            let flushesBefore = feed.flushes
            let progressed = try body()
            if feed.flushes > flushesBefore { conflicts.succeeded() }
            return progressed
        } catch {
            if connection.isOpen, error.code == .anotherLog, error.isRetriable {
                // What is open is not there any more. What was read of it and not written is read again from whatever is there now.
                context.logger.warning("the log of source \(feed.name) was replaced: it is opened anew", metadata: ["error": "\(error)"])
                context.assignments.leave(feed.name)
                feeds.removeAll { $0 === feed }
                nextDiscoveryAt = context.now
                return true
            }
            guard connection.isOpen, error.code == .fenced || error.isConflict else { throw error }
            context.statistics.update {
                $0.lastError = error
                if error.code == .fenced { $0.fencedFlushes += 1 } else { $0.failedFlushes += 1 }
            }
            context.logger.warning(
                "a flush of source \(feed.name) was refused; its records are read again", metadata: ["error": "\(error)"])
            feed.reset()
            nextDiscoveryAt = context.now
            if error.isConflict {
                let wait = conflicts.failed()
                if conflicts.failures > context.settings.maximumConflicts {
                    // Others in the way pass; this stays, as a state table does that somebody dropped.
                    conflicts.succeeded()
                    try context.during { () throws(ParallaxError) in try feed.wasRefused(error, nil, isCertain: true) }
                } else {
                    context.wait(wait)
                }
            }
            return true
        }
    }

    private func hasCaughtUp() throws(ParallaxError) -> Bool {
        for feed in feeds where try !feed.hasCaughtUp() { return false }
        if let error = feeds.lazy.compactMap(\.trouble).first ?? feeds.flatMap(\.stopped).first?.error {
            try finish()
            throw error
        }
        return true
    }

    /// Writes what has been read and gives everything back. Where that fails, nothing is lost: it is read again by whoever comes next.
    private func finish() throws(ParallaxError) {
        for feed in feeds {
            do { try feed.flush() } catch {
                context.logger.warning(
                    "the last flush of source \(feed.name) was not written; the next worker reads its records again",
                    metadata: ["error": "\(error)"])
            }
        }
        do { try Catalog(connection).releasePartitions(worker: context.id) } catch {
            context.logger.warning(
                "partitions could not be given back; they are free when the session ends", metadata: ["error": "\(error)"])
        }
        context.statistics.update { $0.partitionsOwned = 0 }
    }
}

extension ParallaxError {
    /// Another transaction was in the way, or changed what a flush stood on. It can be made again at once, from the records.
    ///
    /// 40001 serialization, 40P01 deadlock; 42P01, 42703, 23503: a view version went away while its deltas were being written.
    var isConflict: Bool {
        if code == .busy || code == .conflict { return true }
        return switch sqlState {
        case SQLState.serializationFailure, SQLState.deadlockDetected, SQLState.undefinedTable, SQLState.undefinedColumn,
            SQLState.foreignKeyViolation:
            true
        default: false
        }
    }
}
