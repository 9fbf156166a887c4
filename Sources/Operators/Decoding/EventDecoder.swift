import CSimdJSON
import Columns
import ParallaxCore
import ViewLanguage

/// JSON payloads to the columns of a source. Holds the parser's buffers: one a thread, reused for every batch.
///
/// A record is an event, or is rejected whole: for its JSON first (every byte is checked, also of fields that the source does not
/// declare), else for its first column in trouble, else for the first required column that is null. Of a repeated field the last
/// value counts, also when an earlier one did not fit.
public final class EventDecoder {
    /// Objects and arrays inside one another that a payload may have, the outermost counted.
    public static let nestingLimit = 256

    private let source: SourceDefinition
    private let handle: OpaquePointer

    public init(_ source: SourceDefinition) {
        self.source = source
        // The names' bytes live in one arena while the decoder copies them.
        var arena: [UInt8] = []
        for column in source.columns { arena += column.name.utf8 }
        let created = arena.withUnsafeBytes { bytes -> OpaquePointer? in
            var start = 0
            var fields: [csj_field] = []
            for (index, column) in source.columns.enumerated() {
                let length = column.name.utf8.count
                var field = csj_field()
                // An empty arena has no address; its names are empty then.
                field.name = bytes.baseAddress.map { ($0 + start).assumingMemoryBound(to: CChar.self) }
                field.name_length = length
                field.type = column.type.decoderType
                if case .numeric(let precision, let scale) = column.type {
                    field.precision = Int32(precision)
                    field.scale = Int32(scale)
                }
                field.is_required = column.isNotNull || index == source.eventIDColumn || index == source.eventTimeColumn ? 1 : 0
                fields.append(field)
                start += length
            }
            return csj_create(fields, fields.count)
        }
        guard let created else { preconditionFailure("no decoder for \(source.name)") }
        handle = created
    }

    deinit { csj_destroy(handle) }

    public func decode(_ records: RecordBatch) -> EventBatch {
        let count = records.count
        let payloads = records.payloads
        let rejectedCount = payloads.bytes.withUnsafeBufferPointer { arena in
            payloads.ends.withUnsafeBufferPointer { ends in
                ends.withMemoryRebound(to: Int64.self) { ends in
                    payloads.nulls.withUnsafeBufferPointer { nulls in
                        csj_decode(handle, arena.baseAddress, ends.baseAddress, nulls.isEmpty ? nil : nulls.baseAddress, count)
                    }
                }
            }
        }
        var isRejected = [UInt8](repeating: 0, count: count)
        var rejections: [Rejection] = []
        rejections.reserveCapacity(Int(rejectedCount))
        for found in UnsafeBufferPointer(start: csj_rejections(handle), count: Int(rejectedCount)) {
            rejections.append(describe(found, payload: payloads[Int(found.row)]))
            isRejected[Int(found.row)] = 1
        }
        if !payloads.nulls.isEmpty {
            for row in 0..<count where payloads.isNull(row) {
                rejections.append(Rejection(row: row, reason: .nullPayload, message: "the record has no payload"))
                isRejected[row] = 1
            }
            rejections.sort { $0.row < $1.row }
        }
        let columns = source.columns.indices.map { takeColumn($0, count: count) }
        return EventBatch(
            partition: records.partition, offsets: records.offsets, appendedAt: records.appendedAt, columns: columns,
            identities: eventIdentities(eventID: columns[source.eventIDColumn], eventTime: columns[source.eventTimeColumn]),
            isRejected: isRejected, rejections: rejections)
    }

    private func describe(_ found: csj_rejection, payload: ArraySlice<UInt8>) -> Rejection {
        let start = payload.startIndex + Int(found.value_start)
        let column = found.column < 0 ? nil : source.columns[Int(found.column)]
        let problem = DecodeProblem(
            code: found.problem, column: column, value: payload[start..<start + Int(found.value_length)],
            place: found.position >= 0 && found.position < payload.count ? payload[payload.startIndex + Int(found.position)] : nil)
        return Rejection(
            row: Int(found.row), reason: problem.reason, message: problem.message, column: column?.name,
            position: found.position < 0 ? nil : Int(found.position))
    }

    private func takeColumn(_ index: Int, count: Int) -> Column {
        let found = csj_column_at(handle, index)
        let nulls = found.nulls.map { Array(UnsafeBufferPointer(start: $0, count: count)) } ?? []
        func copy<T>(_ type: T.Type) -> [T] {
            guard let values = found.values, count > 0 else { return [] }
            return Array(UnsafeBufferPointer(start: values.assumingMemoryBound(to: type), count: count))
        }
        let type = source.columns[index].type
        let storage: Column.Storage =
            switch type {
            case .int4, .int8, .timestamptz, .timestamp, .date: .int64(copy(Int64.self))
            case .numeric(let precision, _): precision <= 18 ? .int64(copy(Int64.self)) : .int128(copy(Int128.self))
            case .float8: .float64(copy(Double.self))
            case .bool: .bool(copy(UInt8.self))
            case .uuid: .uuid(copy(UInt128.self))
            case .text: .text(takeText(found, count: count))
            case .interval: preconditionFailure("a column of type interval")
            }
        return Column(type: type, storage: storage, nulls: nulls)
    }

    private func takeText(_ found: csj_column, count: Int) -> ByteColumn {
        guard count > 0, let arena = found.values, let ends = found.ends else { return ByteColumn() }
        let used = Int(ends[count - 1])
        let bytes = [UInt8](unsafeUninitializedCapacity: used + ByteColumn.padding) { target, initialized in
            let raw = UnsafeMutableRawBufferPointer(target)
            raw.copyMemory(from: UnsafeRawBufferPointer(start: arena, count: used))
            UnsafeMutableRawBufferPointer(rebasing: raw[used...]).initializeMemory(as: UInt8.self, repeating: 0)
            initialized = used + ByteColumn.padding
        }
        let exclusiveEnds = ends.withMemoryRebound(to: Int.self, capacity: count) { Array(UnsafeBufferPointer(start: $0, count: count)) }
        return ByteColumn(bytes: bytes, ends: exclusiveEnds)
    }
}

extension ScalarType {
    var decoderType: csj_type {
        switch self {
        case .int4: CSJ_INT4
        case .int8: CSJ_INT8
        case .numeric(let precision, _): precision <= 18 ? CSJ_NUMERIC64 : CSJ_NUMERIC128
        case .float8: CSJ_FLOAT8
        case .bool: CSJ_BOOL
        case .text: CSJ_TEXT
        case .timestamptz: CSJ_TIMESTAMPTZ
        case .timestamp: CSJ_TIMESTAMP
        case .date: CSJ_DATE
        case .uuid: CSJ_UUID
        case .interval: preconditionFailure("intervals are not read from text")
        }
    }
}
