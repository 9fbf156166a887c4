import Disk
import ParallaxCore
import Synchronization

/// Appends of all threads of a process, in groups: whoever comes while a group is on its way to the disk joins the next, which
/// shares one lock and one sync a partition. So the more callers there are, the fewer syncs a record costs, and nobody
/// waits for company.
final class LogWriter: Sendable {
    private let paths: LogPaths
    private let limits: EmbeddedLogLimits
    private let faults: LogFaults
    private let clock: @Sendable () -> Instant
    private let onRecovery: @Sendable (LogRecovery) -> Void
    private let queue = Monitor(Queue())
    private let files: Mutex<Files>

    /// What one append call waits for.
    private struct Request {
        var frames: [(partition: Partition, frames: [EncodedFrame])]
        var ticket: Int
    }

    typealias Outcome = Result<[Partition: Range<Offset>], ParallaxError>

    private struct Queue {
        var nextTicket = 0
        var waiting: [Request] = []
        var isCommitting = false
        var outcomes: [Int: Outcome] = [:]
    }

    private struct Files {
        var lock: SourceLock
        /// How many the log was opened with; 0 before.
        var wanted = 0
        /// Another log is in the folder, and was not opened yet.
        var isReplaced = false
        var partitions: [Partition: PartitionWriter] = [:]
    }

    init(
        _ paths: LogPaths, _ limits: EmbeddedLogLimits, _ faults: LogFaults, clock: @escaping @Sendable () -> Instant,
        onRecovery: @escaping @Sendable (LogRecovery) -> Void
    ) throws(ParallaxError) {
        self.paths = paths
        self.limits = limits
        self.faults = faults
        self.clock = clock
        self.onRecovery = onRecovery
        files = Mutex(Files(lock: try SourceLock(paths)))
    }

    /// Creates what is missing of `partitions` partitions and recovers those that there are.
    func open(partitions wanted: Int) throws(ParallaxError) {
        try withFiles { (partitions) throws(ParallaxError) in try open(wanted, &partitions) }
        files.withLock { $0.wanted = wanted }
    }

    /// Makes the log anew where another took its place, or none did.
    func openAgain() throws(ParallaxError) { try withFiles { (_) throws(ParallaxError) in } }

    private func open(_ wanted: Int, _ partitions: inout [Partition: PartitionWriter]) throws(ParallaxError) {
        var countFile = PartitionCountFile(paths)
        try countFile.refresh()
        if let count = countFile.count, count > wanted {
            throw ParallaxError(
                .configuration,
                "the log of source \"\(paths.source)\" has \(counted(count, "partition")) and cannot be opened with \(wanted)",
                hint: "Configure \(counted(count, "partition")) or more: partitions can be added, never taken away.")
        }
        let numberFile = try LogNumberFile.read(paths)
        // Before the log can be used. A log from before there were numbers gets one now.
        if numberFile == nil { try LogNumberFile.write(LogNumberFile.fresh(), paths) }
        let isCopy = numberFile.map { !$0.isOriginal } ?? false
        for number in 0..<wanted { _ = try self.open(Partition(number), &partitions, isCopy: isCopy) }
        if let numberFile, isCopy { try LogNumberFile.write(numberFile.number, paths) }
        if countFile.count != wanted { try countFile.write(wanted) }
    }

    /// Blocks until the frames are durable and published.
    func append(_ frames: [(partition: Partition, frames: [EncodedFrame])]) throws(ParallaxError) -> [Partition: Range<Offset>] {
        let ticket = queue.change { queue in
            queue.nextTicket += 1
            queue.waiting.append(Request(frames: frames, ticket: queue.nextTicket))
            return queue.nextTicket
        }
        enum Turn {
            case done(Outcome)
            case lead([Request])
        }
        while true {
            let turn = queue.wait { queue -> Turn? in
                if let outcome = queue.outcomes.removeValue(forKey: ticket) { return .done(outcome) }
                if queue.isCommitting { return nil }
                queue.isCommitting = true
                defer { queue.waiting = [] }
                return .lead(queue.waiting)
            }
            switch turn {
            case .done(let outcome): return try outcome.get()
            case .lead(let group):
                let outcomes = commit(group)
                queue.change { queue in
                    queue.isCommitting = false
                    for (request, outcome) in zip(group, outcomes) { queue.outcomes[request.ticket] = outcome }
                }
            }
        }
    }

