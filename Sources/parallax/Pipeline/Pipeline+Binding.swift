import Archive
import Catalog
import EventLog
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
    func compareLog(_ source: CatalogSource, _ catalog: Catalog, _ log: any EventLog) throws(ParallaxError) {
        let known = try catalog.binding(source: source.id)
        if let known { try LogCheck.checkIdentity(source: source.name, expected: known.binding.identity, found: try log.identity()) }
        let bound = known?.binding.bound(log) ?? log
        let here = Set(try bound.partitions())
        let archive = try ArchiveReader(directory: archiveFolder, source: source.definition)
        let adopted = try ArchiveWriter.adoptedLog(directory: archiveFolder, source: source.name)?.number ?? 0
        // Where the archive is on another machine, it is that one's to compare.
        let isHere = try !archive.archived().partitions.isEmpty
        if let known, isHere {
            try ArchiveWriter.checkAdopted(source: source.name, archived: adopted, opened: known.binding.number, archiveFolder)
        }
        let positions = try (catalog.logKnowledge(source: source.id) + (isHere ? archive.logKnowledge() : [])).filter {
            here.contains($0.partition) && $0.position > .zero
        }
        let bounds = try bound.bounds(of: Array(Set(positions.map(\.partition))))
        for position in positions {
            guard let bounds = bounds[position.partition] else { continue }
            // A record is only looked at where that costs nothing: what workers find they say themselves.
            if logKind == .embedded {
                try LogCheck.check(bound, source: source.name, position, bounds: bounds)
            } else {
                try LogCheck.checkEnd(source: source.name, position, bounds: bounds)
            }
        }
    }
}
