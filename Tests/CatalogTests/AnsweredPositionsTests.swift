import ParallaxCore
import Testing

@testable import Catalog

/// When what was written is in the answers: the equation of `AnsweredPositions`, case by case.
@Suite struct AnsweredPositionsTests {
    private static let log = LogIdentity(kind: .embedded, topic: "ev", number: "1")

    private static func positions(
        _ parts: [(processed: Int64, holes: [Range<Int64>], isRead: Bool)], _ binding: LogBinding? = LogBinding(identity: log)
    ) -> AnsweredPositions {
        var positions = AnsweredPositions(source: "ev")
        positions.binding = binding
        for (number, given) in parts.enumerated() {
            var part = AnsweredPositions.Part()
            part.processed = Offset(given.processed)
            part.holes = given.holes.map { Offset($0.lowerBound)..<Offset($0.upperBound) }
            part.isRead = given.isRead
            positions.parts[Partition(number)] = part
        }
        return positions
    }

    private static func token(_ ends: [Int: Int64], _ log: LogIdentity = log) -> WriteToken {
        WriteToken(source: "ev", log: log, ends: Dictionary(uniqueKeysWithValues: ends.map { (Partition($0.key), Offset($0.value)) }))
    }

    @Test func allPartitionsAreProcessedUpToTheEnds() throws {
        let positions = Self.positions([(10, [], true), (5, [], false)])
        #expect(try positions.progress(of: Self.token([0: 10])).isVisible)
        #expect(try positions.progress(of: Self.token([0: 3, 1: 5])).isVisible)
        let behind = try positions.progress(of: Self.token([0: 12, 1: 6]))
        #expect(behind.behind == 3 && behind.unreadPartitions == 1 && behind.words == "3 records behind")
        // A partition that nobody has heard of yet.
        #expect(try positions.progress(of: Self.token([7: 4])).behind == 4)
    }

    /// A run took the position further on: what lies between comes with its publication alone.
    @Test func recordsThatWaitForAPublicationAreNotVisible() throws {
        let positions = Self.positions([(20, [5..<8, 12..<20], true)])
        #expect(try positions.progress(of: Self.token([0: 5])).isVisible)
        #expect(try positions.progress(of: Self.token([0: 6])).waiting == 1)
        #expect(try positions.progress(of: Self.token([0: 15])).waiting == 6)
        #expect(try positions.progress(of: Self.token([0: 20])).words == "11 records wait for a publication")
    }

    @Test func aLogThatWasAdoptedContinuesBehindTheFormer() throws {
        let starts = [LogBinding.Start(partition: Partition(0), offset: Offset(100), own: Offset(2))]
        let positions = Self.positions([(105, [], true)], LogBinding(number: 1, identity: Self.log, starts: starts))
        #expect(try positions.progress(of: Self.token([0: 7])).isVisible)
        #expect(try positions.progress(of: Self.token([0: 8])).behind == 1)
        // Below the place from which it is read.
        #expect { try positions.progress(of: Self.token([0: 2])) } throws: { ($0 as? ParallaxError)?.code == .anotherLog }
        let former = LogIdentity(kind: .embedded, topic: "ev", number: "0")
        #expect { try positions.progress(of: Self.token([0: 7], former)) } throws: { ($0 as? ParallaxError)?.code == .anotherLog }
    }

    @Test func numbersThatAClientMadeUpOverflowNothing() throws {
        let positions = Self.positions(
            [(1, [], true), (1, [], true)],
            LogBinding(identity: Self.log, starts: [.init(partition: Partition(0), offset: Offset(50), own: Offset(0))]))
        let progress = try positions.progress(of: Self.token([0: .max, 1: .max, 2: .max]))
        #expect(progress.behind == .max && !progress.isVisible)
    }
}
