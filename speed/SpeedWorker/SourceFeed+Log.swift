import Catalog
import Logging
import ParallaxCore
import SpeedLayer

/// The log that positions belong to: nothing is read at an offset of another one.
///
///     what is compared                    when                                                        against
///     identity                            at every look for free partitions                           a replaced log, another topic, a second pipeline
///     end                                 when a partition is taken, and where warming up finds it    an older state
///     the record that it is known by      on the way to the position, before anything new is read     an older state that has grown, a topic made anew
///
/// A source whose log is another one stands still, says so, and looks again every `retryInterval`: where the former log is back, it goes on by itself.
extension SourceFeed {
    /// Between two tries of partitions that stand still because of their log.
    var retryInterval: Duration { context.settings.discoveryInterval * 10 }

    /// True where the log is the one that the source is bound to, and is known under the offsets of now.
    ///
    /// Throws `.anotherLog`, retriable, where it was replaced while it was open: whoever holds this feed makes a new one.
    func isOwnLog(_ catalog: Catalog) throws(ParallaxError) -> Bool {
        if let at = retryLogAt, at > context.now { return false }
        let identity: LogIdentity
        do { identity = try opened.identity() } catch {
            if error.code == .anotherLog { throw ParallaxError(.anotherLog, error.message, hint: error.hint, isRetriable: true) }
            // A log that cannot be asked is not read either; what was read of it goes on being tried.
            guard binding == nil else { return true }
            throw error
        }
        do {
            let known = try catalog.bind(source: sourceID, named: name, to: identity, place: context.settings.place)
            if known != binding { use(known) }
        } catch {
            guard error.code == .anotherLog else { throw error }
            try standStill(error, catalog)
            return false
        }
        if trouble != nil {
            trouble = nil
            retryLogAt = nil
            try catalog.recordProblem(nil, source: sourceID, partitions: Array(try catalog.positions(source: sourceID).keys))
            // The log as a whole was spoken of in the place of these.
            for partition in stopped where partition.error.code == .anotherLog {
                try catalog.recordProblem(partition.error, source: sourceID, partitions: [partition.partition])
            }
        }
        return true
    }

    /// What was said of a partition, by this worker or one before it, is over where the log was read up to the position and is the one that it was. A flush
    /// is no sign of that: it also writes partitions that have only just been taken.
    func clearProven() throws(ParallaxError) {
        guard !proven.isEmpty else { return }
        try Catalog(connection).recordProblem(nil, source: sourceID, partitions: proven.sorted())
        for partition in proven { saidOfStopped[partition] = nil }
        proven = []
    }

    /// After partitions were taken: another log may have been adopted just before. Then the positions are of its offsets.
    func checkBinding(_ catalog: Catalog) throws(ParallaxError) {
        guard let known = try catalog.binding(source: sourceID), known.binding.number != binding?.number else { return }
        throw ParallaxError(.fenced, "source \"\(name)\" has adopted another log: its partitions are taken anew")
    }

    private func standStill(_ error: ParallaxError, _ catalog: Catalog) throws(ParallaxError) {
        retryLogAt = context.now + retryInterval
        context.statistics.update { $0.lastError = error }
        for lease in leases.values { try catalog.release(lease) }
        reset()
        guard trouble != error else { return }
        trouble = error
        context.logger.error("source \(name) stands still: its log is another one", metadata: ["error": "\(error)"])
        try catalog.recordProblem(error, source: sourceID, partitions: Array(try catalog.positions(source: sourceID).keys))
    }

    /// Those of the partitions just taken whose log can be read on. The others are given back, and tried again later.
    func whole(_ taken: [PartitionLease], _ catalog: Catalog) throws(ParallaxError) -> [(lease: PartitionLease, earliest: Offset)] {
        // Where the log cannot say, the first read will: also that it ends too early (see `checkEnd`).
        let bounds = (try? log.bounds(of: taken.map(\.partition))) ?? [:]
        var good: [(lease: PartitionLease, earliest: Offset)] = []
        for lease in taken {
            let known = LogKnowledge(partition: lease.partition, position: lease.nextOffset, witness: lease.witness)
            do {
                if let bounds = bounds[lease.partition] { try LogCheck.checkEnd(source: name, known, bounds: bounds) }
                good.append((lease, bounds[lease.partition]?.lowerBound ?? .zero))
            } catch {
                try refuse(lease, error, catalog)
            }
        }
        return good
    }

    /// A partition that found the end of its log while it read what lies below its position.
    func checkEnd(_ partition: Partition) throws(ParallaxError) {
        guard let lease = leases[partition], let bounds = try? log.bounds(of: partition) else { return }
        let known = LogKnowledge(partition: partition, position: lease.nextOffset, witness: nil)
        do { try LogCheck.checkEnd(source: name, known, bounds: bounds) } catch { try stop(partition, error) }
    }

    /// Gives a partition back that is not read yet, and writes down why.
    private func refuse(_ lease: PartitionLease, _ error: ParallaxError, _ catalog: Catalog) throws(ParallaxError) {
        try catalog.release(lease)
        try noteStopped(lease.partition, at: lease.nextOffset, error, catalog)
    }

    func noteStopped(_ partition: Partition, at position: Offset, _ error: ParallaxError, _ catalog: Catalog) throws(ParallaxError) {
        stopped.removeAll { $0.partition == partition }
        stopped.append(StoppedPartition(source: name, partition: partition, position: position, error: error))
        if error.code == .anotherLog { retryStoppedAt = context.now + retryInterval }
        let all = stopped
        context.statistics.update { $0.stopped = $0.stopped.filter { $0.source != name } + all }
        guard error.code == .anotherLog else {
            troubles[.partition(partition)] = error
            return try sayTroubles()
        }
        // Once, not at every try.
        if saidOfStopped.updateValue(error, forKey: partition) != error {
            context.logger.error(
                "partition \(partition) of source \(name) stops at offset \(position): it cannot be read on",
                metadata: ["error": "\(error)"])
        }
        try catalog.recordProblem(error, source: sourceID, partitions: [partition])
    }
}
