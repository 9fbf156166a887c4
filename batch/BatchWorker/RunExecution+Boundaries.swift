import Catalog
import Glibc
import ParallaxCore

extension RunExecution {
    /// Waits until every partition has its boundary, and writes those that no live worker will write.
    func waitForCut() throws(ParallaxError) -> Cut {
        let deadline = ContinuousClock.now + settings.boundaryDeadline
        var nextLook = ContinuousClock.now
        while true {
            let (found, missing) = try boundaries()
            if missing.isEmpty { return found }
            // Read before the call: what is behind these ends was durable when the boundary was written.
            var ends: [Partition: Offset] = [:]
            for (partition, bounds) in try worker.log.bounds(of: Array(missing)) { ends[partition] = bounds.upperBound }
            let written = try catalog.completeBoundaries(run, logEnds: ends)
            if !written.isEmpty {
                try noteWitnesses(written)
                continue
            }
            // A worker that stands still in the midst of a flush holds its positions, whatever its lease says.
            if ContinuousClock.now >= nextLook {
                for session in try catalog.endDeadSessions(holding: .writing) {
                    guard session.refusal == nil else { throw ParallaxError(.unavailable, session.text) }
                    worker.logger.warning("\(session.text)")
                }
                nextLook = .now + Self.deadSessionInterval
            }
            guard ContinuousClock.now < deadline else { throw try tooLate(missing) }
            try progress()
            pause(settings.pollInterval)
        }
    }

    /// Nobody is dead before a lease is over: that need not be asked at every poll.
    private static let deadSessionInterval = Duration.milliseconds(500)

    /// Positions that the run moved on get a newer record to be known by. The older one stays good where this is cut off, and where the newer one is
    /// damaged: the archive has what the run needs.
    private func noteWitnesses(_ partitions: [Partition]) throws(ParallaxError) {
        let positions = try catalog.positions(source: source.id)
        for partition in partitions {
            guard let position = positions[partition], position > .zero else { continue }
            let bounds = try worker.log.bounds(of: partition)
            guard bounds.contains(position + -1) else { continue }
            let last: RecordBatch
            do throws(ParallaxError) { last = try worker.log.read(partition, from: position + -1, maxRecords: 1, maxBytes: 1) } catch {
                guard error.code == .corrupt else { throw error }
                continue
            }
            guard let witness = last.lastWitness, witness.offset < position else { continue }
            try catalog.setWitness(witness, source: source.id, partition: partition, at: position)
        }
    }

    /// The cut so far, and the partitions that have not got there.
    private func boundaries() throws(ParallaxError) -> (cut: Cut, missing: [Partition]) {
        // In this order: a flush that commits between the two statements has written its boundary before it moved its slice, so a slice that is
        // seen here has its boundary below, if it has one. The other way round, a partition that moved on in between would look like a new one, and all of
        // it would fall out of the cut.
        let positions = try catalog.slices(ofSource: source.id)
        let written = try catalog.boundaries(of: run)
        var cut = Cut()
        var missing: [Partition] = []
        for (partition, slice) in positions {
            if let boundary = written[partition] {
                cut[partition] = boundary
            } else if slice >= run.slice {
                // Came to the log after this run had asked, in a later slice: nothing of it is below the cut.
                cut[partition] = .zero
            } else {
                missing.append(partition)
            }
        }
        return (cut, missing)
    }

    private func tooLate(_ missing: [Partition]) throws(ParallaxError) -> ParallaxError {
        ParallaxError(
            .unavailable,
            "the speed layer did not close its slice within \(settings.boundaryDeadline) in "
                + "\(missing.count == 1 ? "partition" : "partitions") \(missing.map(\.description).joined(separator: ", "))",
            detail: try catalog.owners(source: source.id, of: missing),
            hint: "see what these workers wait for (parallax status), or stop them: the run then closes the slice itself")
    }

    private func pause(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        nanosleep(&time, nil)
    }
}
