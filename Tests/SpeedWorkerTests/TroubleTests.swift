import Catalog
import ParallaxCore
import Postgres
import SpeedLayer
import Synchronization
import TestSupport
import Testing

@testable import SpeedWorker

/// Time that goes on only when somebody waits.
private final class TestClock: WorkerClock {
    private let time = Mutex(Duration.zero)
    private let waits = Mutex<[Duration]>([])
    func elapsed() -> Duration { time.withLock { $0 } }
    func wallTime() -> Instant { Instant(microseconds: .max) }
    func wait(_ duration: Duration, or stop: StopSignal) {
        time.withLock { $0 += duration }
        waits.withLock { $0.append(duration) }
    }
    var waited: [Duration] { waits.withLock { $0 } }
}

@Suite struct TroubleTests {
    @Test func rejectedRecordsAreCountedByReasonAndSampled() throws {
        let fixture = try Fixture(partitions: 2)
        var records = (0..<250).map { _ in NewRecord(key: nil, payload: Array("{\"event_id\"".utf8)) }
        records.append(NewRecord(key: [1], payload: nil))
        records.append(NewRecord(key: nil, payload: []))
        records.append(NewRecord(key: nil, payload: Array(#"{"event_id":"a\u0000b","event_time":"2024-01-01T00:00:00Z"}"#.utf8)))
        records.append(
            NewRecord(
                key: nil,
                payload: Array(
                    #"{"event_id":"a","event_time":"2024-01-01T00:00:00Z","amount":"\#(String(repeating: "x", count: 9_000))"}"#.utf8)))
        records.append(
            NewRecord(
                key: nil, payload: Array(#"{"event_id":"a","event_time":"2024-01-01T00:00:00Z","page":""#.utf8) + [0xFF, 0xFE, 0x22, 0x7D]))
        try fixture.log.append(records, to: Partition(1))
        var settings = Fixture.settings
        settings.rules.limits.rejectionSamplesPerSource = 60
        settings.rules.limits.recordsPerFlush = 50
        let statistics = try fixture.catchUp(settings: settings)
        #expect(statistics.counts.rejected == 255)
        let reasons = try fixture.rows("SELECT reason, rejected FROM parallax.rejected WHERE source = 'page_view' AND view_name = ''")
        #expect(reasons.contains("malformed_json|250"))
        #expect(reasons.contains("null_payload|1") && reasons.contains("empty_payload|1") && reasons.contains("nul_character|1"))
        #expect(reasons.contains("invalid_utf8|1"), "\(reasons)")
        #expect(
            try fixture.value(
                "SELECT count(*), min(record_offset) > 150, max(length(payload_start)), max(length(message)) <= 500 FROM parallax.rejected_record"
            ) == "60|t|200|t")
        #expect(try fixture.value("SELECT payload_start IS NULL FROM parallax.rejected_record WHERE reason = 'null_payload'") == "t")
    }

    /// A row that one view cannot take is an event for the others.
    @Test func whatAViewCannotTakeIsRejectedForThatViewOnly() throws {
        let dividing = "CREATE MATERIALIZED VIEW shares AS SELECT page, sum(100 / duration_ms) AS share FROM page_view GROUP BY page;"
        let fixture = try Fixture(definitions: [Fixture.source, Fixture.totals, dividing])
        try fixture.log.append(
            [
                event("a", at: "2024-01-01T00:00:00Z"),
                NewRecord(
                    key: nil, payload: Array(#"{"event_id":"b","event_time":"2024-01-01T00:00:00Z","page":"/","duration_ms":0}"#.utf8)),
                event("c", at: "2024-01-01T00:00:00Z", page: String(repeating: "p", count: 3_000)),
            ], to: nil)
        let statistics = try fixture.catchUp()
        #expect(statistics.counts.events == 3)
        #expect(
            try fixture.rows("SELECT view_name, reason, rejected FROM parallax.rejected")
                == ["shares|expression_error|1", "shares|group_key_too_long|1", "totals|group_key_too_long|1"])
        #expect(try fixture.rows("SELECT page, share FROM serving.shares") == ["/|100"])
        #expect(try fixture.rows("SELECT page, views FROM serving.totals") == ["/|2"])
        #expect(try fixture.value("SELECT message FROM parallax.rejected_record WHERE reason = 'expression_error'") == "division by zero")
    }

    /// The log gave records up that the speed layer has not read: the partition stops where it is, the others go on.
    @Test func I7_aPartitionWithMissingRecordsStopsAndSaysSo() throws {
        let fixture = try Fixture(partitions: 2)
        var traffic = Traffic(seed: 7, partitions: 2)
        try traffic.append(200, to: fixture.log)
        let bounds = try fixture.log.bounds(of: Partition(0))
        try fixture.log.trim(below: Cut([Partition(0): Offset(10)]))
        let running = RunningWorker(fixture.worker())
        try waitFor("the stop") { running.statistics.stopped.count == 1 }
        let stopped = try #require(running.statistics.stopped.first)
        #expect(stopped.partition == Partition(0) && stopped.position == .zero && stopped.error.code == .offsetGone)
        let end = try fixture.log.bounds(of: Partition(1)).upperBound
        try waitFor("the other partition") {
            try fixture.value("SELECT next_offset FROM parallax.partition_position WHERE partition = 1") == "\(end)"
        }
        #expect(try fixture.value("SELECT next_offset, owner IS NULL FROM parallax.partition_position WHERE partition = 0") == "0|t")

        // A batch run carries the partition past the gap; the worker takes it up again there.
        try fixture.withCatalog { catalog, _ in
            let run = try catalog.beginRun(source: try catalog.source(named: "page_view"), isFull: true)
            try waitFor("the cut") {
                _ = try catalog.completeBoundaries(run, logEnds: [Partition(0): bounds.upperBound])
                return try catalog.boundaries(of: run).count == 2
            }
            try catalog.endRun(run)
        }
        try fixture.log.append([event("after", at: "2024-01-01T00:00:00Z")], to: Partition(0))
        try waitFor("the record after the gap") {
            try fixture.value("SELECT next_offset FROM parallax.partition_position WHERE partition = 0") == "\(bounds.upperBound + 1)"
        }
        try waitFor("a clean status") { running.statistics.stopped.isEmpty }
        try running.stop()
    }

    @Test func untilCaughtUpItThrowsWhatStoppedAPartition() throws {
        let fixture = try Fixture(partitions: 2)
        var traffic = Traffic(seed: 8, partitions: 2)
        try traffic.append(200, to: fixture.log)
        try fixture.log.trim(below: Cut([Partition(1): Offset(1)]))
        let error = #expect(throws: ParallaxError.self) { try fixture.catchUp() }
        #expect(error?.code == .offsetGone)
        #expect(
            try fixture.value("SELECT next_offset = log_end AND next_offset > 0 FROM parallax.partition_position WHERE partition = 0")
                == "t")
    }

    /// A newer Parallax has changed the control tables under a worker that runs: it writes nothing more, and says why.
    @Test(arguments: [true, false])
    func aWorkerEndsWhereTheCatalogIsNewer(hasTraffic: Bool) throws {
        let fixture = try Fixture()
        var traffic = Traffic(seed: 15, partitions: 1)
        try traffic.append(100, to: fixture.log)
        let running = RunningWorker(fixture.worker())
        try waitFor("all records") { running.statistics.counts.records == 100 }
        try fixture.execute("INSERT INTO parallax.migration VALUES (999, 'of tomorrow')")
        let before = try fixture.value("SELECT sum(views) FROM serving.totals")
        if hasTraffic { try traffic.append(100, to: fixture.log) }
        let error = #expect(throws: ParallaxError.self) { try running.join() }
        #expect(error?.code == .configuration && error?.message.contains("at version 999, this binary knows") == true)
        #expect(try fixture.value("SELECT sum(views) FROM serving.totals") == before)
    }

    /// The definitions name a source no more: its records are nobody's, and the worker goes on with the others.
    @Test func aSourceThatIsDroppedEndsForTheWorkerAndTheOthersGoOn() throws {
        let other = Fixture.source.replacing("page_view", with: "other")
        let view = Fixture.totals.replacing("page_view", with: "other").replacing("totals", with: "others")
        let fixture = try Fixture(definitions: [Fixture.source, Fixture.totals, other, view])
        var traffic = Traffic(seed: 16, partitions: 1)
        try traffic.append(100, to: fixture.log)
        let running = RunningWorker(fixture.worker())
        // Both read the one log of this test.
        try waitFor("all records") { running.statistics.counts.records == 200 }
        try fixture.apply([Fixture.source, Fixture.totals])
        try traffic.append(100, to: fixture.log)
        let end = try fixture.log.bounds(of: Partition(0)).upperBound
        try waitFor("the source that is left") {
            try fixture.value("SELECT string_agg(next_offset::text, ',') FROM parallax.partition_position") == "\(end)"
        }
        try waitFor("one partition") { running.statistics.partitionsOwned == 1 }
        #expect(try fixture.value("SELECT count(*) FROM pg_tables WHERE schemaname IN ('batch', 'speed')") == "2")
        try running.stop()
    }

    /// Records that went away below the position are missing from the horizon only.
    @Test func warmingUpBeginsAtTheEarliestRecord() throws {
        let fixture = try Fixture()
        var traffic = Traffic(seed: 9, partitions: 1)
        try traffic.append(400, to: fixture.log)
        _ = try fixture.catchUp()
        try fixture.log.trim(below: Cut([Partition(0): Offset(350)]))
        try fixture.log.append([event("new", at: "2024-01-01T00:00:00Z"), event("new", at: "2024-01-01T00:00:00Z")], to: Partition(0))
        let statistics = try fixture.catchUp(2)
        #expect(statistics.counts.events == 1 && statistics.counts.duplicates == 1)
    }

    @Test func aLogThatFailsForAWhileIsReadAgain() throws {
        let fixture = try Fixture()
        var traffic = Traffic(seed: 10, partitions: 1)
        let running = RunningWorker(fixture.worker())
        try waitFor("the partition") { running.statistics.partitionsOwned == 1 }
        fixture.log.failOnce(with: ParallaxError(.unavailable, "the broker is away"))
        try waitFor("the failure") { running.statistics.lastError?.message == "the broker is away" }
        try traffic.append(100, to: fixture.log)
        try waitFor("all records") { running.statistics.counts.records == 100 }
        try running.stop()
        try fixture.expectEqualToOracle("after a failed read")
    }

    @Test func holesInTheLogAreNoRecords() throws {
        let fixture = try Fixture()
        var traffic = Traffic(seed: 13, partitions: 1)
        for _ in 0..<5 {
            try traffic.append(60, to: fixture.log)
            fixture.log.leaveHole(of: 7, in: Partition(0))
        }
        #expect(try fixture.catchUp().counts.records == 300)
        #expect(try fixture.value("SELECT next_offset FROM parallax.partition_position") == "335")
        try fixture.expectEqualToOracle("with holes")
    }

    @Test func aServerThatIsAwayIsAskedAgainWithGrowingPausesUntilTheTimeIsUp() throws {
        let clock = TestClock()
        var settings = SpeedSettings()
        settings.giveUpAfter = .seconds(20)
        let log = MemoryLog()
        let worker = SpeedWorker(
            id: Fixture.id(1), dsn: "host=/nonexistent dbname=x", openLog: { _ throws(ParallaxError) in log }, settings: settings,
            clock: clock,
            logger: .init(label: "test", factory: { _ in SilentHandler() }))
        let error = #expect(throws: ParallaxError.self) { try worker.work(.untilCaughtUp) }
        #expect(error?.code == .unavailable)
        #expect(Array(clock.waited.prefix(7)) == [100, 200, 400, 800, 1_600, 3_200, 5_000].map { Duration.milliseconds($0) })
        #expect(worker.statistics.lastError?.code == .unavailable)
    }

    @Test func whatNoWaitingHealsIsThrownAtOnce() throws {
        let fixture = try Fixture()
        let worker = SpeedWorker(
            id: Fixture.id(1), dsn: fixture.dsn.replacing(/dbname=\w+/, with: "dbname=no_such_database"),
            openLog: { _ throws(ParallaxError) in MemoryLog() }, logger: .init(label: "test", factory: { _ in SilentHandler() }))
        let error = #expect(throws: ParallaxError.self) { try worker.work(.untilStopped) }
        #expect(error?.sqlState == "3D000")
    }

    /// Memory stays bounded: small limits mean more flushes, not other results.
    @Test func smallLimitsFlushMoreOftenAndCountTheSame() throws {
        let fixture = try Fixture()
        var traffic = Traffic(seed: 14, partitions: 1)
        try traffic.append(600, to: fixture.log)
        var settings = Fixture.settings
        settings.rules.flushInterval = .seconds(3_600)
        settings.rules.limits.recordsPerRead = 10
        settings.rules.limits.bytesPerRead = 500
        settings.rules.limits.groupsPerFlush = 15
        #expect(try fixture.catchUp(settings: settings).flushes > 20)
        try fixture.expectEqualToOracle("with small limits")
    }
}
