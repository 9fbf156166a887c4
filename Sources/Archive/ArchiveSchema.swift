import Checksums
import Columns
import Operators
import ParallaxCore
import Parquet
import ViewLanguage

/// How a source's records look as Parquet columns: the record itself, then the declared columns, all nullable.
struct ArchiveSchema: Sendable {
    let source: SourceDefinition
    let fields: [ParquetField]
    /// Names the declared columns and what decoding makes of them. Where it differs, the columns of a segment do not answer for
    /// today's definition, and `_raw` is decoded anew.
    let fingerprint: String

    /// The columns that every segment has, in this order, before the declared ones.
    enum Fixed: Int, CaseIterable {
        case partition, offset, appendedAt, key, raw, rejected

        var field: ParquetField {
            switch self {
            case .partition: ParquetField("_partition", .int32, isOptional: false)
            case .offset: ParquetField("_offset", .int64, isOptional: false)
            case .appendedAt: ParquetField("_appended_at", .timestamp, isOptional: false)
            case .key: ParquetField("_key", .bytes, isOptional: true, keepsExtremes: false)
            // Null for a tombstone.
            case .raw: ParquetField("_raw", .bytes, isOptional: true, keepsExtremes: false)
            // `RejectionReason`'s raw value; null for events.
            case .rejected: ParquetField("_rejected", .string, isOptional: true)
            }
        }
    }

    /// After the declared columns, so that segments from before it stay readable: the record's headers as `RecordHeaders` encodes them; null
    /// where it has none (the embedded log has none at all).
    static let headers = ParquetField("_headers", .bytes, isOptional: true, keepsExtremes: false)

    /// To be raised when the decoder gives other columns for the same payload: older segments are then decoded anew.
    static let decoderVersion = 2

    /// Throws `.definition` where a declared column has the name of a fixed one.
    init(_ source: SourceDefinition) throws(ParallaxError) {
        self.source = source
        let fixed = Fixed.allCases.map(\.field)
        let own = fixed + [Self.headers]
        for column in source.columns where own.contains(where: { $0.name == column.name }) {
            throw ParallaxError(
                .definition, "column \"\(column.name)\" of source \"\(source.name)\" has a name that the archive uses itself",
                detail: "The archive's own columns are \(own.map(\.name).joined(separator: ", ")).", hint: "Choose another name.")
        }
        fields = fixed + source.columns.map { ParquetField($0.name, Self.type($0.type), isOptional: true) } + [Self.headers]
        var text = "decoder \(Self.decoderVersion)\nevent id \(source.eventIDColumn)\nevent time \(source.eventTimeColumn)\n"
        // The name last: it may hold anything, the length before it says where it ends.
        for column in source.columns {
            text += "\(column.type) \(column.isNotNull ? "not null" : "null") \(column.name.utf8.count) \(column.name)\n"
            // Columns without these keep the fingerprint that they had before there were any.
            if let path = column.path { text += "path \(path)\n" }
            if let value = column.missingValue { text += "default \(value)\n" }
            if let format = column.format { text += "format \(format.rawValue)\n" }
        }
        fingerprint = String(Array(text.utf8).withUnsafeBytes { sha256($0) }.prefix(32))
    }

    static func type(_ type: ScalarType) -> ParquetType {
        switch type {
        case .text, .uuid, .interval, .varchar, .char, .decimal, .jsonb, .array: .string
        case .int2, .int4: .int32
        case .int8: .int64
        case .numeric(let precision, let scale): .decimal(precision: precision, scale: scale)
        case .float4, .float8: .double
        case .bool: .boolean
        case .timestamptz: .timestamp
        case .timestamp: .localTimestamp
        case .date: .date
        case .time: .time
        }
    }

    /// Index in the file of a declared column.
    static func place(of column: Int) -> Int { Fixed.allCases.count + column }

    /// One row group: the records as received, and what they decoded to.
    func columns(_ records: RecordBatch, _ events: EventBatch) -> [ParquetColumn] {
        precondition(records.count == events.count, "\(events.count) events for \(records.count) records")
        var columns: [ParquetColumn] = Fixed.allCases.map { fixed in
            switch fixed {
            case .partition: ParquetColumn(.int64([Int64](repeating: Int64(records.partition.rawValue), count: records.count)))
            case .offset: ParquetColumn(.int64(records.offsets))
            case .appendedAt: ParquetColumn(.int64(records.appendedAt))
            case .key: ParquetColumn(.bytes(records.keys), nulls: records.keys.nulls)
            case .raw: ParquetColumn(.bytes(records.payloads), nulls: records.payloads.nulls)
            case .rejected: Self.rejected(events)
            }
        }
        for (index, column) in events.columns.enumerated() {
            guard let column else { preconditionFailure("column \(index) was not decoded") }
            columns.append(ParquetColumn(Self.values(column), nulls: column.nulls))
        }
        let headers = records.headers ?? .nulls(records.count)
        columns.append(ParquetColumn(.bytes(headers), nulls: headers.nulls))
        return columns
    }

    private static func values(_ column: Column) -> ParquetColumn.Values {
        switch column.storage {
        case .int64(let values): .int64(values)
        case .int128(let values): .int128(values)
        case .float64(let values): .double(values)
        case .bool(let values): .bool(values)
        case .text(let values): .bytes(values)
        case .bits128(let values) where column.type == .interval: .bytes(IntervalColumnText.column(values, nulls: column.nulls))
        case .bits128(let values): .bytes(UUIDText.column(values, nulls: column.nulls))
        }
    }

    private static func rejected(_ events: EventBatch) -> ParquetColumn {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        var nulls = [UInt8](repeating: 1, count: events.count)
        ends.reserveCapacity(events.count)
        var next = events.rejections.startIndex
        for row in 0..<events.count {
            if next < events.rejections.endIndex, events.rejections[next].row == row {
                bytes.append(contentsOf: events.rejections[next].reason.rawValue.utf8)
                nulls[row] = 0
                while next < events.rejections.endIndex, events.rejections[next].row == row { next += 1 }
            }
            ends.append(bytes.count)
        }
        precondition(next == events.rejections.endIndex, "rejections are not in row order")
        return ParquetColumn(.bytes(ByteColumn(bytes: bytes, ends: ends)), nulls: nulls)
    }
}
