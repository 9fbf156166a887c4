import Catalog
import Logging
import Operators
import ParallaxCore
import Postgres
import SpeedLayer
import ViewLanguage

/// One source in one session: reads its log, hands batches to the state, writes flushes.
final class SourceFeed {
    let sourceID: SourceID
    let name: String
    /// What `opened` was opened by.
    let topic: String
    /// As it was opened. `log` is the same, numbered as the source's offsets are.
    let opened: any EventLog
    private(set) var log: any EventLog
    /// Which log the source's offsets belong to; nil before anybody could ask it.
    private(set) var binding: LogBinding?
    /// Why nothing is read of the source, and when it may be tried again.
    var trouble: ParallaxError?
    var retryLogAt: Duration?
    /// The same of single partitions, and what was last said of each.
    var retryStoppedAt: Duration?
    var saidOfStopped: [Partition: ParallaxError] = [:]
    /// Taken, and not yet read up to where they stand: what was said of their log still holds. Then those of which it does not.
    var unproven: Set<Partition> = []
    var proven: Set<Partition> = []
    /// The log was not there when it was looked at: what comes back may be another one.
    var mustCompare = false
    /// Nil: this feed takes whatever is free, or its log could not be asked yet.
    var assignment: (any PartitionAssignment)? { joined ?? nil }
    /// What `join` gave; nil: it was not called yet.
    var joined: (any PartitionAssignment)??
    let join: () throws(ParallaxError) -> (any PartitionAssignment)?
    let connection: Connection
    let context: WorkerContext
    let goal: Goal

    var definitions: TrackedDefinitions
    private var decoders: [SourceDefinition: EventDecoder] = [:]
    var state: SpeedState
    var leases: [Partition: PartitionLease] = [:]
    var staging = StagingTables()
    /// The newest slice that anyone asked for, when this feed last looked.
    var requested: SliceNumber?
    var flushes = 0
    /// The tables that the views join.
    var dimensions = LoadedDimensions()
    /// The state has not been given the views that `definitions` name: their tables are not in memory yet.
    var awaitsDimensions = false

    /// What PostgreSQL refuses of it.
    var refusal: FlushRefusal

    /// Partitions that cannot be read.
    var stopped: [StoppedPartition] = []
    /// What cannot be done now, and is tried again.
    var troubles: [LogSubject: ParallaxError] = [:]
    /// The catalog may have troubles of a worker before this one.
    var mayHaveTroublesOfOthers = true
    /// Partitions of the log that the catalog has.
    var registered: Set<Partition> = []
    /// Reads that failed and may be tried again.
    var retryReadAt: [Partition: Duration] = [:]
    private var nextControlAt: Duration
    var nextOwnershipCheckAt: Duration
    /// The log's ends when the feed began: what `hasCaughtUp` measures by.
    private var targets: [Partition: Offset]?
    private var turn = 0
    /// Those that the log was told of.
    private var readPartitions: Set<Partition> = []

    /// The assignment that was seen last.
    var seenGeneration: Int?
    /// Partitions that may be taken from whoever has them, once.
    var mayTake: Set<Partition> = []

    /// - Parameter join: asks for the word of others on who has which partition, once the log has said that it is there: a consumer group that is
    ///   joined for a topic which is not there hears of it late.
    init(
        _ source: CatalogSource, log: any EventLog,
        join: @escaping () throws(ParallaxError) -> (any PartitionAssignment)? = { () throws(ParallaxError) in nil },
        connection: Connection,
        context: WorkerContext, goal: Goal = .untilStopped
    ) throws(ParallaxError) {
        sourceID = source.id
        name = source.name
        topic = source.definition.topic
        opened = log
        self.log = log
        self.join = join
        self.connection = connection
        self.context = context
        self.goal = goal
        definitions = try TrackedDefinitions.load(Catalog(connection), source: source.id)
        state = SpeedState(source: definitions.source.definition, rules: context.settings.rules, now: context.now)
        refusal = FlushRefusal(context.settings)
        nextControlAt = context.now
        nextOwnershipCheckAt = context.now
    }

    func use(_ known: LogBinding) {
        binding = known
        log = known.bound(opened)
        registered = []
    }

    /// What the log held when it could first be asked.
    func setTargets() throws(ParallaxError) {
        if targets == nil { targets = try log.bounds(of: log.partitions()).mapValues(\.upperBound) }
    }

    var owned: Int { leases.count }

    /// Nil for a log without connections.
    var clientReport: LogClientReport? {
        guard var report = (opened as? any ReportingLog)?.clientReport else { return nil }
        if let wish = assignment?.wish {
            report.rebalances = wish.generation
            report.lostAssignments = wish.losses
        }
        // What keeps it from reading is worth more than what a connection said last.
        if let trouble = worstTrouble { report.lastError = trouble.description.replacing("\n", with: " ") }
        return report
    }

    /// Forgets everything that is not written.
    func reset() {
        leases = [:]
        unproven = []
        proven = []
        dimensions = LoadedDimensions()
        awaitsDimensions = false
        decoders = [:]
        state = SpeedState(source: definitions.source.definition, rules: context.settings.rules, now: context.now)
    }

