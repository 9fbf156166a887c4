import Columns
import Operators
import ParallaxCore
import ViewLanguage

/// One pass over the records below a cut, for all views of a source: removes duplicates, then aggregates.
///
/// I3  rows(view) = the view's SELECT over { the copy of each event with the smallest (partition, offset) } below the cut
///
/// whatever the segments and batches in which the records come, as long as they come in (partition, offset) order. For windows that an
/// incremental scope leaves out there are no rows; for those that it names the rows are the same as a full scope's, since the identity
/// contains the event time: all copies of a window's events lie in that window.
///
///     additions   rows(view) = the view's SELECT over { the kept events at or above the base's cut }
///     sessions    rows(view) ⊇ the sessions of the scope's times, whole; parts of others, which the caller leaves out
///
/// Both only where `statistics.movedCopies` is 0: a new copy with a smaller partition takes the place of one that the base has counted.
///
/// Not thread-safe: one owner. What would be shared between threads is divided by hash: identities (`IdentitySet`) and groups.
public final class BatchEngine {
    private let scope: RunScope
    private let limits: BatchLimits
    private let source: SourceDefinition
    private let aggregators: [ViewAggregator]
    private var identities: IdentitySet
    /// Identities of the events at or above the base's cut, where somebody wants to know which are new, or which copies move.
    private var newIdentities = IdentitySet()
    /// Those of them that the base has counted in another partition's copy. Few: producers send a copy to the same partition.
    private var movedIdentities: Set<UInt128> = []
    private let watchesNew: Bool
    private let watchesCopies: Bool
    /// Nil where nobody compares the layers.
    private let differences: DifferenceTally?
    private var last: (partition: Partition, offset: Int64)?
    /// Reused for every batch.
    private var kept: [Int32] = []

    public private(set) var statistics = RecordStatistics()
    /// One entry a view: events that the view could not take, by reason.
    public private(set) var viewRejections: [[RejectionReason: Int]]

    /// - Parameters:
    ///   - dimensions: the tables that the views join.
    ///   - leftOut: what the speed layer put into no view of the records between the base and the cut; nil: the layers are not compared.
    ///   - expectedEvents: the most that will come, where that is known: memory for their identities is taken at once.
    public init(
        source: SourceDefinition, scope: RunScope, limits: BatchLimits, dimensions: Dimensions = .none,
        leftOut: [Partition: LeftOutRecords]? = nil,
        expectedEvents: Int = 0
    ) throws(ParallaxError) {
        self.scope = scope
        self.limits = limits
        self.source = source
        aggregators = scope.views.map { view in
            switch view.extent {
            case .everything: ViewAggregator(plan: view.plan, layer: .batch, dimensions: dimensions)
            case .windows(let starts): ViewAggregator(plan: view.plan, layer: .batch, onlyWindows: starts, dimensions: dimensions)
            case .additions, .sessions: ViewAggregator(plan: view.plan, layer: .batch, dimensions: dimensions)
            }
        }
        differences = leftOut.map { DifferenceTally(scope, leftOut: $0, dimensions: dimensions) }
        watchesCopies = scope.views.contains(where: \.extent.needsSameCopies)
        // A pass over everything knows how many events there are without that. Who compares the layers wants to know which copy gives way.
        watchesNew = watchesCopies || !scope.readsEverything || (leftOut != nil && scope.hasBase)
        viewRejections = Array(repeating: [:], count: scope.views.count)
        identities = IdentitySet()
        try checkMemory(identityBytes: identities.peakBytes(adding: expectedEvents))
        identities.reserve(expectedEvents)
    }

    /// Consecutive records of one partition; partitions and offsets ascend from call to call. Records at or above the cut are passed over.
    public func add(_ batch: EventBatch) throws(ParallaxError) {
        checkOrder(batch)
        let base = scope.base[batch.partition].rawValue
        let isNew = batch.offsets.last.map { $0 >= base } == true
        let watched = watchesNew && isNew
        try checkMemory(
            identityBytes: identities.peakBytes(adding: batch.count)
                + (watched ? newIdentities.peakBytes(adding: batch.count) : newIdentities.bytes))
        identities.reserve(batch.count)
        if watched { newIdentities.reserve(batch.count) }
        let end = scope.cut[batch.partition].rawValue
        let events = selectRows(batch, base: base, end: end)
        statistics.countRecords(of: batch, offsets: 0..<end, events: events)
        guard !kept.isEmpty else { return }
        for index in aggregators.indices {
            let isFull = scope.views[index].extent.isEverything
            let rows = rows(of: batch, for: scope.views[index], base: base)
            guard !rows.isEmpty else { continue }
            for rejection in aggregators[index].add(batch, rows: rows) where isFull || batch.offsets[rejection.row] >= base {
                viewRejections[index][rejection.reason, default: 0] += 1
            }
        }
    }

