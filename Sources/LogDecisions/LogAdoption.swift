import Archive
import Catalog
import ParallaxCore
import ViewLanguage

/// What it takes for a source to go on with another log: where that one begins, and what of the former is given up.
public struct LogAdoption {
    public struct Part {
        public var start: LogBinding.Start
        /// The first that is not archived, and the first that was not processed.
        public var archived: Offset
        public var processed: Offset
        /// The log's own end.
        public var end: Offset

        /// Offsets of the former log that are in no answer any more.
        public var givenUp: Int64 { max(0, start.offset - archived) }
    }

    public let source: CatalogSource
    public let binding: LogBinding
    public let former: LogBinding?
    public let parts: [Part]
    /// Nothing needs to be adopted: the log is the one that the source reads.
    public let isOwn: Bool

    public var givenUp: Int64 { parts.reduce(0) { $0 + $1.givenUp } }
}

/// Takes another log in the place of a source's own, where a person says so.
public struct LogAdopter {
    private let archiveFolder: String
    private let place: String
    private let maxFutureSkew: Int64
    private let clock: () -> Instant
    private let openLog: (SourceDefinition) throws(ParallaxError) -> any EventLog
    private let openLogForLooking: (SourceDefinition) throws(ParallaxError) -> any EventLog
    private let openArchive: (SourceDefinition, any EventLog) throws(ParallaxError) -> ArchiveWriter

    /// - Parameters:
    ///   - place: where this runs (host and folder), for people who look for whoever found a log first.
    ///   - maxFutureSkew: microseconds that an event's time may be ahead of the clock.
    ///   - openLog: makes the log where there is none and it can be made.
    ///   - openLogForLooking: makes, locks and recovers nothing.
    public init(
        archiveFolder: String, place: String, maxFutureSkew: Int64, clock: @escaping () -> Instant,
        openLog: @escaping (SourceDefinition) throws(ParallaxError) -> any EventLog,
        openLogForLooking: @escaping (SourceDefinition) throws(ParallaxError) -> any EventLog,
        openArchive: @escaping (SourceDefinition, any EventLog) throws(ParallaxError) -> ArchiveWriter
    ) {
        self.archiveFolder = archiveFolder
        self.place = place
        self.maxFutureSkew = maxFutureSkew
        self.clock = clock
        self.openLog = openLog
        self.openLogForLooking = openLogForLooking
        self.openArchive = openArchive
    }

    /// What adopting would do. Where there is no log, one is made, unless this only looks: then that is said (`.missing`).
    public func plan(_ source: CatalogSource, _ catalog: Catalog, onlyLooks: Bool = false) throws(ParallaxError) -> LogAdoption {
        let log = try onlyLooks ? openLogForLooking(source.definition) : openLog(source.definition)
        let identity = try log.identity()
        let recorded = try catalog.binding(source: source.id)?.binding
        let archivedLog = try ArchiveWriter.adoptedLog(directory: archiveFolder, source: source.name)
        // An adoption that was cut off, or a database from before one: the archive's numbers are the newer ones.
        let former = [recorded, archivedLog].compactMap { $0 }.max { $0.number < $1.number }
        let reader = try ArchiveReader(directory: archiveFolder, source: source.definition)
        let archived = try reader.archived()
        var extents = try catalog.knownExtents(source: source.id)
        let own = try log.partitions()
        for partition in Set(own).union(archived.partitions) where !extents.contains(where: { $0.partition == partition }) {
            extents.append(KnownExtent(partition: partition, processed: .zero, end: .zero))
        }
        let formerEnds = try endsOfFormer(former, than: source, now: identity)
        let bounds = try log.bounds(of: own)
        let numbered = former?.bound(log) ?? log
        var witnesses: [Partition: [LogWitness]] = [:]
        for segment in try reader.segments(below: archived) {
            if let last = segment.lastRecord { witnesses[segment.partition, default: []].append(last) }
        }
        var isOwn = recorded.map { !identity.contradicts($0.identity) && $0.number == archivedLog?.number ?? 0 } ?? true
        var parts: [LogAdoption.Part] = []
        for extent in extents.sorted(by: { $0.partition < $1.partition }) {
            let partition = extent.partition
            let end = max(extent.end, archived[partition], formerEnds[partition] ?? .zero)
            guard let here = bounds[partition] else {
                parts.append(
                    .init(
                        start: .init(partition: partition, offset: end, own: .zero), archived: archived[partition],
                        processed: extent.processed, end: .zero))
                continue
            }
            if isOwn {
                let position = max(extent.processed, archived[partition])
                do {
                    let now = try numbered.bounds(of: partition)
                    for witness in [extent.witness, witnesses[partition]?.max(by: { $0.offset < $1.offset })] {
                        try LogCheck.check(
                            numbered, source: source.name, LogKnowledge(partition: partition, position: position, witness: witness),
                            bounds: now)
                    }
                } catch {
                    guard error.code == .anotherLog else { throw error }
                    isOwn = false
                }
            }
            let shared = try Self.sharedRecords(witnesses[partition] ?? [], numbered, partition)
            let start = shared.map { $0 + -Int(former?.shift(partition) ?? 0) } ?? here.lowerBound
            parts.append(
                .init(
                    start: .init(partition: partition, offset: end, own: start), archived: archived[partition], processed: extent.processed,
                    end: here.upperBound))
        }
        let number = (former?.number ?? 0) + 1
        return LogAdoption(
            source: source, binding: LogBinding(number: number, identity: identity, starts: parts.map(\.start)), former: former,
            parts: parts, isOwn: isOwn)
    }

