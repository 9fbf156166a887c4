import ParallaxCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The lines of a file, many at a time. A line ends at a line feed, which is not part of it; the last line needs none.
///
/// Nothing else is taken off (a carriage return stays: it is white space to JSON). A line longer than the limit is passed over
/// and reported, so that one monster neither ends the reading nor fills the memory.
///
/// One owner. `next` blocks.
public final class LineReader {
    public struct Batch: Sendable {
        /// Lines that are not empty, in order.
        public var lines = ByteColumn()
        /// The number of each line, from 1 on.
        public var lineNumbers: [Int] = []
        /// Lines longer than the limit: number, and length in bytes.
        public var tooLong: [(lineNumber: Int, byteCount: Int)] = []
        public var emptyLineCount = 0
        /// The input ended without a line feed after its last line.
        public var endsInsideLine = false
    }

    public let reader: DecompressingReader
    public let maximumLineBytes: Int

    /// The lines being gathered; after the last whole one, the beginning of one whose end is yet to come.
    private var arena: [UInt8] = []
    private var block = [UInt8](repeating: 0, count: 256 * 1024)
    private var blockStart = 0
    private var blockEnd = 0
    private var lineNumber = 1
    /// Bytes of the current line, also of those that were not kept.
    private var lineBytes = 0
    private var hasEnded = false

    public static let defaultMaximumLineBytes = 16 * 1024 * 1024

    public init(_ reader: DecompressingReader, maximumLineBytes: Int = defaultMaximumLineBytes) {
        precondition(maximumLineBytes > 0, "no room for a line")
        self.reader = reader
        self.maximumLineBytes = maximumLineBytes
    }

    /// At most `maxLines` lines, fewer where `maxBytes` are reached first; nil at the end of the input.
    ///
    /// - Parameter patience: how long to gather; then the batch has the lines that are whole by then, which may be none. Nil: as long as it takes.
    public func next(maxLines: Int, maxBytes: Int, patience: Duration? = nil) throws(ParallaxError) -> Batch? {
        precondition(maxLines > 0 && maxBytes > 0, "no room for a line")
        var batch = Batch()
        let deadline = patience.map { ContinuousClock.now + $0 }
        var ends: [Int] = []
        var used = 0
        while ends.count < maxLines && used < maxBytes && !hasEnded {
            if blockStart == blockEnd {
                blockStart = 0
                blockEnd = 0
                let hasLines = !ends.isEmpty || !batch.tooLong.isEmpty || batch.emptyLineCount > 0
                // An input that always has a little more must not keep what it brought before.
                if hasLines, let deadline, ContinuousClock.now >= deadline { break }
                guard let filled = try fill(until: deadline) else { break }
                blockEnd = filled
                if blockEnd == 0 {
                    hasEnded = true
                    if lineBytes > 0 {
                        batch.endsInsideLine = true
                        endLine(&batch, &ends, &used)
                    }
                    break
                }
            }
            let feed = lineFeed()
            take(upTo: feed ?? blockEnd)
            if feed != nil {
                blockStart += 1
                endLine(&batch, &ends, &used)
            }
        }
        if hasEnded && ends.isEmpty && batch.tooLong.isEmpty && batch.emptyLineCount == 0 { return nil }
        // What follows the last whole line begins the next arena.
        let rest = Array(arena[used...])
        arena.removeLast(arena.count - used)
        batch.lines = ByteColumn(bytes: arena, ends: ends)
        arena = rest
        return batch
    }

    /// Nil where nothing came before the deadline.
    private func fill(until deadline: ContinuousClock.Instant?) throws(ParallaxError) -> Int? {
        let result: Result<Int?, ParallaxError> = block.withUnsafeMutableBytes { bytes in
            do throws(ParallaxError) { return .success(try reader.read(into: bytes, until: deadline)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func lineFeed() -> Int? {
        block.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress,
                let found = memchr(base + blockStart, Int32(UInt8(ascii: "\n")), blockEnd - blockStart)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    /// The block's bytes up to `end` belong to the current line; they are kept while the line is within the limit.
    private func take(upTo end: Int) {
        let count = end - blockStart
        if lineBytes + count <= maximumLineBytes { arena.append(contentsOf: block[blockStart..<end]) }
        lineBytes += count
        blockStart = end
    }

    private func endLine(_ batch: inout Batch, _ ends: inout [Int], _ used: inout Int) {
        switch lineBytes {
        case 0:
            batch.emptyLineCount += 1
        case ...maximumLineBytes:
            used = arena.count
            ends.append(used)
            batch.lineNumbers.append(lineNumber)
        default:
            batch.tooLong.append((lineNumber, lineBytes))
            arena.removeLast(arena.count - used)
        }
        lineNumber += 1
        lineBytes = 0
    }
}
