import Catalog
import ParallaxCore
import Synchronization
import TestSupport
import Testing

@testable import SpeedWorker

/// A worker and a log that is not the one that its positions were taken in.
@Suite(.serialized) struct LogTests {
    private func events(_ ids: Range<Int>, page: String = "/") -> [NewRecord] {
        ids.map {
            NewRecord(
                key: nil,
                payload: Array(
                    "{\"event_id\":\"\($0)\",\"event_time\":\"2024-01-01T00:00:\(10 + $0 % 50)Z\",\"page\":\"\(page)\",\"amount\":1}".utf8))
        }
    }

    private func refusal(_ fixture: Fixture) throws -> ParallaxError? {
        do {
            _ = try fixture.catchUp()
            return nil
        } catch let error as ParallaxError { return error }
    }

    /// I1: put back and grown beyond the position, under the same identity; with a horizon that reaches below the witness, and with none.
    @Test(arguments: [0, 5_000] as [Int64]) func I1_aWorkerReadsNothingOfALogThatHoldsAnotherRecord(horizon: Int64) throws {
        let fixture = try Fixture()
        var settings = Fixture.settings
        settings.rules.duplicateHorizon = horizon
        try fixture.log.append(events(0..<100), to: Partition(0))
        _ = try fixture.catchUp(settings: settings)
        #expect(try fixture.value("SELECT sum(views)::bigint FROM serving.totals") == "100")
        fixture.log.cutBack(to: Cut([Partition(0): Offset(60)]))
        try fixture.log.append(events(200..<210), to: Partition(0))
        let short = #expect(throws: ParallaxError.self) { try fixture.catchUp(settings: settings) }
        #expect(short?.code == .anotherLog)
        #expect(short?.message.contains("up to offset 100, and its log ends at 70") == true)
        try fixture.log.append(events(210..<300), to: Partition(0))
        let other = #expect(throws: ParallaxError.self) { try fixture.catchUp(settings: settings) }
        #expect(other?.code == .anotherLog)
        #expect(other?.message.contains("another record at offset 99 of partition 0") == true)
        #expect(other?.hint?.contains("parallax adopt-log page_view") == true)
        #expect(try fixture.value("SELECT sum(views)::bigint FROM serving.totals") == "100")
        #expect(try fixture.value("SELECT problem->>'code' FROM parallax.partition_position") == "anotherLog")
        #expect(try fixture.value("SELECT next_offset FROM parallax.partition_position") == "100")
    }

    /// The worker tries a partition that reads another log again and again, while the others are flushed: what is said of it stays.
    @Test func whatIsSaidOfAPartitionOutlivesTheFlushesOfOthers() throws {
        let fixture = try Fixture(partitions: 2)
        for partition in 0..<2 { try fixture.log.append(events(partition * 100..<partition * 100 + 100), to: Partition(partition)) }
        _ = try fixture.catchUp()
        fixture.log.cutBack(to: Cut([Partition(0): Offset(60), Partition(1): Offset(100)]))
        try fixture.log.append(events(300..<400), to: Partition(0))
        let running = RunningWorker(fixture.worker())
        func said() throws -> String {
            try fixture.value("SELECT coalesce(problem->>'code', 'nothing') FROM parallax.partition_position WHERE partition = 0")
        }
        try waitFor("the problem") { try said() == "anotherLog" }
        // Each try takes the partition, and with it an epoch.
        let epoch = "SELECT epoch FROM parallax.partition_position WHERE partition = 0"
        let before = try #require(Int(try fixture.value(epoch)))
        var next = 1_000
        try waitFor("ten tries") {
            try fixture.log.append(events(next..<next + 5), to: Partition(1))
            next += 5
            #expect(try said() == "anotherLog")
            return try #require(Int(try fixture.value(epoch))) >= before + 10
        }
        let end = try fixture.log.bounds(of: Partition(1)).upperBound
        try waitFor("the other partition") {
            try fixture.value("SELECT next_offset FROM parallax.partition_position WHERE partition = 1") == "\(end)"
        }
        #expect(try said() == "anotherLog")
        try running.stop()
        #expect(try said() == "anotherLog")
        #expect(try fixture.value("SELECT count(*) FROM parallax.partition_position WHERE partition = 1 AND problem IS NOT NULL") == "0")
    }

    /// Whoever reads a partition up to its position takes back what was said of it by a worker before; also where nothing new is in the log.
    @Test func whatWasSaidOfAPartitionGoesWhenItIsReadAgain() throws {
        let fixture = try Fixture(partitions: 2)
        for partition in 0..<2 { try fixture.log.append(events(partition * 100..<partition * 100 + 100), to: Partition(partition)) }
        _ = try fixture.catchUp()
        try fixture.withCatalog { catalog, source in
            try catalog.recordProblem(
                ParallaxError(.anotherLog, "said by another"), source: source, partitions: [Partition(0), Partition(1)])
        }
        let running = RunningWorker(fixture.worker())
        try waitFor("a clean status") {
            try fixture.value("SELECT count(*) FROM parallax.partition_position WHERE problem IS NOT NULL") == "0"
        }
        try running.stop()
    }

    @Test func aLogOfAnotherIdentityIsNotRead() throws {
        let fixture = try Fixture(partitions: 2)
        fixture.log.replace(number: "1")
        for partition in 0..<2 { try fixture.log.append(events(partition * 50..<partition * 50 + 50), to: Partition(partition)) }
        _ = try fixture.catchUp()
        fixture.log.replace(number: "2")
        for partition in 0..<2 { try fixture.log.append(events(200..<400), to: Partition(partition)) }
        let error = try refusal(fixture)
        #expect(error?.code == .anotherLog)
        #expect(error?.detail?.contains("number 1") == true && error?.detail?.contains("number 2") == true)
        #expect(try fixture.value("SELECT sum(views)::bigint FROM serving.totals") == "100")
    }

    /// A witness that the log gave up proves nothing.
    @Test func aTrimmedWitnessIsNotAskedFor() throws {
        let fixture = try Fixture()
        try fixture.log.append(events(0..<100), to: Partition(0))
        _ = try fixture.catchUp()
        try fixture.log.trim(below: Cut([Partition(0): Offset(100)]))
        try fixture.log.append(events(100..<150), to: Partition(0))
        _ = try fixture.catchUp()
        #expect(try fixture.value("SELECT sum(views)::bigint FROM serving.totals") == "150")
        // Nor does a hole.
        fixture.log.leaveHole(of: 3, in: Partition(0))
        try fixture.log.append(events(150..<151), to: Partition(0))
        _ = try fixture.catchUp()
        #expect(try fixture.value("SELECT witness_offset FROM parallax.partition_position") == "153")
    }
}
