import Compression
import ParallaxCore

/// Records of comma-separated values: RFC 4180, with any line ends. A field without quotes that is empty is null, as in PostgreSQL's COPY; empty
/// lines are passed over.
final class CSVReader {
    struct Record: Equatable {
        /// The line that its first byte stands in; the file's first line is 1.
        var line: Int
        var fields: [[UInt8]?]
    }

    /// Why the text is no CSV, and where.
    struct Malformed: Error, Equatable {
        var line: Int
        var message: String
    }

    /// A record beyond this is a forgotten quote.
    static let bytesPerRecord = 16 << 20

    private let reader: DecompressingReader
    private var buffer: [UInt8]
    private var next = 0
    private var end = 0
    private var line = 1
    private var bytes = 0
    private var isAtStart = true

    init(_ reader: DecompressingReader) {
        self.reader = reader
        buffer = [UInt8](repeating: 0, count: DecompressingReader.inputBufferBytes)
    }

    var inputPosition: Int { reader.inputPosition }

    /// Nil at the end. Throws `ParallaxError` where the file cannot be read, `Malformed` where it is no CSV: there is no way on then.
    func record() throws -> Record? {
        if isAtStart { try skipByteOrderMark() }
        var record = Record(line: line, fields: [])
        bytes = 0
        while true {
            let (field, stop) = try field(from: record.line)
            if stop != .comma, record.fields.isEmpty, field == nil {
                guard stop == .lineEnd else { return nil }
                record.line = line
                continue
            }
            record.fields.append(field)
            if stop != .comma { return record }
        }
    }

    private enum Stop { case comma, lineEnd, end }

    private func field(from start: Int) throws -> ([UInt8]?, Stop) {
        guard try peek() == UInt8(ascii: "\"") else {
            var field: [UInt8] = []
            while true {
                if let stop = try stop() { return (field.isEmpty ? nil : field, stop) }
                let byte = try take(start)
                guard byte != UInt8(ascii: "\"") else {
                    throw Malformed(line: line, message: "a quote inside of a field that does not begin with one")
                }
                field.append(byte)
            }
        }
        var field: [UInt8] = []
        let opened = line
        _ = try take(start)
        while true {
            guard let byte = try peek() else { throw Malformed(line: opened, message: "unterminated quoted field") }
            _ = try take(start)
            if byte == UInt8(ascii: "\"") {
                if try peek() != byte { break }
                _ = try take(start)
            } else if byte == UInt8(ascii: "\n") {
                line += 1
            }
            field.append(byte)
        }
        guard let stop = try stop() else { throw Malformed(line: line, message: "text behind the closing quote of a field") }
        return (field, stop)
    }

    /// Takes a comma, a line's end or the file's, if one is next.
    private func stop() throws -> Stop? {
        switch try peek() {
        case nil: return .end
        case UInt8(ascii: ","):
            next += 1
            return .comma
        case UInt8(ascii: "\n"):
            next += 1
            line += 1
            return .lineEnd
        case UInt8(ascii: "\r"):
            next += 1
            line += 1
            if try peek() == UInt8(ascii: "\n") { next += 1 }
            return .lineEnd
        default: return nil
        }
    }

    private func take(_ start: Int) throws -> UInt8 {
        bytes += 1
        guard bytes <= Self.bytesPerRecord else {
            throw Malformed(line: start, message: "a record of more than \(Self.bytesPerRecord) bytes: is a quote missing?")
        }
        defer { next += 1 }
        return buffer[next]
    }

    private func peek() throws -> UInt8? {
        if next == end {
            end = try buffer.withUnsafeMutableBytes { bytes throws(ParallaxError) in try reader.read(into: bytes) }
            next = 0
            guard end > 0 else { return nil }
        }
        return buffer[next]
    }

    private func skipByteOrderMark() throws {
        isAtStart = false
        guard try peek() == 0xEF, end >= 3, buffer[1] == 0xBB, buffer[2] == 0xBF else { return }
        next = 3
    }
}
