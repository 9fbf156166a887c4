import Archive
import Catalog
import EmbeddedLog
import Foundation
import LogDecisions
import Logging
import ParallaxCore
import Postgres
import ViewLanguage

/// The logs that the sources' offsets belong to.
extension Pipeline {
    /// Where this pipeline is, for people who look for whoever found a log first.
    var place: String { "\(ProcessInfo.processInfo.hostName):\(folder)" }

    /// A source's log, numbered as its offsets are. Throws `.anotherLog` where it is not the one that they belong to.
    func openBoundLog(
        _ source: CatalogSource, _ catalog: Catalog, logger: Logger? = nil,
        onRecovery: @escaping @Sendable (LogRecovery) -> Void = sayRecovery
    ) throws(ParallaxError) -> any EventLog {
        let log = try openLog(source.definition, logger: logger, onRecovery: onRecovery)
        return try bind(source, catalog, log).bound(log)
    }

    var adopter: LogAdopter {
        LogAdopter(
            archiveFolder: archiveFolder, place: place, maxFutureSkew: speedSettings.rules.maxFutureSkew, clock: systemClock,
            openLog: { source throws(ParallaxError) in try openLog(source) },
            openLogForLooking: { source throws(ParallaxError) in try openLogForLooking(source) },
            openArchive: { source, log throws(ParallaxError) in try archiveWriter(source, log: log) })
    }

    /// Nothing is made, locked or recovered. Throws `.anotherLog` where the source is bound to another one.
    func boundLogForLooking(_ source: CatalogSource, _ catalog: Catalog) throws(ParallaxError) -> any EventLog {
        let log = try openLogForLooking(source.definition)
        guard let known = try catalog.binding(source: source.id)?.binding else { return log }
        try LogCheck.checkIdentity(source: source.name, expected: known.identity, found: try log.identity())
        return known.bound(log)
    }

    func bind(_ source: CatalogSource, _ catalog: Catalog, _ log: any EventLog) throws(ParallaxError) -> LogBinding {
        try catalog.bind(
            source: source.id, named: source.name, to: try log.identity(),
            archived: try ArchiveWriter.adoptedLog(directory: archiveFolder, source: source.name), place: place)
    }

    /// Compares a source's log with everything that is known of it, and changes nothing: what status and doctor say.
    func look(at source: CatalogSource, _ catalog: Catalog, _ log: any EventLog) throws(ParallaxError) -> LogLook {
        let known = try catalog.binding(source: source.id)?.binding
        let archive = try ArchiveReader(directory: archiveFolder, source: source.definition)
        let adopted = try ArchiveWriter.adoptedLog(directory: archiveFolder, source: source.name)?.number ?? 0
        // Where the archive is on another machine, it is that one's to compare.
        let isHere = try !archive.archived().partitions.isEmpty
        // All of it before the log says where it ends: meanwhile a layer may go on to what was appended after that.
        let knowledge = try catalog.logKnowledge(source: source.id) + (isHere ? archive.logKnowledge() : [])
        let numbered = known?.bound(log) ?? log
        var look = LogLook(log: numbered, bounds: try numbered.bounds(of: numbered.partitions()))
        do throws(ParallaxError) {
            if let known {
                try LogCheck.checkIdentity(source: source.name, expected: known.identity, found: try log.identity())
                if isHere { try ArchiveWriter.checkAdopted(source: source.name, archived: adopted, opened: known.number, archiveFolder) }
            }
            try compare(numbered, look.bounds, with: knowledge, source: source.name)
        } catch {
            guard error.code == .anotherLog else { throw error }
            look.anotherLog = error
        }
        return look
    }

    private func compare(
        _ log: any EventLog, _ bounds: [Partition: Range<Offset>], with knowledge: [LogKnowledge], source: String
    ) throws(ParallaxError) {
        for known in knowledge where known.position > .zero {
            guard let bounds = bounds[known.partition] else { continue }
            // A record is only looked at where that costs nothing: what workers find they say themselves.
            if logKind == .embedded {
                try LogCheck.check(log, source: source, known, bounds: bounds)
            } else {
                try LogCheck.checkEnd(source: source, known, bounds: bounds)
            }
        }
    }

    /// Why nobody reads what is appended to the log now: it stands where positions of another one are known, as after its folder was lost and made anew.
    /// Nil: nothing speaks against it.
    ///
    /// The archive is asked, which costs little. PostgreSQL is asked, and started for it, where that one shows something, and where the log is empty: a log
    /// that was made in the place of a lost one is.
    func whyNotRead(_ log: any EventLog, _ source: SourceDefinition) -> ParallaxError? {
        guard logKind == .embedded else { return nil }
        let suspicion = archiveSuspects(log, source)
        let bounds = (try? log.bounds(of: log.partitions())) ?? [:]
        guard suspicion != nil || bounds.values.allSatisfy({ $0.upperBound == .zero }), mayHaveDatabase else { return suspicion }
        let asked = try? Database.with(self) { connection -> ParallaxError? in
            let catalog = Catalog(connection)
            // What becomes of another topic is for apply to say.
            guard let applied = try catalog.sources().first(where: { $0.name == source.name && $0.definition.topic == source.topic }) else {
                return nil
            }
            return try look(at: applied, catalog, log).anotherLog
        }
        // Who appends does not need PostgreSQL: where it cannot be asked, the archive's word counts.
        guard let asked else { return suspicion }
        return asked
    }

    private func archiveSuspects(_ log: any EventLog, _ source: SourceDefinition) -> ParallaxError? {
        do throws(ParallaxError) {
            let archive = try ArchiveReader(directory: archiveFolder, source: source)
            let adopted = try ArchiveWriter.adoptedLog(directory: archiveFolder, source: source.name)
            let knowledge = try archive.logKnowledge()
            if let adopted { try LogCheck.checkIdentity(source: source.name, expected: adopted.identity, found: try log.identity()) }
            let numbered = adopted?.bound(log) ?? log
            try compare(numbered, try numbered.bounds(of: numbered.partitions()), with: knowledge, source: source.name)
            return nil
        } catch {
            return error.code == .anotherLog ? error : nil
        }
    }

    /// What whoever appends to a log hears that nobody reads: before anything is appended, so that a person can think again.
    func standsStill(_ source: String, _ why: ParallaxError) -> ParallaxError {
        ParallaxError(
            .anotherLog, "nobody reads what is appended to the log of source \"\(source)\" now: \(why.message)",
            detail: "It is kept, and stands still until the log is adopted.",
            hint: "Where the log that was read can be put back, stop, and put it back first. Else go on with this one: "
                + "parallax adopt-log \(shellQuoted(source))")
    }
}

/// What a look at a source's log shows.
struct LogLook {
    /// Numbered as the source's offsets are.
    var log: any EventLog
    /// The bounds of all partitions of the log.
    var bounds: [Partition: Range<Offset>]
    /// Why it is not the one that the source's positions belong to; nil: it is, as far as it shows.
    var anotherLog: ParallaxError?
}
