import Catalog
import ParallaxCore
import Postgres
import SpeedLayer
import TestSupport
import Testing

@testable import SpeedWorker

/// Watermark, idleness, lateness, as the catalog shows them.
@Suite struct TimeTests {
    /// MemoryLog's clock begins here.
    private func at(_ minute: Int, _ second: Int = 0) -> String {
        let (hour, rest) = (minute / 60, minute % 60)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "2024-01-01T\(two(hour)):\(two(rest)):\(two(second))Z"
    }

    /// The log's clock, standing still.
    private func clock(_ minute: Int, _ second: Int = 0) -> @Sendable (Int) -> Instant {
        { _ in Instant(microseconds: MemoryLog.firstInstant.rawValue + Int64(minute * 60 + second) * Instant.microsecondsPerSecond) }
    }

    private func watermark(_ fixture: Fixture) throws -> String {
        try fixture.value("SELECT coalesce(to_char(watermark, 'HH24:MI:SS'), 'none') FROM parallax.watermark")
    }

    @Test func anIdlePartitionDoesNotHoldTheWatermarkBack() throws {
        let fixture = try Fixture(partitions: 3, clock: clock(12))
        var settings = Fixture.settings
        settings.rules.idleAfter = .seconds(3_600)
        try fixture.log.append([event("a", at: at(10)), event("b", at: at(12)), event("b2", at: at(12))], to: Partition(0))
        try fixture.log.append([event("c", at: at(11)), event("c2", at: at(11))], to: Partition(1))
        _ = try fixture.catchUp(settings: settings)
        #expect(try watermark(fixture) == "none", "partition 2 may still bring anything")

        settings.rules.idleAfter = .milliseconds(30)
        let running = RunningWorker(fixture.worker(settings: settings))
        try waitFor("idleness") { try fixture.value("SELECT count(*) FROM parallax.partition_position WHERE is_idle") == "3" }
        #expect(try watermark(fixture) == "00:11:55", "all idle: the furthest")
        // One wakes up: it alone counts, and the watermark does not go back.
        try fixture.log.append([event("d", at: at(5))], to: Partition(1))
        try waitFor("the record") { running.statistics.counts.records == 1 }
        #expect(try watermark(fixture) == "00:11:55")
        try running.stop()
    }

    @Test func anEventFromTheFutureEntersItsWindowAndMovesNothing() throws {
        let fixture = try Fixture(clock: clock(10, 3))
        try fixture.log.append(
            [
                event("a", at: at(10)), event("b", at: "2999-01-01T00:00:00Z"), event("c", at: "294246-12-31T00:00:00Z"),
                event("d", at: at(10, 3)), event("e", at: at(10, 3)),
            ],
            to: Partition(0))
        let statistics = try fixture.catchUp()
        #expect(statistics.counts.events == 5)
        #expect(try watermark(fixture) == "00:09:58")
        try fixture.expectEqualToOracle("with events from the future")
    }

