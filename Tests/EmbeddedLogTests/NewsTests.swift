import ParallaxCore
import Testing
import TestSupport

@testable import EmbeddedLog

@Suite struct NewsTests {
    @Test func whatIsThereAlreadyIsNews() throws {
        let fixture = try LogFixture()
        let log = try fixture.open(partitions: 2)
        #expect(try log.waitForNews(after: [Partition(0): .zero, Partition(1): .zero], timeout: .zero) == false)
        try log.append(records(0..<2), to: Partition(1))
        #expect(try log.waitForNews(after: [Partition(0): .zero, Partition(1): Offset(1)], timeout: .zero))
        #expect(try log.waitForNews(after: [Partition(0): .zero], timeout: .zero) == false)
        #expect(try log.waitForNews(after: [Partition(1): Offset(2)], timeout: .milliseconds(1)) == false)
    }

    @Test func anotherInstancesAppendEndsTheWait() throws {
        let fixture = try LogFixture()
        let writer = try fixture.open()
        let reader = try fixture.openForReading()
        try inThreads(2) { role in
            if role == 0 {
                #expect(try reader.waitForNews(after: [LogFixture.lane: .zero], timeout: .seconds(60)))
            } else {
                try writer.append(records(0..<1), to: nil)
            }
        }
    }
}
