import ParallaxCore
import Testing
import TestSupport

@testable import EmbeddedLog

@Suite struct ContractTests {
    @Test(arguments: EventLogContract.allCases)
    func theDoubleKeepsTheContract(_ promise: EventLogContract) throws {
        try promise.check { MemoryLog(partitions: $0) }
    }

    @Test(arguments: EventLogContract.allCases)
    func theEmbeddedLogKeepsTheContract(_ promise: EventLogContract) throws {
        let folder = try TemporaryFolder()
        try promise.check { try EmbeddedLog(directory: folder.path, source: "page_view", partitions: $0) }
    }

    /// Every frame a record or two, every segment a few frames: the same promises across all seams.
    @Test(arguments: EventLogContract.allCases)
    func smallSegmentsAndFramesKeepTheContract(_ promise: EventLogContract) throws {
        var limits = EmbeddedLogLimits()
        limits.bytesPerBatchFrame = 25
        limits.bytesPerSegment = 300
        let folder = try TemporaryFolder()
        try promise.check { try EmbeddedLog(directory: folder.path, source: "page_view", partitions: $0, limits: limits) }
    }
}
