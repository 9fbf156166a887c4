import Catalog
import Logging
import ParallaxCore
import SpeedLayer

extension SourceFeed {
    /// Writes what is in memory, if there is anything.
    func flush() throws(ParallaxError) {
        if state.isDirty { try flush(.caughtUp) }
    }

    /// To be called inside `context.during`.
    func flush(_ reason: FlushReason) throws(ParallaxError) {
        guard let flush = state.takeFlush() else { return }
        let started = context.now
        let place = FlushPlace()
        let transaction = FlushTransaction(
            connection: connection, known: definitions, limits: context.settings.rules.limits, place: place)
        let outcome: FlushTransaction.Outcome
        do {
            try staging.prepare(flush.deltas, connection, place)
            outcome = try transaction.write(flush, leases: leases, logEnds: logEnds(flush), staging: staging)
        } catch {
            return try wasRefused(error, place.view)
        }
        if flush.counts.records > 0 { try wasTaken() }

        let now = context.now
        state.flushed(flush, slice: outcome.slice, now: now)
        for move in flush.moves {
            leases[move.partition]?.nextOffset = move.to
            leases[move.partition]?.slice = outcome.slice
        }
        assignment?.committed(Dictionary(flush.moves.map { ($0.partition, $0.to) }) { $1 })
        requested = outcome.slice
        nextOwnershipCheckAt = now + context.settings.lease / 3
        flushes += 1
        let groups = flush.groups
        context.statistics.update {
            $0.counts += flush.counts
            for (key, count) in flush.rejected where !key.view.isEmpty { $0.leftOut[key.view, default: 0] += count }
            $0.flushes += 1
            $0.groups += Int64(groups)
            $0.lastFlushDuration = now - started
            $0.lastFlushGroups = groups
        }
        context.logger.debug(
            "flushed source \(name)",
            metadata: [
                "reason": "\(reason.rawValue)", "records": "\(flush.counts.records)", "groups": "\(groups)", "took": "\(now - started)",
            ])
        if let changed = outcome.changed {
            try follow(changed)
        } else if outcome.slice > flush.slice {
            // Versions that waited for this slice begin with the next record.
            try setViews()
        }
        // Last: where it fails, the flush has been taken account of.
        if flushes % ChangeLimits.flushesBetweenLooks == 0 { try Catalog(connection).limitChanges(ofSource: definitions.source.id) }
    }

    /// For people, who want to see the lag: where the log does not say, the position stands in.
    private func logEnds(_ flush: SpeedFlush) -> [Partition: Offset] {
        var ends: [Partition: Offset] = [:]
        for move in flush.moves { ends[move.partition] = max(log.knownEnd(of: move.partition) ?? move.to, move.to) }
        return ends
    }
}
