import Catalog
import Logging
import ParallaxCore
import SpeedLayer

/// What PostgreSQL refuses of a source, and when it is asked again.
struct FlushRefusal {
    var problem: ParallaxError?
    var retryAt = Duration.zero
    var backoff: Backoff
    /// The catalog may name versions whose rows were refused: from this worker, or from one before it.
    var mayBeRecorded = true

    init(_ settings: SpeedSettings) {
        backoff = Backoff(from: settings.minimumBackoff, upTo: max(settings.maximumBackoff, settings.maximumRefusalWait))
    }
}

/// A view whose rows PostgreSQL refuses holds up its source, and nothing else. The rows are tried again now and then, and at once where the definitions
/// change; until then nothing is read, slices are closed where a run asks for it, and nothing is lost.
extension SourceFeed {
    /// False while what was refused is not to be tried again yet.
    var mayTryAgain: Bool { refusal.problem == nil || context.now >= refusal.retryAt }

    /// Forgets what was read: it is read again. Throws the error where it is no refusal, or where somebody waits for the end.
    ///
    /// - Parameter isCertain: it is one, though it looks as if another transaction had been in the way.
    func wasRefused(_ error: ParallaxError, _ view: SpeedView?, isCertain: Bool = false) throws(ParallaxError) {
        let isAnswer = error.code == .database && error.sqlState != nil && !error.isRetriable && !error.isConflict
        guard connection.isOpen, isCertain || isAnswer else { throw error }
        var error = error
        if let view {
            // Where it cannot be dropped now, it is with the next attempt.
            if error.isRefusal, (try? Catalog(connection).dropRetired(view.id, ofSource: sourceID)) == true {
                context.logger.warning(
                    "PostgreSQL refuses live rows of a version that is served no more: no revert brings it back",
                    metadata: ["view": "\(view.name)", "error": "\(error)"])
                reset()
                return try acquire()
            }
            if error.isRefusal {
                try Catalog(connection).recordTrouble(view.id, .speed, error.refusalWords)
                refusal.mayBeRecorded = true
            }
            error = error.refused(.speed, view: view.name)
        }
        guard goal == .untilStopped else {
            error.isRetriable = false
            throw error
        }
        // Said once, not at every attempt.
        if refusal.problem != error {
            context.logger.error("source \(name) waits: PostgreSQL refuses what was read", metadata: ["error": "\(error)"])
        }
        refusal.problem = error
        refusal.retryAt = context.now + refusal.backoff.failed()
        context.statistics.update { [name] in
            $0.failedFlushes += 1
            $0.lastError = error
            $0.refused[name] = error
        }
        reset()
        try acquire()
    }

    /// A flush with records was written: nothing in the source is refused any more.
    func wasTaken() throws(ParallaxError) {
        if refusal.problem != nil {
            context.logger.info("source \(name) goes on: PostgreSQL takes its rows")
            context.statistics.update { [name] in $0.refused[name] = nil }
            refusal.problem = nil
            refusal.backoff.succeeded()
        }
        guard refusal.mayBeRecorded else { return }
        try Catalog(connection).clearTroubles(of: definitions.views.map(\.id), .speed)
        refusal.mayBeRecorded = false
    }
}
