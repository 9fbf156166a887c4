import Archive
import Catalog
import Logging
import ParallaxCore
import Postgres
import ViewLanguage

/// Archives what is due, of all sources. A failure is logged and tried again: nothing is lost meanwhile, the log keeps what is not archived.
///
/// Blocking; one thread at a time, a thread of your own.
public final class Archiver {
    public typealias OpenWriter = (CatalogSource, Catalog) throws(ParallaxError) -> ArchiveWriter

    private let dsn: String
    private let tail: TailPolicy
    private let logger: Logger
    private let openWriter: OpenWriter
    private var parts: [SourceID: SourceArchiver] = [:]
    /// Hears how far a source is, after each row group.
    public var observe: (_ source: String, ArchiveProgress) -> Void = { _, _ in }

    /// - Parameter openWriter: opens a source's log and its archive.
    public init(dsn: String, tail: TailPolicy, logger: Logger, openWriter: @escaping OpenWriter) {
        self.dsn = dsn
        self.tail = tail
        self.logger = logger
        self.openWriter = openWriter
    }

    /// Until the stop signal. Throws only where no waiting heals it.
    public func run(_ stop: StopSignal, pause: Duration = .seconds(1)) throws(ParallaxError) {
        var backoff = Backoff()
        while !stop.isSet {
            do throws(ParallaxError) {
                let connection = try Connection(dsn, applicationName: "parallax archive")
                while !stop.isSet {
                    try archiveOnce(Catalog(connection)) { stop.isSet }
                    backoff.succeeded()
                    stop.wait(atMost: pause)
                }
            } catch  where error.code == .cancelled {
                return
            } catch {
                try endWhereOutdated(dsn)
                logger.error("archiving failed, trying again", metadata: ["error": "\(error)"])
                stop.wait(atMost: backoff.failed())
            }
        }
    }

    /// Up to where the sources are archived, by name; those that could not be opened are left out.
    public var recorded: [(source: String, archived: Cut)] {
        parts.values.compactMap { part in part.writer.map { ($0.source.name, part.recorded) } }.sorted { $0.source < $1.source }
    }

    /// Every source that is due, once. `isStopped` ends it after the row group that is being written.
    ///
    /// A source that cannot be archived keeps no other from it: their logs go on giving up records. It is tried again after a while of its own.
    /// Returns the first that failed now.
    @discardableResult
    public func archiveOnce(_ catalog: Catalog, isStopped: () -> Bool) throws(ParallaxError) -> ParallaxError? {
        var first: ParallaxError?
        for source in try catalog.sources() {
            var part = parts[source.id] ?? SourceArchiver()
            guard part.retryAt.map({ ContinuousClock.now >= $0 }) ?? true else { continue }
            do throws(ParallaxError) {
                try archive(source, catalog, &part, isStopped)
                if part.failure != nil { logger.info("the source is archived again", metadata: ["source": "\(source.name)"]) }
                if part.failure != nil || !part.hasSucceeded { try catalog.clearTroubles(.archive, source: source.id) }
                part.succeeded()
            } catch {
                guard error.code != .cancelled, catalog.connection.isOpen else { throw error }
                // Once, not at every attempt.
                if part.failure != error {
                    logger.error(
                        "a source cannot be archived now; it is tried again", metadata: ["source": "\(source.name)", "error": "\(error)"])
                }
                try catalog.recordTrouble(.archive, source: source.id, subject: "log", error)
                part.failed(error)
                first = first ?? error
            }
            parts[source.id] = part
        }
        return first
    }

    private func archive(
        _ source: CatalogSource, _ catalog: Catalog, _ part: inout SourceArchiver, _ isStopped: () -> Bool
    ) throws(ParallaxError) {
        let writer: ArchiveWriter
        if let known = part.writer, known.source == source.definition {
            writer = known
        } else {
            writer = try openWriter(source, catalog)
            part.writer = writer
            part.recorded = Cut()
        }
        let summary: ArchiveSummary
        do throws(ParallaxError) {
            try writer.checkLog()
            summary = try writer.archive(upTo: nil, tail: tail) { step throws(ParallaxError) in
                if isStopped() { throw ParallaxError(.cancelled, "stopped while archiving") }
                observe(source.name, step)
            }
        } catch {
            // One partition's trouble: what was archived of the others counts.
            if let archived = try? writer.archived() { try record(archived, source, catalog, &part) }
            // Another log may be there the next time: then it is opened anew.
            if error.code == .anotherLog || error.code == .missing { part.writer = nil }
            throw error
        }
        try record(summary.archived, source, catalog, &part)
        if summary.records > 0 {
            logger.info(
                "archived",
                metadata: [
                    "source": "\(source.name)", "records": "\(summary.records)", "segments": "\(summary.segments.count)",
                    "bytes": "\(summary.bytes)",
                ])
        }
    }

    private func record(
        _ archived: Cut, _ source: CatalogSource, _ catalog: Catalog, _ part: inout SourceArchiver
    ) throws(ParallaxError) {
        guard archived != part.recorded, let writer = part.writer else { return }
        try catalog.recordGaps(try writer.acceptedGaps(), source: source.id)
        try catalog.recordArchived(source: source.id, archived)
        part.recorded = archived
    }
}

/// One source's archiver, kept between its rounds.
private struct SourceArchiver {
    /// Nil before the log could be opened.
    var writer: ArchiveWriter?
    /// What the catalog was told last.
    var recorded = Cut()
    /// Why it does not go on; nil: it does.
    private(set) var failure: ParallaxError?
    private(set) var retryAt: ContinuousClock.Instant?
    private(set) var hasSucceeded = false
    private var backoff = Backoff()

    mutating func succeeded() {
        (failure, retryAt, hasSucceeded) = (nil, nil, true)
        backoff.succeeded()
    }

    mutating func failed(_ error: ParallaxError) {
        failure = error
        retryAt = .now + backoff.failed()
    }
}