    /// How far the log agrees with what was archived of the former: it may be an older state of it. The first offset behind the newest record that both
    /// are known to hold; nil: none is. What is only in live rows does not count: a run would not find it. A log agrees up to some record and from there on
    /// no more, so that halving finds it.
    private static func sharedRecords(
        _ known: [LogWitness], _ log: any EventLog, _ partition: Partition
    ) throws(ParallaxError) -> Offset? {
        let bounds = try log.bounds(of: partition)
        let candidates = known.filter { bounds.contains($0.offset) }.sorted { $0.offset < $1.offset }
        var low = 0
        var high = candidates.count
        while low < high {
            let middle = (low + high) / 2
            let found = try log.read(partition, from: candidates[middle].offset, maxRecords: 1, maxBytes: 1)
            if found.lastWitness == candidates[middle] { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : candidates[low - 1].offset + 1
    }

    /// Where the former log is another topic, it may still be there: what it holds and nobody has read is given up, too.
    private func endsOfFormer(
        _ former: LogBinding?, than source: CatalogSource, now identity: LogIdentity
    ) throws(ParallaxError) -> [Partition: Offset] {
        guard let former, former.identity.topic != identity.topic, former.identity.kind == identity.kind else { return [:] }
        var definition = source.definition
        definition.topic = former.identity.topic
        guard let log = try? openLogForLooking(definition), let found = try? log.identity(), !found.contradicts(former.identity) else {
            return [:]
        }
        let numbered = former.bound(log)
        guard let bounds = try? numbered.bounds(of: numbered.partitions()) else { return [:] }
        return bounds.mapValues(\.upperBound)
    }

    /// From now on the source reads this log. The archive is told first: whatever cuts this off in between is refused by every layer, and ended by
    /// doing it again.
    public func adopt(_ adoption: LogAdoption, _ catalog: Catalog) throws(ParallaxError) {
        let log = try openLog(adoption.source.definition)
        let writer = try openArchive(adoption.source.definition, log)
        let latest = Instant(microseconds: clock().rawValue + maxFutureSkew)
        let task = "its log was not adopted"
        try catalog.claiming(adoption.source, task) { () throws(ParallaxError) in
            try catalog.whileNoBackupIsMade("source \"\(adoption.source.name)\": \(task)") { () throws(ParallaxError) in
                let gaps = try writer.adopt(adoption.binding, eventsUntil: latest)
                FaultPoint.pass("adopt.afterArchive")
                try catalog.adopt(source: adoption.source, adoption.binding, gaps: gaps, place: place)
            }
            // What the layers said of the former log is over.
            for layer in LayerTrouble.Layer.allCases { try catalog.clearTroubles(layer, source: adoption.source.id) }
        }
    }
}
