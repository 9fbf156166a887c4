import BatchLayer
import Foundation
import Operators
import ParallaxCore

/// Segments in order, read and decoded on a thread of its own, at most so many batches ahead of who takes them.
///
/// One consumer. Ends with nil after the last batch, or throws what the reading threw; a consumer that stops earlier calls `abandon`.
///
/// `@unchecked Sendable`: all stored state is read and written under `condition`; what is constant is Sendable.
final class SegmentStream: @unchecked Sendable {
    private let archive: any RunArchive
    private let segments: [Segment]
    private let columns: Set<Int>
    private let depth: Int

    private let condition = NSCondition()
    private var waiting: [EventBatch] = []
    private var isAbandoned = false
    private var isFinished = false
    private var failure: ParallaxError?

    init(_ archive: any RunArchive, _ segments: [Segment], columns: Set<Int>, depth: Int) {
        precondition(depth > 0, "\(depth) batches ahead")
        self.archive = archive
        self.segments = segments
        self.columns = columns
        self.depth = depth
        Thread.detachNewThread { self.readAll() }
    }

    func next() throws(ParallaxError) -> EventBatch? {
        condition.lock()
        defer { condition.unlock() }
        while waiting.isEmpty && !isFinished { condition.wait() }
        guard !waiting.isEmpty else {
            if let failure { throw failure }
            return nil
        }
        let batch = waiting.removeFirst()
        condition.broadcast()
        return batch
    }

    /// Returns when the reading thread has ended.
    func abandon() {
        condition.lock()
        isAbandoned = true
        waiting = []
        condition.broadcast()
        while !isFinished { condition.wait() }
        condition.unlock()
    }

    private func readAll() {
        var failure: ParallaxError?
        do {
            for segment in segments {
                try archive.read(segment, columns: columns) { (batch) throws(ParallaxError) in
                    guard put(batch) else { throw ParallaxError(.cancelled, "nobody wants the rest") }
                }
            }
        } catch { failure = error }
        condition.lock()
        self.failure = failure
        isFinished = true
        condition.broadcast()
        condition.unlock()
    }

    /// False where the consumer has gone.
    private func put(_ batch: EventBatch) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while waiting.count >= depth && !isAbandoned { condition.wait() }
        guard !isAbandoned else { return false }
        waiting.append(batch)
        condition.broadcast()
        return true
    }
}
