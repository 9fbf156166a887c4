import Columns
import Compression
import Operators
import ParallaxCore
import ViewLanguage

/// Lines of input to records of a log, in batches of bounded size.
public struct LineIngestion {
    /// Lines a durable append. More would wait longer for the disk's answer, fewer would ask it more often.
    static let linesPerAppend = 8_192
    static let bytesPerAppend = 8 << 20
    /// What a slow producer's lines wait for others at most, before they are appended.
    public static let patience = Duration.milliseconds(200)
    /// Line numbers that are kept for each reason.
    static let samplesPerReason = 5

    public private(set) var totals = IngestionTotals()
    private let source: SourceDefinition
    private let decoder: EventDecoder
    private let lines: LineReader
    private let headers: [RecordHeader]
    private let append: ([NewRecord]) throws(ParallaxError) -> [Partition: Range<Offset>]
    private var nextLine = 1

    public init(
        _ source: SourceDefinition, lines: LineReader, headers: [RecordHeader] = [],
        append: @escaping ([NewRecord]) throws(ParallaxError) -> [Partition: Range<Offset>]
    ) {
        self.source = source
        self.lines = lines
        self.headers = headers
        self.append = append
        decoder = EventDecoder(source)
    }

    /// Appends the next lines, if any come within `patience`; false at the end of the input.
    public mutating func step() throws(ParallaxError) -> Bool {
        guard
            let batch = try lines.next(maxLines: Self.linesPerAppend, maxBytes: Self.bytesPerAppend, patience: Self.patience)
        else { return false }
        let (payloads, numbers) = withEmptyLines(batch)
        for long in batch.tooLong {
            totals.tooLong.note(line: long.lineNumber, message: "\(long.byteCount) bytes", keeping: Self.samplesPerReason)
        }
        guard payloads.count > 0 else { return true }
        let intake = RecordIntake(payloads, lines: numbers, headers: headers, source, decoder)
        totals.add(intake, try append(intake.records), keeping: Self.samplesPerReason)
        return true
    }

    /// The reader leaves empty lines out; here each is a record without payload, in its place.
    private mutating func withEmptyLines(_ batch: LineReader.Batch) -> (ByteColumn, [Int]) {
        let end = max(batch.lineNumbers.last ?? 0, batch.tooLong.last?.lineNumber ?? 0, nextLine - 1 + lineCount(batch)) + 1
        defer { nextLine = end }
        guard batch.emptyLineCount > 0 else { return (batch.lines, batch.lineNumbers) }
        var payloads = ByteColumn()
        payloads.reserve(values: batch.lines.count + batch.emptyLineCount, bytes: batch.lines.byteCount)
        var numbers: [Int] = []
        let tooLong = Set(batch.tooLong.map(\.lineNumber))
        var row = 0
        for line in nextLine..<end {
            if row < batch.lineNumbers.count && batch.lineNumbers[row] == line {
                payloads.append(batch.lines[row])
                row += 1
            } else if !tooLong.contains(line) {
                payloads.append(EmptyCollection<UInt8>())
            } else {
                continue
            }
            numbers.append(line)
        }
        return (payloads, numbers)
    }

    private func lineCount(_ batch: LineReader.Batch) -> Int { batch.lines.count + batch.tooLong.count + batch.emptyLineCount }
}

/// The text of each event's id, which is its record's key; nil for rejected records.
struct EventKeys {
    private let column: Column?
    private let isRejected: [UInt8]

    init(_ events: EventBatch, _ source: SourceDefinition) {
        column = events.columns[source.eventIDColumn]
        isRejected = events.isRejected
    }

    subscript(_ row: Int) -> [UInt8]? {
        guard let column, isRejected[row] == 0, !column.isNull(row) else { return nil }
        var key: [UInt8] = []
        switch column.storage {
        case .text(let values): key = Array(values[row])
        case .bits128(let values): key.appendUUID(values[row])
        case .int64(let values): key.appendDigits(values[row])
        case .int128, .float64, .bool: preconditionFailure("an event id of type \(column.type)")
        }
        return key
    }
}
