import Columns
import MergeLaw
import ParallaxCore
import ViewLanguage

/// Rows of a state table, in the columns of its layout.
public struct StateRows: Sendable {
    public enum Values: Sendable {
        /// Window starts (timestamptz), group values, extremes: typed columns.
        case column(Column)
        /// Counts: never null.
        case counts([Int64])
        /// Text that PostgreSQL's input function of the column's type takes: numerics, hll as \x…; nulls as marked.
        case text(ByteColumn)
    }
    public var layout: StateLayout
    public var count: Int
    /// One entry a column of the layout.
    public var values: [Values]
    public init(layout: StateLayout, count: Int, values: [Values]) {
        self.layout = layout
        self.count = count
        self.values = values
    }

    /// Appends rows in COPY's text format, one line a row, after `prefix` (already escaped, with its trailing tabs; for leading columns
    /// such as the slice). Source: PostgreSQL documentation, COPY, "Text Format".
    public func appendCopyText(rows: Range<Int>, prefix: [UInt8], to buffer: inout [UInt8]) {
        for row in rows {
            buffer.append(contentsOf: prefix)
            for (index, column) in values.enumerated() {
                if index > 0 { buffer.append(UInt8(ascii: "\t")) }
                column.appendCopyText(row, to: &buffer)
            }
            buffer.append(UInt8(ascii: "\n"))
        }
    }
}

extension StateRows {
    /// The text that PostgreSQL's input function of the type takes, of a value that is not null.
    static func text(of vector: Vector, _ position: Int) -> [UInt8] {
        let position = vector.isConstant ? 0 : position
        if case .text(let texts) = vector.values { return Array(texts.bytes[texts.starts[position]..<texts.ends[position]]) }
        var text: [UInt8] = []
        let storage: Column.Storage =
            switch vector.values {
            case .int64(let values): .int64([values[position]])
            case .int128(let values): .int128([values[position]])
            case .float64(let values): .float64([values[position]])
            case .bool(let values): .bool([values[position]])
            case .bits128(let values): .bits128([values[position]])
            case .text: .text(ByteColumn())
            }
        Column(type: vector.type, storage: storage).appendText(0, to: &text)
        return text
    }
}

extension Column {
    /// The text that PostgreSQL's input function of the type takes, of a value that is not null; for all types but text.
    fileprivate func appendText(_ row: Int, to buffer: inout [UInt8]) {
        switch storage {
        case .int64(let values):
            switch type {
            case .timestamptz: TextOutput.append(timestamptz: values[row], to: &buffer)
            case .timestamp: TextOutput.append(timestamp: values[row], to: &buffer)
            case .date: TextOutput.append(date: values[row], to: &buffer)
            case .time: TextOutput.append(time: values[row], to: &buffer)
            case .numeric(_, let scale): TextOutput.append(Int128(values[row]), scale: scale, to: &buffer)
            default: TextOutput.append(values[row], to: &buffer)
            }
        case .int128(let values): TextOutput.append(values[row], scale: type.numericScale, to: &buffer)
        case .float64(let values) where type == .float4: TextOutput.append(real: values[row], to: &buffer)
        case .float64(let values): TextOutput.append(values[row], to: &buffer)
        case .bool(let values): buffer.append(values[row] == 0 ? UInt8(ascii: "f") : UInt8(ascii: "t"))
        // In the style "postgres", which is read the same in every IntervalStyle: behind a negative part all parts show their signs.
        case .bits128(let values) where type == .interval:
            TextOutput.append(interval: CalendarInterval(bits: values[row]), isInput: true, to: &buffer)
        case .bits128(let values): TextOutput.append(uuid: values[row], to: &buffer)
        case .text(let values): buffer += values[row]
        }
    }
}

extension StateRows.Values {
    /// One value in COPY's text format.
    public func appendCopyText(_ row: Int, to buffer: inout [UInt8]) {
        switch self {
        case .counts(let counts): TextOutput.append(counts[row], to: &buffer)
        case .text(let texts):
            if texts.isNull(row) { appendNull(to: &buffer) } else { appendEscaped(texts, row, to: &buffer) }
        case .column(let column):
            if column.isNull(row) { return appendNull(to: &buffer) }
            if case .text(let values) = column.storage { return appendEscaped(values, row, to: &buffer) }
            column.appendText(row, to: &buffer)
        }
    }

    private func appendNull(to buffer: inout [UInt8]) {
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(UInt8(ascii: "N"))
    }

    private func appendEscaped(_ texts: ByteColumn, _ row: Int, to buffer: inout [UInt8]) {
        texts.bytes.withUnsafeBufferPointer { bytes in
            let text = UnsafeBufferPointer(rebasing: bytes[texts.start(row)..<texts.ends[row]])
            var plain = 0
            for position in 0..<text.count {
                let letter: UInt8
                switch text[position] {
                case UInt8(ascii: "\\"): letter = UInt8(ascii: "\\")
                case UInt8(ascii: "\t"): letter = UInt8(ascii: "t")
                case UInt8(ascii: "\n"): letter = UInt8(ascii: "n")
                case UInt8(ascii: "\r"): letter = UInt8(ascii: "r")
                default: continue
                }
                buffer.append(contentsOf: text[plain..<position])
                buffer.append(UInt8(ascii: "\\"))
                buffer.append(letter)
                plain = position + 1
            }
            buffer.append(contentsOf: text[plain...])
        }
    }
}