    @Test func eventsFromTheFarPastAreExactToTheMicrosecond() throws {
        let fixture = try Fixture()
        // Before 1684 microseconds since 1970 are more than a double counts.
        try fixture.log.append(
            [
                event("a", at: "0044-03-15T12:00:00.000001Z"), event("b", at: "0044-03-15T12:00:00.000003Z"),
                event("c", at: "0044-03-15T12:00:00.000003Z"),
            ], to: Partition(0))
        _ = try fixture.catchUp()
        #expect(
            try fixture.value("SELECT to_char(max_event_time, 'YYYY-MM-DD HH24:MI:SS.US') FROM parallax.partition_position")
                == "0044-03-15 12:00:00.000003")
        #expect(try fixture.value("SELECT count(*) FROM parallax.touched_window t JOIN speed.traffic_1 s USING (window_start)") == "1")
        try fixture.expectEqualToOracle("from the far past")
    }

    /// I7: the windows of late events say that they are not exact, until a run has counted them.
    @Test func I7_lateEventsAreLeftOutAndMarked() throws {
        let fixture = try Fixture(partitions: 1)
        try fixture.log.append(
            [
                event("a", at: at(0)), event("b", at: at(120)), event("late", at: at(1)), event("late", at: at(1)),
                event("late too", at: at(1, 30)),
                event("hidden", at: at(2), page: "/hidden"), event("in time", at: at(60)),
            ], to: Partition(0))
        // The log took them at midnight; by its clock 02:00 lies in the future, and moves nothing.
        #expect(try fixture.catchUp().counts.late == 0)

        let (midnight, two) = (clock(0), clock(120))
        let later = try Fixture(partitions: 1, clock: { number in number == 0 ? midnight(0) : two(0) })
        // By what it was told at midnight, and at two.
        try later.log.append([event("a", at: at(0))], to: Partition(0))
        try later.log.append(
            [
                event("b", at: at(120)), event("c", at: at(120)), event("late", at: at(1)), event("late", at: at(1)),
                event("late too", at: at(1, 30)),
                event("hidden", at: at(2), page: "/hidden"), event("in time", at: at(60)),
            ], to: Partition(0))
        let statistics = try later.catchUp()
        #expect(statistics.counts.late == 3 && statistics.counts.duplicates == 1 && statistics.counts.events == 4)
        #expect(try later.value("SELECT late FROM parallax.partition_position") == "3")
        #expect(
            try later.rows("SELECT to_char(window_start, 'HH24:MI'), late FROM parallax.touched_window WHERE version_id = 1")
                == ["00:00|0", "00:01|2", "01:00|0", "02:00|0"], "the view does not show /hidden")
        #expect(try later.value("SELECT window_start, late FROM parallax.touched_window WHERE version_id = 2") == "-infinity|3")
        #expect(try later.value("SELECT string_agg(DISTINCT is_exact::text, ',') FROM serving.totals") == "false")
        // More of them, in a later flush: counts add up.
        try later.log.append([event("late three", at: at(1))], to: Partition(0))
        _ = try later.catchUp()
        #expect(
            try later.value("SELECT late FROM parallax.touched_window WHERE version_id = 1 AND window_start = '2024-01-01 00:01'") == "3")
    }

    /// The watermark goes on where the last owner was: a restart makes nothing late in time.
    @Test func latenessSurvivesARestart() throws {
        let fixture = try Fixture(partitions: 1, clock: { _ in Instant(microseconds: MemoryLog.firstInstant.rawValue + 7_200_000_000) })
        try fixture.log.append([event("a", at: at(120)), event("a2", at: at(120))], to: Partition(0))
        _ = try fixture.catchUp(1)
        try fixture.log.append([event("b", at: at(1)), event("c", at: at(119))], to: Partition(0))
        #expect(try fixture.catchUp(2).counts.late == 1)
    }

    @Test func theNewestAppendTimeAndTheLogsEndAreRecorded() throws {
        let fixture = try Fixture()
        try fixture.log.append([event("a", at: at(0))], to: Partition(0))
        try fixture.log.append([event("b", at: at(0))], to: Partition(0))
        _ = try fixture.catchUp()
        #expect(
            try fixture.value("SELECT to_char(newest_appended_at, 'HH24:MI:SS.MS'), log_end, next_offset FROM parallax.partition_position")
                == "00:00:00.001|2|2")
    }

    /// One record an hour ahead among correct ones, all of it within max_future_skew: none of them is late.
    @Test func I7_oneEventAheadMakesNoOtherLate() throws {
        let fixture = try Fixture(clock: clock(61))
        let seconds = (0..<200).map { event("\($0)", at: at(60, $0 % 60)) }
        try fixture.log.append([event("a", at: at(60)), event("b", at: at(60)), event("ahead", at: at(120))] + seconds, to: Partition(0))
        let statistics = try fixture.catchUp()
        #expect(statistics.counts.late == 0 && statistics.counts.events == 203)
        #expect(try watermark(fixture) == "01:00:55", "the append time, five seconds back")
        try fixture.expectEqualToOracle("with one ahead")
    }

    /// Record timestamps of a wrong clock, with event times to match: the worker's own clock says when they arrived.
    @Test func I7_recordsThatWereAppendedTenYearsAheadMakeNothingLate() throws {
        let ahead = Instant(microseconds: MemoryLog.firstInstant.rawValue + 20 * 365 * 86_400 * Instant.microsecondsPerSecond)
        let hour = clock(60)
        let fixture = try Fixture(clock: { number in number == 1 ? ahead : hour(0) })
        try fixture.log.append([event("a", at: at(60)), event("ahead", at: "2043-12-27T00:00:00Z")], to: Partition(0))
        try fixture.log.append((0..<50).map { event("\($0)", at: at(59, $0)) }, to: Partition(0))
        #expect(try fixture.catchUp().counts.late == 0)
        #expect(try fixture.value("SELECT newest_appended_at <= now() FROM parallax.partition_position") == "t")
        #expect(try fixture.value("SELECT watermark < '2024-01-02' FROM parallax.watermark") == "t")
    }

    /// A file of history with a few events of another time: they lead alone, also over a restart.
    @Test func aSingleEventOfAnotherTimeInHistoryMakesNothingLate() throws {
        let fixture = try Fixture(clock: clock(1_000_000))
        func part(_ first: Int) -> [NewRecord] { (first..<(first + 100)).map { event("\($0)", at: at($0 / 60, $0 % 60)) } }
        try fixture.log.append(part(0) + [event("ahead", at: "2025-06-01T00:00:00Z")], to: Partition(0))
        _ = try fixture.catchUp(1)
        #expect(try fixture.value("SELECT leading_event_time FROM parallax.partition_position") == "2025-06-01 00:00:00+00")
        try fixture.log.append(part(100) + [event("today", at: at(1_000_000))] + part(200), to: Partition(0))
        let statistics = try fixture.catchUp(2)
        #expect(statistics.counts.late == 0)
        #expect(try watermark(fixture) == "00:04:54")
        try fixture.expectEqualToOracle("history")
    }

    /// Another column of event times: what was derived from the old one is forgotten with it.
    @Test func I7_anotherEventTimeBeginsTheWatermarkAnew() throws {
        let fixture = try Fixture(clock: clock(120))
        try fixture.log.append((0..<100).map { both($0) }, to: Partition(0))
        try fixture.apply([Self.twoTimes(by: "event_time"), Self.byMinute("event_time")])
        #expect(try fixture.catchUp().counts.events == 100)
        let running = RunningWorker(fixture.worker(2))
        try waitFor("the partition") { running.statistics.partitionsOwned == 1 }
        let epoch = try fixture.value("SELECT epoch FROM parallax.partition_position")
        try fixture.apply([Self.twoTimes(by: "sent_at"), Self.byMinute("sent_at")])
        #expect(try watermark(fixture) == "none")
        #expect(try fixture.value("SELECT max_event_time IS NULL AND leading_event_time IS NULL FROM parallax.partition_position") == "t")
        #expect(try fixture.value("SELECT epoch > \(epoch) FROM parallax.partition_position") == "t")
        try fixture.log.append((100..<300).map { both($0) }, to: Partition(0))
        try waitFor("the records") { running.statistics.counts.records == 200 }
        #expect(running.statistics.counts.late == 0)
        try running.stop()
        #expect(try fixture.value("SELECT to_char(max_event_time, 'YYYY') FROM parallax.partition_position") == "2020")
        // A change that leaves event times as they are leaves the watermark, too.
        let watermark = try watermark(fixture)
        try fixture.apply([Self.twoTimes(by: "sent_at", lateness: "2 hours"), Self.byMinute("sent_at")])
        #expect(try self.watermark(fixture) == watermark && watermark != "none")
    }

    private func both(_ number: Int) -> NewRecord {
        let sent = "2020-01-01T00:\(number / 60 + 10):\(number % 60 + 10 > 59 ? 59 : number % 60 + 10)Z"
        return NewRecord(
            key: nil,
            payload: Array(#"{"event_id":"\#(number)","event_time":"\#(at(119, number % 60))","sent_at":"\#(sent)","page":"/"}"#.utf8))
    }

    private static func twoTimes(by column: String, lateness: String = "1 hour") -> String {
        """
        CREATE FOREIGN TABLE page_view (event_id text, event_time timestamptz, sent_at timestamptz, page text) SERVER parallax
        OPTIONS (topic 'page_view', event_id 'event_id', event_time '\(column)', out_of_orderness '5 seconds', lateness '\(lateness)');
        """
    }

    private static func byMinute(_ column: String) -> String {
        """
        CREATE MATERIALIZED VIEW traffic AS SELECT tumble(\(column), '1 minute') AS minute, count(*) AS n FROM page_view GROUP BY minute;
        """
    }

    /// Whoever has poisoned it: it begins anew, and a worker that runs is told.
    @Test func aWatermarkThatWasPoisonedBeginsAnewOnDemand() throws {
        let fixture = try Fixture(clock: clock(60))
        try fixture.log.append([event("a", at: at(60))], to: Partition(0))
        _ = try fixture.catchUp()
        try fixture.execute(
            "UPDATE parallax.partition_position SET max_event_time = '2036-01-01'; UPDATE parallax.watermark SET watermark = '2036-01-01'")
        let running = RunningWorker(fixture.worker(2))
        try fixture.log.append([event("b", at: at(60))], to: Partition(0))
        try waitFor("the record") { running.statistics.counts.late == 1 }
        try fixture.withCatalog { catalog, _ in
            let before = try catalog.resetWatermark(source: try catalog.source(named: "page_view"))
            #expect(before ?? MemoryLog.firstInstant > MemoryLog.firstInstant)
        }
        try fixture.log.append([event("c", at: at(60)), event("d", at: at(59)), event("e", at: at(60))], to: Partition(0))
        try waitFor("the records") { running.statistics.counts.events == 3 }
        #expect(running.statistics.counts.late == 1)
        #expect(try watermark(fixture) == "00:59:55")
        try running.stop()
    }
}
