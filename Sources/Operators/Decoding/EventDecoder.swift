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
        // Paths and texts lie in one arena while the decoder copies them; the last byte is there for its address.
        var arena: [UInt8] = []
        var places: [(path: Range<Int>, text: Range<Int>)] = []
        for column in source.columns {
            let start = arena.count
            arena += column.fieldPath.joined(separator: "\0").utf8
            let middle = arena.count
            if case .text(let text)? = column.missingValue { arena += text.utf8 }
            places.append((start..<middle, middle..<arena.count))
        }
        arena.append(0)
        let created = arena.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let base = bytes.baseAddress else { return nil }
            let fields = source.columns.indices.map { index in
                var field = csj_field(source.columns[index])
                field.path = (base + places[index].path.lowerBound).assumingMemoryBound(to: CChar.self)
                field.path_length = places[index].path.count
                field.default_text = (base + places[index].text.lowerBound).assumingMemoryBound(to: CChar.self)
                field.default_length = places[index].text.count
                if index == source.eventIDColumn || index == source.eventTimeColumn { field.is_required = 1 }
                return field
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
            switch type.layout {
            case .int64: .int64(copy(Int64.self))
            case .int128: .int128(copy(Int128.self))
            case .float64: .float64(copy(Double.self))
            case .bool: .bool(copy(UInt8.self))
            case .bits128: .bits128(copy(UInt128.self))
            case .text: .text(takeText(found, count: count))
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

extension csj_field {
    /// Without its path and the text of its default, which live elsewhere.
    fileprivate init(_ column: SourceDefinition.Column) {
        self.init()
        type = column.type.decoderType
        element = CSJ_TEXT
        if case .array(let itsElement) = column.type { element = itsElement.decoderType }
        (precision, scale) = column.type.decoderModifiers
        if column.type == .interval { reader = csj_readInterval }
        if let format = column.format {
            type = CSJ_EPOCH
            scale = Int32(format.digits)
        }
        is_required = column.isNotNull ? 1 : 0
        guard let value = column.missingValue else { return }
        has_default = 1
        withUnsafeMutableBytes(of: &default_value) { target in
            switch value {
            case .int(let value): target.storeBytes(of: value, as: Int64.self)
            case .float(let value): target.storeBytes(of: value, as: Double.self)
            case .bool(let value): target.storeBytes(of: value ? 1 : 0, as: UInt8.self)
            case .decimal(let digits):
                guard let unscaled = Int128(digits) else { preconditionFailure("a decimal default of \(digits)") }
                target.storeBytes(of: unscaled, as: Int128.self)
            case .uuid(let text):
                guard case .success(let bits) = Array(text.utf8).withUnsafeBytes({ TextInput.read($0, as: .uuid) }) else {
                    preconditionFailure("a uuid default of \(text)")
                }
                target.storeBytes(of: bits, as: UInt128.self)
            case .text: break
            case .interval(let interval): target.storeBytes(of: interval.bits, as: UInt128.self)
            case .null: preconditionFailure("a default of \(value)")
            }
        }
    }
}

/// PostgreSQL's input of intervals is the compiler's own, which reads constants with it.
private func csj_readInterval(_ text: UnsafePointer<UInt8>?, _ length: Int, _ value: UnsafeMutableRawPointer?) -> csj_problem {
    switch TextInput.readInterval(UnsafeRawBufferPointer(start: text, count: length)) {
    case .success(let interval):
        value?.storeBytes(of: interval.bits, as: UInt128.self)
        return CSJ_OK
    case .failure(let problem): return problem.decoderProblem
    }
}

extension IntervalText.Problem {
    var decoderProblem: csj_problem {
        switch self {
        case .syntax: CSJ_SYNTAX
        case .fieldRange: CSJ_INTERVAL_FIELD
        case .range: CSJ_INTERVAL_RANGE
        }
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
        case .int2: CSJ_INT2
        case .float4: CSJ_FLOAT4
        case .varchar: CSJ_VARCHAR
        case .char: CSJ_CHAR
        case .time: CSJ_TIME
        case .decimal: CSJ_DECIMAL
        case .jsonb: CSJ_JSONB
        case .array: CSJ_ARRAY
        case .interval: CSJ_READ
        }
    }

    /// Precision and scale of a numeric, the length of a varchar or a char (0: any), those of an array's element.
    fileprivate var decoderModifiers: (Int32, Int32) {
        switch self {
        case .numeric(let precision, let scale): (Int32(precision), Int32(scale))
        case .varchar(let length), .char(let length): (Int32(length ?? 0), 0)
        case .array(let element): element.decoderModifiers
        default: (0, 0)
        }
    }
}
