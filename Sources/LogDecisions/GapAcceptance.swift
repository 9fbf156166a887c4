import Archive
import Catalog
import ParallaxCore

/// Gives up records that a source's log or archive lost, where a person says so: what nothing has any more is a gap of every answer from then on.
///
/// The archive's manifest is told first, then the catalog, then the log: nobody passes over a gap before answers say it. Cut off in between, the same
/// call goes on.
public struct GapAcceptance {
    private let source: CatalogSource
    private let catalog: Catalog
    private let log: any EventLog
    private let archive: ArchiveWriter
    private let eventsFrom: Instant?
    private let eventsUntil: Instant

    /// - Parameters:
    ///   - log: opened for looking: one that is opened for writing refuses a log that lost its end.
    ///   - eventsFrom, eventsUntil: what is known of the lost events' times.
    public init(
        source: CatalogSource, catalog: Catalog, log: any EventLog, archive: ArchiveWriter, eventsFrom: Instant?, eventsUntil: Instant
    ) {
        self.source = source
        self.catalog = catalog
        self.log = log
        self.archive = archive
        self.eventsFrom = eventsFrom
        self.eventsUntil = eventsUntil
    }

    /// Returns the gaps that are new.
    ///
    /// - Parameters:
    ///   - rewrote: hears of each segment that was written again, since the log still has its records.
    ///   - agree: throws where a person does not give up these damaged stretches. Offsets that retention took need no consent: they are gone.
    public func perform(
        rewrote: (ArchiveDamage) -> Void, agree: ([String]) throws(ParallaxError) -> Void
    ) throws(ParallaxError) -> [AcceptedGap] {
        let partitions = try log.partitions()
        try catalog.ensurePartitions(source: source.id, partitions)
        let before = try Set(archive.acceptedGaps())
        // Held twice, and not while a person thinks: the archive and the control tables change together for a backup.
        var gaps = try catalog.whileNoBackupIsMade("nothing was given up") { () throws(ParallaxError) in
            for partition in partitions { _ = try archive.acceptGap(in: partition, eventsFrom: eventsFrom, eventsUntil: eventsUntil) }
            return try record()
        }
        let damaged = try archive.damages()
        for damage in damaged where damage.isInLog {
            _ = try archive.replace(damage, eventsFrom: nil, eventsUntil: nil)
            rewrote(damage)
        }
        let archived = try archive.archived()
        var inLog: [LogDamage] = []
        if let log = log as? any DamageableLog {
            for partition in partitions { inLog += try log.damages(of: partition, from: archived[partition]) }
        }
        let lost = damaged.filter { !$0.isInLog }
        try agree(lost.map(\.words) + inLog.map(\.words))
        if !lost.isEmpty || !inLog.isEmpty {
            gaps = try catalog.whileNoBackupIsMade("the damage was not given up") { () throws(ParallaxError) in
                for damage in lost { _ = try archive.replace(damage, eventsFrom: eventsFrom, eventsUntil: eventsUntil) }
                for damage in inLog { _ = try archive.giveUp(damage, eventsFrom: eventsFrom, eventsUntil: eventsUntil) }
                return try record()
            }
        }
        return gaps.filter { !before.contains($0) }
    }

    /// Archives again what was given up, where the log has all records of a gap. Returns the gaps that are none any more: the next run takes them back,
    /// in the transaction that publishes the records.
    public func takeBack() throws(ParallaxError) -> [AcceptedGap] {
        try catalog.whileNoBackupIsMade("nothing was taken back") { () throws(ParallaxError) in try archive.takeBackGaps() }
    }

    /// All of them: an earlier call may have been cut off before this.
    private func record() throws(ParallaxError) -> [AcceptedGap] {
        let gaps = try archive.acceptedGaps()
        try catalog.connection.transaction { () throws(ParallaxError) in
            // Positions first: see LockOrder.
            for gap in gaps { try catalog.passOver(gap, source: source.id) }
            try catalog.recordGaps(gaps, source: source.id)
        }
        try catalog.recordArchived(source: source.id, archive.archived())
        // Last: nobody passes over it before the catalog says so.
        try passOver(gaps)
        return gaps
    }

    /// Also what an earlier call was cut off before.
    private func passOver(_ gaps: [AcceptedGap]) throws(ParallaxError) {
        guard let log = log as? any DamageableLog else { return }
        for gap in gaps where gap.offsets.upperBound > (try log.bounds(of: gap.partition)).lowerBound {
            for var damage in try log.damages(of: gap.partition, from: gap.offsets.lowerBound) where damage.offsets.overlaps(gap.offsets) {
                // What is archived of it is nobody's gap: a batch run carries the live rows over that.
                damage.offsets = damage.offsets.clamped(to: gap.offsets)
                try log.giveUp(damage)
            }
        }
    }
}
