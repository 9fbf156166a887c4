import ParallaxCore
import Synchronization

/// The log protocol over arrays: the double that unit tests of other modules use, and the slow twin of the embedded log.
///
/// Time stands still between appends: by default the clock starts at 2024-01-01 00:00:00 UTC and every `append` call is one
/// millisecond after the one before it.
public final class MemoryLog: EventLog {
    public let source: String
    private let state: Mutex<State>
    private let clock: @Sendable (_ call: Int) -> Instant

    private struct Entry {
        var offset: Int64
        var appendedAt: Instant
        var key: [UInt8]?
        var payload: [UInt8]?
        var headers: [UInt8]?
    }

    private struct Lane {
        var earliest: Int64 = 0
        var end: Int64 = 0
        var entries: [Entry] = []
    }

    private struct State {
        var lanes: [Lane]
        var calls = 0
        var roundRobin = 0
        var nextFailure: ParallaxError?
        var number: String?
    }

    public static let firstInstant = Instant(microseconds: 1_704_067_200_000_000)

    public init(
        source: String = "page_view", partitions: Int = 1,
        clock: @escaping @Sendable (_ call: Int) -> Instant = { Instant(microseconds: firstInstant.rawValue + Int64($0) * 1_000) }
    ) {
        precondition(partitions > 0, "\(partitions) partitions")
        self.source = source
        self.clock = clock
        state = Mutex(State(lanes: Array(repeating: Lane(), count: partitions)))
    }

    public func identity() throws(ParallaxError) -> LogIdentity {
        state.withLock { LogIdentity(kind: .memory, topic: source, number: $0.number) }
    }

    public func partitions() throws(ParallaxError) -> [Partition] {
        state.withLock { state in state.lanes.indices.map { Partition($0) } }
    }

    public func bounds(of partition: Partition) throws(ParallaxError) -> Range<Offset> {
        try state.withLock { (state) throws(ParallaxError) in
            let lane = state.lanes[try index(of: partition, in: state)]
            return Offset(lane.earliest)..<Offset(lane.end)
        }
    }

    public func read(
        _ partition: Partition, from offset: Offset, maxRecords: Int, maxBytes: Int
    ) throws(ParallaxError) -> RecordBatch {
        precondition(maxRecords > 0 && maxBytes > 0, "a read of at most \(maxRecords) records and \(maxBytes) bytes")
        return try state.withLock { (state) throws(ParallaxError) in
            if let failure = state.nextFailure {
                state.nextFailure = nil
                throw failure
            }
            let lane = state.lanes[try index(of: partition, in: state)]
            guard offset.rawValue >= lane.earliest, offset.rawValue <= lane.end else {
                throw ParallaxError(
                    .offsetGone, "offset \(offset) of partition \(partition) of source \"\(source)\" is not in the log",
                    detail: "The log holds offsets from \(lane.earliest) up to, not including, \(lane.end).")
            }
            var batch = RecordBatch(partition: partition, nextOffset: offset)
            var bytes = 0
            for entry in lane.entries[firstIndex(in: lane, atOrAbove: offset.rawValue)...] {
                bytes += entry.payload?.count ?? 0
                if batch.count == maxRecords || (batch.count > 0 && bytes > maxBytes) { return batch }
                batch.append(
                    offset: Offset(entry.offset), appendedAt: entry.appendedAt, key: entry.key.map { $0[...] },
                    payload: entry.payload.map { $0[...] }, headers: entry.headers.map { $0[...] })
            }
            batch.nextOffset = Offset(lane.end)
            return batch
        }
    }

    @discardableResult
    public func append(_ records: [NewRecord], to partition: Partition?) throws(ParallaxError) -> [Partition: Range<Offset>] {
        try state.withLock { (state) throws(ParallaxError) in
            if let failure = state.nextFailure {
                state.nextFailure = nil
                throw failure
            }
            let fixed = if let partition { try index(of: partition, in: state) } else { Int?.none }
            let now = clock(state.calls)
            state.calls += 1
            var ranges: [Partition: Range<Offset>] = [:]
            for record in records {
                let lane = fixed ?? chooseLane(for: record, &state)
                let offset = state.lanes[lane].end
                let headers = record.headers.isEmpty ? nil : RecordHeaders.encode(record.headers)
                state.lanes[lane].entries.append(
                    Entry(offset: offset, appendedAt: now, key: record.key, payload: record.payload, headers: headers))
                state.lanes[lane].end += 1
                let start = ranges[Partition(lane)]?.lowerBound ?? Offset(offset)
                ranges[Partition(lane)] = start..<Offset(offset + 1)
            }
            return ranges
        }
    }

    /// Exact here, where the embedded log keeps whole segments.
    public func trim(below cut: Cut) throws(ParallaxError) {
        try state.withLock { (state) throws(ParallaxError) in
            for partition in cut.partitions {
                let lane = try index(of: partition, in: state)
                let earliest = min(cut[partition].rawValue, state.lanes[lane].end)
                guard earliest > state.lanes[lane].earliest else { continue }
                state.lanes[lane].earliest = earliest
                state.lanes[lane].entries.removeSubrange(..<firstIndex(in: state.lanes[lane], atOrAbove: earliest))
            }
        }
    }

    /// Offsets that no record has, as Kafka's transactions and compaction leave them.
    public func leaveHole(of count: Int, in partition: Partition) {
        state.withLock { $0.lanes[Int(partition.rawValue)].end += Int64(count) }
    }

    /// Another log stands in its place from now on, with nothing in it. `number` nil: one that does not say that it is another.
    public func replace(number: String? = nil) {
        state.withLock { state in
            state.lanes = Array(repeating: Lane(), count: state.lanes.count)
            state.number = number
        }
    }

    /// As a copy from when each partition ended there.
    public func cutBack(to ends: Cut) {
        state.withLock { state in
            for partition in ends.partitions {
                let lane = Int(partition.rawValue)
                state.lanes[lane].end = ends[partition].rawValue
                state.lanes[lane].entries.removeAll { $0.offset >= ends[partition].rawValue }
            }
        }
    }

    /// The next `read` or `append` throws this and does nothing else.
    public func failOnce(with error: ParallaxError) {
        state.withLock { $0.nextFailure = error }
    }

    private func index(of partition: Partition, in state: borrowing State) throws(ParallaxError) -> Int {
        let index = Int(partition.rawValue)
        guard state.lanes.indices.contains(index) else {
            throw ParallaxError(.missing, "source \"\(source)\" has no partition \(partition): it has \(state.lanes.count)")
        }
        return index
    }

    private func chooseLane(for record: NewRecord, _ state: inout State) -> Int {
        if let key = record.key {
            return Int(KeyPartitioner.partition(forKey: key, partitions: state.lanes.count).rawValue)
        }
        defer { state.roundRobin = (state.roundRobin + 1) % state.lanes.count }
        return state.roundRobin
    }

    private func firstIndex(in lane: Lane, atOrAbove offset: Int64) -> Int {
        var low = 0
        var high = lane.entries.count
        while low < high {
            let middle = (low + high) / 2
            if lane.entries[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
