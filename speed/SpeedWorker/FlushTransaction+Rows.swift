import Catalog
import Columns
import Operators
import ParallaxCore
import Postgres
import SpeedLayer
import ViewLanguage

extension FlushTransaction {
    func touchWindows(_ delta: SpeedFlush.Delta, slice: SliceNumber) throws(ParallaxError) {
        let windows = delta.touchedWindows
        guard !windows.isEmpty else { return }
        try Catalog(connection).touchWindows(version: delta.view.id, slice: slice, windows: windows, late: delta.late)
    }

    func advance(_ move: SpeedFlush.Move, _ lease: PartitionLease, slice: SliceNumber, logEnd: Offset) throws(ParallaxError) {
        let catalog = Catalog(connection)
        try catalog.advance(
            lease,
            to: PartitionProgress(
                nextOffset: move.to, slice: slice, maxEventTime: move.eventTimes.newest,
                leadingEventTime: move.eventTimes.leader, readsHistory: move.eventTimes.readsHistory, isIdle: move.isIdle,
                newestAppendedAt: move.newestAppendedAt, logEnd: max(logEnd, move.to), events: move.counts.events, late: move.counts.late,
                duplicates: move.counts.duplicates, witness: move.witness))
        if !move.leftOut.isEmpty {
            try catalog.recordLeftOut(move.leftOut, source: lease.sourceID, partition: move.partition, slice: move.slice, from: move.from)
        }
        // The boundary is in the transaction that writes the last deltas before it.
        try catalog.closeSlices(source: lease.sourceID, partition: move.partition, from: move.slice, through: slice, at: move.to)
    }

    /// - Parameter views: those that there are; what a dropped one could not take goes with it.
    func writeRejections(_ flush: SpeedFlush, views: Set<String>) throws(ParallaxError) {
        let rejected = flush.rejected.filter { $0.key.view.isEmpty || views.contains($0.key.view) }
        let samples = flush.samples.filter { $0.view.isEmpty || views.contains($0.view) }
        guard !rejected.isEmpty else { return }
        let catalog = Catalog(connection)
        try catalog.countRejections(
            source: known.source.id, slice: flush.slice, rejected.map { ($0.key.view, $0.key.reason.rawValue, $0.count) })
        guard !samples.isEmpty else { return }
        try catalog.keepRejected(samples, source: known.source.id, limit: limits.rejectionSamplesPerSource)
    }
}

extension SpeedFlush.Delta {
    var touchesWindows: Bool { rows.count > 0 || !late.isEmpty }

    /// Ascending, each once: windows of the rows and windows of late events.
    var touchedWindows: [Int64] {
        guard view.plan.window != nil else { return touchesWindows ? [Plan.noWindow] : [] }
        var windows = Set(late.map(\.window))
        if rows.count > 0 {
            guard case .column(let column) = rows.values[0], case .int64(let starts) = column.storage else {
                preconditionFailure("the first column of \(view.name) is not its window")
            }
            windows.formUnion(starts)
        }
        return windows.sorted()
    }
}
