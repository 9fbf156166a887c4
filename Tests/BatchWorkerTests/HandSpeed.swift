import Catalog
import Columns
import MergeLaw
import Operators
import ParallaxCore
import Postgres
import ViewLanguage

@testable import BatchWorker

/// What a speed worker does, flush by flush and by hand: the test decides when it flushes, how far it reads and what it gets wrong.
final class HandSpeed {
    private let pipeline: Pipeline
    let connection: Connection
    private var catalog: Catalog { Catalog(connection) }
    private let worker = WorkerID("00000000-0000-0000-0000-00000000000a")
    private let sourceID: SourceID
    private(set) var leases: [PartitionLease] = []
    private let decoder: EventDecoder
    private var seen: Set<UInt128> = []

    /// True for rows that it leaves to the batch layer.
    var leavesOut: (EventBatch, Int) -> Bool = { _, _ in false }
    var dropsDuplicates = true

    init(_ pipeline: Pipeline) throws {
        self.pipeline = pipeline
        connection = try Connection(pipeline.dsn, applicationName: "hand speed")
        decoder = EventDecoder(pipeline.source)
        sourceID = try pipeline.catalog.source(named: "page_view").id
        leases = try catalog.acquirePartitions(source: sourceID, worker: worker, lease: .seconds(600))
    }

    deinit { connection.close() }

    var positions: [Int64] { leases.map(\.nextOffset.rawValue) }

    /// Everything up to the log's end (or so many records a partition) into the current slice, which ends there where another was asked for.
    func flush(atMost limit: Int = .max) throws(ParallaxError) {
        let requested = try catalog.requestedSlice(source: sourceID)
        var batches: [EventBatch] = []
        var ends: [Offset] = []
        for lease in leases {
            let bounds = try pipeline.log.bounds(of: lease.partition)
            let records = try pipeline.log.read(lease.partition, from: lease.nextOffset, maxRecords: max(1, limit), maxBytes: .max / 2)
            ends.append(limit == 0 ? lease.nextOffset : min(records.nextOffset, bounds.upperBound))
            if limit > 0 { batches.append(decoder.decode(records)) }
        }
        let kept = batches.map { batch in
            (0..<batch.count).filter { row in
                guard batch.isRejected[row] == 0, !leavesOut(batch, row) else { return false }
                return seen.insert(batch.identities[row]).inserted || !dropsDuplicates
            }
        }
        let versions = try catalog.versions(ofSource: sourceID)
        try connection.transaction { () throws(ParallaxError) in
            try catalog.lockForFlush(leases)
            for version in versions where version.firstSlice <= leases[0].slice {
                let aggregator = ViewAggregator(plan: version.plan, layer: .speed)
                for (batch, rows) in zip(batches, kept) { _ = aggregator.add(batch, rows: rows.map { Int32($0) }) }
                try write(aggregator.takeRows(), version)
            }
            for index in leases.indices {
                try advance(index, to: ends[index], through: requested, newest: newest(index < batches.count ? batches[index] : nil))
            }
        }
    }

    private func newest(_ batch: EventBatch?) -> Int64? {
        guard let batch, case .int64(let times)? = batch.columns[pipeline.source.eventTimeColumn]?.storage else { return nil }
        return (0..<batch.count).filter { batch.isRejected[$0] == 0 }.map { times[$0] }.max()
    }

    private func advance(_ index: Int, to end: Offset, through slice: SliceNumber, newest: Int64?) throws(ParallaxError) {
        let lease = leases[index]
        try catalog.advance(
            lease,
            to: PartitionProgress(
                nextOffset: end, slice: slice, maxEventTime: newest.map { Instant(microseconds: $0) }, isIdle: false,
                newestAppendedAt: nil, logEnd: end, events: 0, late: 0, duplicates: 0))
        try catalog.closeSlices(source: sourceID, partition: lease.partition, from: lease.slice, through: slice, at: end)
        leases[index].nextOffset = end
        leases[index].slice = slice
    }

    private func write(_ rows: StateRows, _ version: ViewVersion) throws(ParallaxError) {
        let tables = StateTables(version)
        let columns = tables.speed.columns.map(\.name)
        let delta = "delta_\(version.id)"
        try connection.execute(
            "CREATE TEMPORARY TABLE \(delta) ON COMMIT DROP AS SELECT \((["slice"] + columns).joined(separator: ", ")) "
                + "FROM \(tables.speedTable) WHERE false")
        try connection.copyIn("COPY \(delta) FROM STDIN") { (buffer) throws(ParallaxError) in
            rows.appendCopyText(rows: 0..<rows.count, prefix: Array("\(leases[0].slice)\t".utf8), to: &buffer)
            return false
        }
        let keys = tables.speed.keys.map(\.name) + ["slice"]
        let assignments = tables.speed.states.map { StateSQL.upsertAssignment($0, plan: version.plan, target: "t") }
        try connection.execute(
            """
            INSERT INTO \(tables.speedTable) AS t (slice, \(columns.joined(separator: ", "))) SELECT * FROM \(delta)
            ON CONFLICT (\(keys.joined(separator: ", "))) DO UPDATE SET \(assignments.joined(separator: ", "))
            """)
        try connection.execute(
            """
            INSERT INTO parallax.touched_window (version_id, window_start, slice)
            SELECT DISTINCT \(version.id), \(version.plan.window == nil ? "'-infinity'::timestamptz" : "window_start"), slice FROM \(delta)
            ON CONFLICT DO NOTHING
            """)
    }
}

/// Calls the action once, when a run reaches the phase.
func once(_ phase: RunPhase, _ action: @escaping () throws(ParallaxError) -> Void) -> BatchWorker.Observer {
    var isDone = false
    return { (progress) throws(ParallaxError) in
        guard progress.phase == phase, !isDone else { return }
        isDone = true
        try action()
    }
}
