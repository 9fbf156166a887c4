import Catalog
import Logging
import Operators
import ParallaxCore
import SpeedLayer

/// Taking partitions, keeping them, giving them back.
extension SourceFeed {
    /// Takes the partitions that are free.
    func acquire() throws(ParallaxError) {
        let catalog = Catalog(connection)
        guard let partitions = try knownPartitions(catalog) else { return }
        if mustCompare {
            mustCompare = false
            try flush()
            for lease in leases.values { try catalog.release(lease) }
            reset()
        }
        if goal == .untilCaughtUp { try setTargets() }
        let unknown = partitions.filter { !registered.contains($0) }
        if !unknown.isEmpty {
            try catalog.ensurePartitions(source: sourceID, unknown)
            registered.formUnion(unknown)
        }
        try forgetStoppedThatMoved(catalog)
        let taken = try take(from: partitions, catalog)
        guard !taken.isEmpty else { return }
        try checkBinding(catalog)
        if leases.isEmpty {
            definitions = try TrackedDefinitions.load(catalog, source: sourceID)
            reset()
            nextOwnershipCheckAt = context.now + context.settings.lease / 3
        }
        let whole = try whole(taken, catalog)
        guard !whole.isEmpty else { return }
        for (lease, earliest) in whole {
            leases[lease.partition] = lease
            unproven.insert(lease.partition)
            let position = PartitionPosition(
                partition: lease.partition, slice: lease.slice, next: lease.nextOffset,
                eventTimes: WatermarkTracker.State(
                    newest: lease.maxEventTime, leader: lease.leadingEventTime, readsHistory: lease.readsHistory),
                witness: lease.witness)
            state.join(position, earliest: earliest, now: context.now)
        }
        if !state.isDirty { try setViews() }
        context.logger.info(
            "took partitions of source \(name)",
            metadata: [
                "partitions": "\(whole.map { "\($0.lease.partition)@\($0.lease.nextOffset)" }.joined(separator: " "))",
                "slice": "\(taken[0].slice)",
            ])
    }

    /// What the assignment wants, or everything: where it is free, or else, once an assignment, from whoever has it.
    private func take(from partitions: [Partition], _ catalog: Catalog) throws(ParallaxError) -> [PartitionLease] {
        let held = Array(leases.keys) + stopped.map(\.partition)
        guard let wish = assignment?.wish else {
            return try catalog.acquirePartitions(source: sourceID, worker: context.id, lease: context.settings.lease, except: held)
        }
        guard wish.demand == .nothing else { return [] }
        let unwanted = partitions.filter { !wish.partitions.contains($0) }
        var taken = try catalog.acquirePartitions(
            source: sourceID, worker: context.id, lease: context.settings.lease, except: held + unwanted)
        mayTake.subtract(taken.map(\.partition))
        mayTake.formIntersection(wish.partitions)
        mayTake.subtract(held)
        if !mayTake.isEmpty {
            let others = partitions.filter { !mayTake.contains($0) }
            let stolen = try catalog.acquirePartitions(
                source: sourceID, worker: context.id, lease: context.settings.lease, stealing: true, except: others)
            mayTake.subtract(stolen.map(\.partition))
            taken += stolen
        }
        return taken
    }

    /// Does what the group asks for. What it no longer wants here is given back with everything written, or, where others have it
    /// already, forgotten.
    func heedAssignment() throws(ParallaxError) {
        guard let assignment else { return }
        let wish = assignment.wish
        switch wish.demand {
        case .drop:
            reset()
            assignment.gaveUp()
        case .giveUp:
            // However it ends: the others wait.
            defer { assignment.gaveUp() }
            // Also what a flush that is refused forgets.
            let held = leases
            try flush()
            let catalog = Catalog(connection)
            for (partition, lease) in held.merging(leases, uniquingKeysWith: { $1 }) where !wish.partitions.contains(partition) {
                try catalog.release(lease)
                leases[partition] = nil
                state.leave(partition)
            }
            stopped.removeAll { !wish.partitions.contains($0.partition) }
            if leases.isEmpty { reset() }
        case .nothing:
            guard wish.generation != seenGeneration else { return }
            seenGeneration = wish.generation
            mayTake = wish.partitions.subtracting(leases.keys)
            try acquire()
        }
    }

    /// Writes what has been read of it and gives it back, so that a batch run may carry it past the trouble. The others go on.
    func stop(_ partition: Partition, _ error: ParallaxError) throws(ParallaxError) {
        try flush()
        guard let lease = leases.removeValue(forKey: partition) else { return }
        state.leave(partition)
        try Catalog(connection).release(lease)
        try noteStopped(partition, at: lease.nextOffset, error, Catalog(connection))
    }

    /// What the log no longer has may be in the archive: a source that comes back finds its log trimmed. Then live rows begin behind it, and the next
    /// run brings what is before. False where the archive does not have it.
    func skipArchived(_ partition: Partition, to earliest: Offset) throws(ParallaxError) -> Bool {
        try flush()
        guard let lease = leases[partition], lease.nextOffset < earliest else { return false }
        guard try Catalog(connection).skipArchived(source: sourceID, partition: partition, to: earliest) else { return false }
        context.logger.warning(
            "partition \(partition) of source \(name) goes on behind records that only the archive has: the next batch run shows them",
            metadata: ["from": "\(lease.nextOffset)", "to": "\(earliest)"])
        leases[partition] = nil
        state.leave(partition)
        try acquire()
        return true
    }

    /// Somebody moved the position: there is something else to read now.
    private func forgetStoppedThatMoved(_ catalog: Catalog) throws(ParallaxError) {
        guard !stopped.isEmpty else { return }
        let positions = try catalog.positions(source: sourceID)
        let isTime = retryStoppedAt.map { $0 <= context.now } ?? false
        for gone in stopped where positions[gone.partition] != gone.position || (isTime && gone.error.code == .anotherLog) {
            stopped.removeAll { $0.partition == gone.partition }
            try goesOn(.partition(gone.partition))
        }
    }

    /// Nothing is in memory. Another schema means another decoder and other rules: the source begins anew where it stands.
    func follow(_ changed: TrackedDefinitions) throws(ParallaxError) {
        let hasSameSource = changed.source.definition == definitions.source.definition
        definitions = changed
        if hasSameSource {
            try setViews()
        } else {
            reset()
            try acquire()
        }
    }

    /// What a flush would find out, also where there is nothing to flush.
    func checkOwnership() throws(ParallaxError) {
        let now = context.now
        guard now >= nextOwnershipCheckAt, !leases.isEmpty else { return }
        nextOwnershipCheckAt = now + context.settings.lease / 3
        let held = try Catalog(connection).heldPartitions(source: sourceID, worker: context.id)
        for lease in leases.values where held[lease.partition] != lease.epoch {
            throw ParallaxError(.fenced, "partition \(lease.partition) of source \"\(name)\" belongs to another worker now")
        }
    }
}
