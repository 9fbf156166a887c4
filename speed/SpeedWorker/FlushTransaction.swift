import Catalog
import ParallaxCore
import Postgres
import SpeedLayer
import ViewLanguage

/// One flush, in one transaction: deltas, touched windows, rejections, positions, boundaries and watermark, or nothing of it (I1, I5).
///
/// `synchronous_commit` is off: a crash of the server may take the last flushes back, but each with its position, and they are made again.
struct FlushTransaction {
    let connection: Connection
    /// The definitions that the flush was gathered with.
    let known: TrackedDefinitions
    let limits: SpeedLimits
    let place: FlushPlace

    struct Outcome {
        /// Where the next records belong.
        var slice: SliceNumber
        /// The definitions, where they are others than before.
        var changed: TrackedDefinitions?
    }

    func write(_ flush: SpeedFlush, leases: [Partition: PartitionLease], logEnds: [Partition: Offset], staging: StagingTables)
        throws(ParallaxError) -> Outcome
    {
        let catalog = Catalog(connection)
        let held = flush.moves.map { move in
            guard let lease = leases[move.partition] else { preconditionFailure("partition \(move.partition) moves without a lease") }
            precondition(lease.nextOffset == move.from && lease.slice == move.slice, "the lease stands at \(lease), the state at \(move)")
            return lease
        }
        let outcome = try connection.transaction("BEGIN; SET LOCAL synchronous_commit = off") { () throws(ParallaxError) in
            try catalog.lockForFlush(held)
            let control = try catalog.control(source: known.source.id)
            // The position rows are locked: no apply is under way.
            let changed = control.fingerprint == known.fingerprint ? nil : try TrackedDefinitions(catalog, source: known.source.id)
            if let changed { try changed.check(flush) }
            for delta in flush.deltas {
                // A dropped version's deltas go with it.
                guard let tables = (changed ?? known).tables[delta.view.id] else { continue }
                place.view = delta.view
                try staging.add(delta, to: tables, slice: flush.slice, connection)
                try touchWindows(delta, slice: flush.slice)
            }
            place.view = nil
            FaultPoint.pass("speed.afterUpsert")
            try writeRejections(flush, views: Set((changed ?? known).views.map(\.name)))
            let slice = max(control.requestedSlice, flush.slice)
            for (move, lease) in zip(flush.moves, held) {
                try advance(move, lease, slice: slice, logEnd: logEnds[move.partition] ?? move.to)
            }
            try catalog.recordFlush(
                source: known.source.id, outOfOrderness: known.source.definition.outOfOrderness,
                versions: flush.deltas.filter(\.touchesWindows).map(\.view.id))
            FaultPoint.pass("speed.beforeCommit")
            return Outcome(slice: slice, changed: changed)
        }
        FaultPoint.pass("speed.afterCommit")
        return outcome
    }
}

/// Which view a flush is at, for whoever asks what was refused.
final class FlushPlace {
    var view: SpeedView?
}