    /// Append calls that wait for the next group.
    var waitingCount: Int { queue.wait { $0.waiting.count } }

    func trim(below cut: Cut) throws(ParallaxError) {
        try withFiles { (partitions) throws(ParallaxError) in
            for partition in cut.partitions where cut[partition] > .zero {
                let found = try open(partition, &partitions)
                try partitions[found]?.trim(below: cut[partition].rawValue)
            }
        }
    }

    private func commit(_ group: [Request]) -> [Outcome] {
        do throws(ParallaxError) {
            return try withFiles { (partitions) throws(ParallaxError) in try commit(group, &partitions) }.map { .success($0) }
        } catch {
            return group.map { _ in .failure(error) }
        }
    }

    private func commit(
        _ group: [Request], _ partitions: inout [Partition: PartitionWriter]
    ) throws(ParallaxError) -> [[Partition: Range<Offset>]] {
        var touched: [Partition] = []
        for request in group {
            for (partition, _) in request.frames where !touched.contains(partition) { touched.append(partition) }
        }
        for partition in touched { _ = try open(partition, &partitions) }
        do throws(ParallaxError) {
            let now = clock()
            var ranges: [[Partition: Range<Offset>]] = []
            for request in group {
                var range: [Partition: Range<Offset>] = [:]
                for (partition, frames) in request.frames {
                    guard let start = partitions[partition]?.position.end else { preconditionFailure("\(partition) is not open") }
                    for var frame in frames { try partitions[partition]?.write(&frame, at: now) }
                    range[partition] = Offset(start)..<Offset(partitions[partition]?.position.end ?? start)
                }
                ranges.append(range)
            }
            for partition in touched { try partitions[partition]?.sync() }
            for partition in touched { try partitions[partition]?.publish() }
            return ranges
        } catch {
            for partition in touched { partitions[partition]?.abandon() }
            throw error
        }
    }

    /// The partition, ready to be written to.
    private func open(
        _ partition: Partition, _ partitions: inout [Partition: PartitionWriter], isCopy: Bool = false
    ) throws(ParallaxError) -> Partition {
        if partitions[partition] == nil {
            partitions[partition] = try PartitionWriter(opening: partition, paths, limits, faults, isCopy: isCopy, onRecovery)
        } else {
            try partitions[partition]?.prepare()
        }
        return partition
    }

    private func withFiles<R>(
        _ body: (inout [Partition: PartitionWriter]) throws(ParallaxError) -> R
    ) throws(ParallaxError) -> R where R: Sendable {
        try files.withLock { (files) throws(ParallaxError) in
            while true {
                // Another log may have been put into the folder: what is open is not there any more, and its lock keeps nobody out.
                if try !files.lock.isCurrent() {
                    files.isReplaced = true
                    files.partitions = [:]
                    try Disk.makeFolder(paths.root)
                    files.lock = try SourceLock(paths)
                }
                // Taken out while it changes, since the lock is borrowed meanwhile.
                let lock = files.lock
                let wanted = files.wanted
                let isReplaced = files.isReplaced
                var partitions = files.partitions
                files.partitions = [:]
                defer { files.partitions = partitions }
                let result: R? = try lock.withLock(within: limits.lockDeadline) { () throws(ParallaxError) in
                    guard try lock.isCurrent() else { return nil }
                    if isReplaced, wanted > 0 {
                        // It may have more by now than we asked for when we opened the former.
                        var countFile = PartitionCountFile(paths)
                        try countFile.refresh()
                        try open(max(wanted, countFile.count ?? 0), &partitions)
                    }
                    return try body(&partitions)
                }
                if let result {
                    files.isReplaced = false
                    return result
                }
            }
        }
    }
}