    /// One turn: reads each partition once, then does what is due. True where there was something to read.
    func step(isUrgent: Bool) throws(ParallaxError) -> Bool {
        try context.during { () throws(ParallaxError) in try heedAssignment() }
        let held = Set(leases.keys)
        if held != readPartitions { log.readOnly(held) }
        readPartitions = held
        guard !leases.isEmpty else { return false }
        var progressed = false
        turn += 1
        let mayRead = try context.during { () throws(ParallaxError) in try dimensionsAreReady() } && mayTryAgain
        // Each turn begins with another partition, so that a limit does not always meet the same ones.
        let count = state.partitions.count
        let places = (0..<count).compactMap { mayRead ? nextPlace(($0 + turn) % count) : nil }
        for partition in log.readAhead(places) {
            progressed = try read(partition) || progressed
            context.heartbeat?.tick()
            if context.stop.isSet { break }
        }
        try context.during { () throws(ParallaxError) in try clearProven() }
        if context.stop.isSet { return progressed }
        try context.during { () throws(ParallaxError) in try lookAtControl() }
        if let reason = state.flushReason(now: context.now, requested: requested, isUrgent: isUrgent) {
            // Also what follows it: a refused one waits for locks, too.
            try context.during { () throws(ParallaxError) in try flush(reason) }
        }
        try context.during { () throws(ParallaxError) in try checkOwnership() }
        return progressed
    }

    /// Nil where nothing is to be read now.
    private func nextPlace(_ index: Int) -> LogPlace? {
        guard let read = state.nextRead(index) else { return nil }
        if let at = retryReadAt[read.partition], at > context.now { return nil }
        return LogPlace(read.partition, read.from)
    }

    private func read(_ partition: Partition) throws(ParallaxError) -> Bool {
        guard let index = state.partitions.firstIndex(where: { $0.partition == partition }), let read = state.nextRead(index) else {
            return false
        }
        let records: RecordBatch
        do {
            records = try log.read(
                partition, from: read.from, maxRecords: read.maxRecords, maxBytes: context.settings.rules.limits.bytesPerRead)
        } catch {
            // May wait for locks of others: for the source's row, where the position moves.
            try context.during { () throws(ParallaxError) in try readFailed(partition, error) }
            return false
        }
        retryReadAt[partition] = nil
        if let (expected, found) = state.contradiction(in: records) {
            try context.during { () throws(ParallaxError) in
                try stop(partition, LogCheck.otherRecord(source: name, partition, expected, found))
            }
            return false
        }
        if records.isEmpty, state.partitions[index].isWarmingUp {
            // The log ends below the position, or has not shown all of itself yet.
            try context.during { () throws(ParallaxError) in try checkEnd(partition) }
            retryReadAt[partition] = context.now + context.settings.discoveryInterval
            guard leases[partition] != nil else { return false }
        }
        try goesOn(.partition(partition))
        state.receive(
            records, state.schemas.map { records.isEmpty ? .empty(of: partition) : decoder($0).decode(records) }, now: context.now,
            arrivedAt: context.clock.wallTime())
        if !state.partitions[index].isWarmingUp, unproven.remove(partition) != nil { proven.insert(partition) }
        return !records.isEmpty
    }

    private func decoder(_ schema: SourceDefinition) -> EventDecoder {
        if let decoder = decoders[schema] { return decoder }
        let made = EventDecoder(schema)
        decoders[schema] = made
        return made
    }

    private func readFailed(_ partition: Partition, _ error: ParallaxError) throws(ParallaxError) {
        if error.code == .offsetGone, let current = state.partitions.first(where: { $0.partition == partition }), current.isWarmingUp,
            let earliest = try? log.bounds(of: partition).lowerBound, earliest > current.reading
        {
            state.skipWarmUp(partition, to: earliest)
            return
        }
        // Processed already, and damaged since: the horizon lacks those records only.
        if error.code == .corrupt, let current = state.partitions.first(where: { $0.partition == partition }), current.isWarmingUp,
            let damage = try? (log as? any DamageableLog)?.damage(of: partition, at: current.reading)
        {
            context.logger.warning(
                "records that were processed cannot be read again; copies of them are known to the batch layer only",
                metadata: ["source": "\(name)", "damage": "\(damage.words)"])
            state.skipWarmUp(partition, to: damage.offsets.upperBound)
            return
        }
        if error.code == .offsetGone {
            try checkEnd(partition)
            guard leases[partition] != nil else { return }
            if let earliest = try? log.bounds(of: partition).lowerBound, try skipArchived(partition, to: earliest) { return }
        }
        context.statistics.update { $0.lastError = error }
        guard waits(for: error) else { return try stop(partition, error) }
        retryReadAt[partition] = context.now + context.settings.discoveryInterval
        try cannot(.partition(partition), error)
    }

    /// What a flush would see, looked at also while there is nothing to flush.
    private func lookAtControl() throws(ParallaxError) {
        let now = context.now
        guard now >= nextControlAt else { return }
        nextControlAt = now + context.settings.rules.flushInterval
        try followDimensions()
        let control = try Catalog(connection).control(source: sourceID)
        requested = control.requestedSlice
        guard control.fingerprint != definitions.fingerprint, !state.isDirty, state.slice == requested else { return }
        try follow(try TrackedDefinitions.load(Catalog(connection), source: sourceID))
        // What was refused may not be asked for any more.
        refusal.retryAt = context.now
    }

    /// True where everything is committed that was in the log when the feed began, by whomever. Partitions that stopped do not count.
    func hasCaughtUp() throws(ParallaxError) -> Bool {
        guard !state.isDirty else { return false }
        let positions = try Catalog(connection).positions(source: sourceID)
        if trouble != nil { return true }
        try setTargets()
        return (targets ?? [:]).allSatisfy { target in
            stopped.contains { $0.partition == target.key } || (positions[target.key] ?? .zero) >= target.value
        }
    }
}

extension EventBatch {
    /// What the end of a log reads as, many times a second.
    fileprivate static func empty(of partition: Partition) -> EventBatch {
        EventBatch(partition: partition, offsets: [], appendedAt: [], columns: [], identities: [], isRejected: [], rejections: [])
    }
}
