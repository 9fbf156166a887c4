import Disk
import ParallaxCore
import Synchronization

/// Reads one partition, for any number of threads, in any process: it needs no lock and writes nothing.
final class PartitionReader: Sendable {
    private let paths: LogPaths
    private let partition: Partition
    private let endFile: File
    private let state = Mutex(State())

    private struct State {
        /// The places where reads ended, the latest last. One a consumer (speed worker, archiver), so that they do not
        /// take each other's place.
        var cursors: [ReadCursor] = []
        /// First offsets of the segments, as of `listedFor`.
        var segments: [Int64] = []
        var listedFor: DurableEnd?
        /// By segment: what seeks have learnt, ascending.
        var marks: [Int64: [FrameMark]] = [:]
    }

    private static let cursorsKept = 4

    init(_ paths: LogPaths, _ partition: Partition) throws(ParallaxError) {
        self.paths = paths
        self.partition = partition
        let path = paths.end(of: partition)
        guard let file = try File.read(path) else {
            throw ParallaxError(
                .corrupt, "the log of source \"\(paths.source)\" lacks \(path)",
                hint: "Open the log for writing (parallax up, parallax ingest): it is found again from the segments.")
        }
        endFile = file
    }

    /// False where another log was put into the folder: this one's files are not there any more.
    func isCurrent() throws(ParallaxError) -> Bool { try endFile.isStillAtItsPath() }

    func durableEnd() throws(ParallaxError) -> DurableEnd {
        guard let end = try DurableEndFile.read(endFile).0 else {
            throw ParallaxError(
                .corrupt, "\(endFile.path) does not say how far partition \(partition) of source \"\(paths.source)\" is durable",
                hint: "Open the log for writing (parallax up, parallax ingest): it is found again from the segments.", isRetriable: true)
        }
        return end
    }

    func read(from offset: Offset, maxRecords: Int, maxBytes: Int) throws(ParallaxError) -> RecordBatch {
        let end = try durableEnd()
        guard end.earliest <= offset.rawValue, offset.rawValue <= end.end else {
            throw paths.gone(partition, requested: offset, end)
        }
        var batch = RecordBatch(partition: partition, nextOffset: offset)
        if offset.rawValue == end.end { return batch }
        let cursor: ReadCursor
        do {
            cursor = try takeCursor(at: offset.rawValue, end)
            try cursor.read(into: &batch, end, maxRecords: maxRecords, maxBytes: maxBytes)
        } catch {
            let error = try orGone(offset, error)
            guard error.code == .corrupt else { throw error }
            guard let next = try GivenUp(paths, partition).end(of: offset.rawValue) else {
                throw try damage(at: offset.rawValue, end).map { paths.damaged($0) } ?? error
            }
            // As over a hole.
            batch.nextOffset = Offset(min(next, end.end))
            return batch
        }
        state.withLock { state in
            if state.cursors.count >= Self.cursorsKept { state.cursors.removeFirst() }
            state.cursors.append(cursor)
        }
        return batch
    }

    /// The damage that holds the offset.
    func damage(at offset: Int64, _ end: DurableEnd) throws(ParallaxError) -> LogDamage? {
        let found = try DamageScan(paths: paths, partition: partition, end: end).damages(from: offset) { _ in true }
        return found.first { $0.offsets.contains(Offset(offset)) }
    }

    /// Lets go of files that were trimmed.
    func forget(below earliest: Int64) {
        state.withLock { state in
            state.cursors.removeAll { $0.segment < earliest }
            state.marks = state.marks.filter { $0.key >= earliest }
        }
    }

    private func takeCursor(at offset: Int64, _ end: DurableEnd) throws(ParallaxError) -> ReadCursor {
        let found = state.withLock { state -> ReadCursor? in
            if let listed = state.listedFor, listed.earliest != end.earliest {
                state.cursors.removeAll { $0.segment < end.earliest }
                state.marks = state.marks.filter { $0.key >= end.earliest }
                state.listedFor = nil
            }
            guard let index = state.cursors.lastIndex(where: { $0.next == offset }) else { return nil }
            return state.cursors.remove(at: index)
        }
        if let found { return found }
        do {
            return try seek(offset, end)
        } catch {
            // The way there may lead over a damaged frame, where headers alone tell nothing.
            guard error.code == .corrupt,
                let (segment, mark) = try DamageScan(paths: paths, partition: partition, end: end).mark(of: offset),
                let file = try File.read(paths.segment(segment, of: partition))
            else { throw error }
            let cursor = ReadCursor(paths, partition, file: file, segment: segment, at: mark)
            _ = try cursor.seek(offset, end)
            return cursor
        }
    }

    private func seek(_ offset: Int64, _ end: DurableEnd) throws(ParallaxError) -> ReadCursor {
        let (segment, mark) = try state.withLock { (state) throws(ParallaxError) in
            if state.listedFor?.segment != end.segment {
                state.segments = try paths.segments(of: partition)
                state.listedFor = end
            }
            guard let segment = state.segments.last(where: { $0 <= offset }) else {
                throw paths.missingSegment(partition, offset: offset, file: paths.segment(end.earliest, of: partition))
            }
            return (segment, state.marks[segment]?.last { $0.offset <= offset })
        }
        let path = paths.segment(segment, of: partition)
        guard let file = try File.read(path) else { throw paths.missingSegment(partition, offset: segment, file: path) }
        let cursor = ReadCursor(
            paths, partition, file: file, segment: segment, at: mark ?? FrameMark(offset: segment, position: 0))
        let marks = try cursor.seek(offset, end)
        state.withLock { state in
            let known = state.marks[segment]?.last?.offset ?? -1
            state.marks[segment, default: []].append(contentsOf: marks.drop { $0.offset <= known })
        }
        return cursor
    }

    /// A segment that vanishes in the middle of a read may have been trimmed by another process: then that is what to say.
    private func orGone(_ offset: Offset, _ error: ParallaxError) throws(ParallaxError) -> ParallaxError {
        guard error.code == .corrupt else { return error }
        let end = try durableEnd()
        return offset.rawValue < end.earliest ? paths.gone(partition, requested: offset, end) : error
    }
}