    /// The kept rows that the view is computed from.
    private func rows(of batch: EventBatch, for view: RunScope.View, base: Int64) -> [Int32] {
        switch view.extent {
        case .additions:
            // Offsets ascend: most batches of a large history are old as a whole.
            guard let last = kept.last, batch.offsets[Int(last)] >= base else { return [] }
            return kept.filter { batch.offsets[Int($0)] >= base }
        case .sessions(let reached):
            guard case .int64(let times)? = batch.columns[source.eventTimeColumn]?.storage else {
                preconditionFailure("the event time column was not read")
            }
            // New ones also where they are in no session: the view has rejected them, which is counted.
            return kept.filter { batch.offsets[Int($0)] >= base || reached.contains(times[Int($0)]) }
        case .everything, .windows:
            let first = view.firstEventTime
            guard first > .min, case .int64(let times)? = batch.columns[source.eventTimeColumn]?.storage else { return kept }
            return kept.filter { times[Int($0)] >= first }
        }
    }

    /// A view's rows in key order. Its states are gone afterwards.
    /// - Parameter horizon: windows that end at or before it get no sketches.
    public func takeRows(view index: Int, sketchesForWindowsEndingAfter horizon: Instant?) -> StateRows {
        aggregators[index].takeRows(sketchesForWindowsEndingAfter: horizon)
    }

    /// Fills `kept` with the rows to aggregate; returns how many events the batch has below the cut.
    private func selectRows(_ batch: EventBatch, base: Int64, end: Int64) -> Int {
        kept.removeAll(keepingCapacity: true)
        var events = 0
        var duplicates = 0
        var newEvents = 0
        let times: [Int64]
        let leftOut = differences?.leftOut(batch.partition)
        if needsEventTimes {
            guard case .int64(let values) = batch.columns[source.eventTimeColumn]?.storage else {
                preconditionFailure("the event time column was not read")
            }
            times = values
        } else {
            times = []
        }
        for row in 0..<batch.count where batch.isRejected[row] == 0 && batch.offsets[row] < end {
            events += 1
            if let ranges = scope.eventTimes, !ranges.contains(times[row]) { continue }
            // Zero marks a free place in the set: an event with it would vanish without a sign.
            precondition(batch.identities[row] != 0, "the event at offset \(batch.offsets[row]) came without an identity")
            let isFirst = identities.insert(batch.identities[row])
            if isFirst { kept.append(Int32(row)) } else { duplicates += 1 }
            let isNew = batch.offsets[row] >= base
            if isNew, let leftOut { differences?.note(row: row, offset: batch.offsets[row], isFirst: isFirst, leftOut: leftOut) }
            guard watchesNew else { continue }
            if isNew {
                guard isFirst else { continue }
                _ = newIdentities.insert(batch.identities[row])
                newEvents += 1
            } else if !isFirst, newIdentities.contains(batch.identities[row]) {
                if watchesCopies { statistics.movedCopies += 1 }
                guard movedIdentities.insert(batch.identities[row]).inserted else { continue }
                newEvents -= 1
                differences?.noteMoved(row: row)
            }
        }
        statistics.duplicates += duplicates
        statistics.newEvents += newEvents
        differences?.take(batch, eventTimes: needsEventTimes ? times : nil)
        return events
    }

    private var needsEventTimes: Bool { scope.eventTimes != nil || differences != nil && scope.views.contains { $0.firstEventTime > .min } }

    /// A view's records that the layers treated differently, by cause: keys and numbers of records. They are gone afterwards.
    public func takeDifferences(view index: Int) -> [(cause: DifferenceCause, rows: StateRows)] {
        differences?.takeRows(view: index) ?? []
    }

    private func checkOrder(_ batch: EventBatch) {
        guard let first = batch.offsets.first, let final = batch.offsets.last else { return }
        if let last {
            precondition(
                (last.partition, last.offset) < (batch.partition, first),
                "offset \(first) of partition \(batch.partition) comes after \(last.offset) of \(last.partition)")
        }
        last = (batch.partition, final)
    }

    /// Bytes that the states of all views hold, approximately.
    public var stateBytes: Int { aggregators.reduce(differences?.bytes ?? 0) { $0 + $1.approximateBytes } }
    public var identityBytes: Int { identities.bytes }

    private func checkMemory(identityBytes: Int) throws(ParallaxError) {
        let states = stateBytes
        guard identityBytes + states > limits.memoryBytes else { return }
        throw ParallaxError(
            .limit, "the run needs more memory than batch.memory_bytes allows (\(limits.memoryBytes) bytes)",
            detail: "\(identityBytes) bytes to tell \(identities.count) events apart, \(states) bytes for "
                + "\(aggregators.reduce(0) { $0 + $1.groupCount }) groups of \(aggregators.count) views",
            hint: "raise batch.memory_bytes, if the machine has it; group by fewer or coarser columns; "
                + "or run more often, so that each incremental run touches fewer windows")
    }
}
