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

    private func watermark(_ fixture: Fixture) throws -> String {
        try fixture.value("SELECT coalesce(to_char(watermark, 'HH24:MI:SS'), 'none') FROM parallax.watermark")
    }

    @Test func anIdlePartitionDoesNotHoldTheWatermarkBack() throws {
        let fixture = try Fixture(partitions: 3)
        var settings = Fixture.settings
        settings.rules.idleAfter = .seconds(3_600)
        try fixture.log.append([event("a", at: at(10)), event("b", at: at(12))], to: Partition(0))
        try fixture.log.append([event("c", at: at(11))], to: Partition(1))
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
        let fixture = try Fixture()
        try fixture.log.append(
            [
                event("a", at: at(10)), event("b", at: "2999-01-01T00:00:00Z"), event("c", at: "294246-12-31T00:00:00Z"),
                event("d", at: at(10, 3)),
            ],
            to: Partition(0))
        let statistics = try fixture.catchUp()
        #expect(statistics.counts.events == 4)
        #expect(try watermark(fixture) == "00:09:58")
        try fixture.expectEqualToOracle("with events from the future")
    }

    @Test func eventsFromTheFarPastAreExactToTheMicrosecond() throws {
        let fixture = try Fixture()
        // Before 1684 microseconds since 1970 are more than a double counts.
        try fixture.log.append(
            [event("a", at: "0044-03-15T12:00:00.000001Z"), event("b", at: "0044-03-15T12:00:00.000003Z")], to: Partition(0))
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

        let later = try Fixture(partitions: 1, clock: { _ in Instant(microseconds: MemoryLog.firstInstant.rawValue + 7_200_000_000) })
        try later.log.append(
            [
                event("a", at: at(0)), event("b", at: at(120)), event("late", at: at(1)), event("late", at: at(1)),
                event("late too", at: at(1, 30)),
                event("hidden", at: at(2), page: "/hidden"), event("in time", at: at(60)),
            ], to: Partition(0))
        let statistics = try later.catchUp()
        #expect(statistics.counts.late == 3 && statistics.counts.duplicates == 1 && statistics.counts.events == 3)
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
        try fixture.log.append([event("a", at: at(120))], to: Partition(0))
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
}
