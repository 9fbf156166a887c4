import Disk
import ParallaxCore

/// A place in a partition, with the frame around it already read and verified: what makes the next sequential read cheap.
///
/// `@unchecked Sendable`: one thread has it at a time. `PartitionReader` hands it out under its lock and takes it back.
final class ReadCursor: @unchecked Sendable {
    private let paths: LogPaths
    private let partition: Partition
    private var window: FileWindow
    private(set) var segment: Int64
    /// Where `frame` begins, or where the next one does while there is none.
    private var position: Int
    private var frame: Frame?
    private var keyLengths: [Int32] = []
    private var payloadLengths: [Int32] = []
    /// Empty where no record of the frame has headers.
    private var headersLengths: [Int32] = []
    /// In `frame`: the next row, and where its key and payload begin.
    private var row = 0
    private var keyStart = 0
    private var payloadStart = 0
    private var headersStart = 0
    /// The next record's offset.
    private(set) var next: Int64

    init(_ paths: LogPaths, _ partition: Partition, file: File, segment: Int64, at mark: FrameMark) {
        self.paths = paths
        self.partition = partition
        self.segment = segment
        window = FileWindow(file)
        position = mark.position
        next = mark.offset
    }

    /// Moves on to `offset`, in this segment, by frame headers alone; returns a mark every 64 KiB.
    func seek(_ offset: Int64, _ end: DurableEnd) throws(ParallaxError) -> [FrameMark] {
        var marks: [FrameMark] = []
        let limit = try limit(end)
        while true {
            let header = try window.bytes(at: position, Frame.headerBytes, limit: limit, ahead: FrameMark.spacing)
            let found: Frame
            do throws(Frame.Flaw) {
                found = try Frame(header: header, expectedBase: next, available: limit - position)
            } catch {
                throw corrupt(error, at: position)
            }
            guard found.end <= offset else { break }
            position += found.length
            next = found.end
            if position - (marks.last?.position ?? 0) >= FrameMark.spacing { marks.append(FrameMark(offset: next, position: position)) }
        }
        try enterFrame(end)
        while next < offset {
            keyStart += Int(max(keyLengths[row], 0))
            payloadStart += Int(max(payloadLengths[row], 0))
            if !headersLengths.isEmpty { headersStart += Int(max(headersLengths[row], 0)) }
            row += 1
            next += 1
        }
        return marks
    }

    /// Appends records to `batch` up to one of the bounds, or up to a frame that cannot be read: that is for the next read to say, which begins there.
    func read(into batch: inout RecordBatch, _ end: DurableEnd, maxRecords: Int, maxBytes: Int) throws(ParallaxError) {
        var bytesLeft = maxBytes
        while batch.count < maxRecords, next < end.end {
            if frame == nil || row == frame?.count {
                do { try enterFrame(end) } catch {
                    guard batch.isEmpty else { return }
                    throw error
                }
            }
            guard let frame else { preconditionFailure("no frame at offset \(next)") }
            let rowsLimit = row + min(frame.count - row, maxRecords - batch.count)
            var rows = row
            var keyBytes = 0
            var payloadBytes = 0
            while rows < rowsLimit {
                let bytes = payloadBytes + Int(max(payloadLengths[rows], 0))
                if bytes > bytesLeft, !(batch.isEmpty && rows == row) { break }
                payloadBytes = bytes
                keyBytes += Int(max(keyLengths[rows], 0))
                rows += 1
            }
            if rows == row { return }
            let bytes = try window.bytes(at: position, frame.length, limit: position + frame.length)
            let count = rows - row
            appendHeaders(row..<rows, of: bytes, to: &batch)
            batch.offsets.append(contentsOf: next..<next + Int64(count))
            batch.appendedAt.append(contentsOf: repeatElement(frame.appendedAt, count: count))
            batch.keys.append(
                packed: UnsafeRawBufferPointer(rebasing: bytes[keyStart..<keyStart + keyBytes]), lengths: keyLengths[row..<rows])
            batch.payloads.append(
                packed: UnsafeRawBufferPointer(rebasing: bytes[payloadStart..<payloadStart + payloadBytes]),
                lengths: payloadLengths[row..<rows])
            row = rows
            keyStart += keyBytes
            payloadStart += payloadBytes
            bytesLeft -= payloadBytes
            next += Int64(count)
            batch.nextOffset = Offset(next)
        }
    }

    /// Before the records themselves: a batch has a column of headers from the first record on that has any.
    private func appendHeaders(_ rows: Range<Int>, of frame: UnsafeRawBufferPointer, to batch: inout RecordBatch) {
        guard !headersLengths.isEmpty else {
            if batch.headers != nil { for _ in rows { batch.headers?.appendNull() } }
            return
        }
        let lengths = headersLengths[rows]
        let bytes = lengths.reduce(0) { $0 + Int(max($1, 0)) }
        if batch.headers == nil {
            batch.headers = ByteColumn(
                bytes: [], ends: [Int](repeating: 0, count: batch.count), nulls: [UInt8](repeating: 1, count: batch.count))
        }
        batch.headers?.append(
            packed: UnsafeRawBufferPointer(rebasing: frame[headersStart..<headersStart + bytes]), lengths: lengths)
        headersStart += bytes
    }

    /// Reads and verifies the frame that begins with record `next`, in the next segment if need be.
    private func enterFrame(_ end: DurableEnd) throws(ParallaxError) {
        position += frame?.length ?? 0
        frame = nil
        if segment != end.segment, try position == window.file.size() { try enterSegment() }
        let limit = try limit(end)
        switch try window.frame(at: position, expectedBase: next, limit: limit) {
        case .failure(let flaw): throw corrupt(flaw, at: position)
        case .success(let found):
            let bytes = try window.bytes(at: position, found.length, limit: limit)
            do throws(Frame.Flaw) {
                try found.readLengths(of: bytes, keys: &keyLengths, payloads: &payloadLengths, headers: &headersLengths)
            } catch {
                throw corrupt(error, at: position)
            }
            row = 0
            keyStart = Frame.headerBytes + found.lengthsBytes
            payloadStart = keyStart + found.keysBytes
            headersStart = payloadStart + found.payloadsBytes - headersLengths.reduce(0) { $0 + Int(max($1, 0)) }
            frame = found
        }
    }

    private func enterSegment() throws(ParallaxError) {
        let path = paths.segment(next, of: partition)
        guard let file = try File.read(path) else { throw paths.missingSegment(partition, offset: next, file: path) }
        window = FileWindow(file)
        segment = next
        position = 0
    }

    /// A segment that is appended to is read to its published end, any other to the end of its file.
    private func limit(_ end: DurableEnd) throws(ParallaxError) -> Int {
        segment == end.segment ? end.bytes : try window.file.size()
    }

    private func corrupt(_ flaw: Frame.Flaw, at position: Int) -> ParallaxError {
        paths.corrupt(partition, offset: next, file: window.file.path, position: position, flaw.description)
    }
}

/// Where the frame that begins with record `offset` lies in its segment.
struct FrameMark {
    var offset: Int64
    var position: Int

    /// Bytes from one remembered mark to the next: what a seek reads in vain, at most, in headers of small frames.
    static let spacing = 64 << 10
}
