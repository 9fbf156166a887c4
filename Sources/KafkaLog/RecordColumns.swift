import CKafka
import ParallaxCore

/// What a read gathers: fetched messages, copied once into the columns of a batch.
struct RecordColumns: ~Copyable {
    private let partition: Partition
    private var offsets: [Int64] = []
    private var appendedAt: [Int64] = []
    private var keys = Values()
    private var payloads = Values()
    private var headers: ByteColumn?
    /// The first offset that was not looked at.
    private(set) var next: Int64

    /// Bytes and ends of one column. Null marks come with the first null, as `ByteColumn` has them.
    private struct Values {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        var nulls: [UInt8] = []

        mutating func reserve(values: Int, bytes count: Int) {
            ends.reserveCapacity(values)
            bytes.reserveCapacity(count + ByteColumn.padding)
        }

        @inline(__always)
        mutating func append(_ start: UnsafeMutableRawPointer?, _ length: Int) {
            if let start {
                bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: length))
                if !nulls.isEmpty { nulls.append(0) }
            } else {
                if nulls.isEmpty { nulls = [UInt8](repeating: 0, count: ends.count) }
                nulls.append(1)
            }
            ends.append(bytes.count)
        }

        consuming func column() -> ByteColumn {
            bytes.append(contentsOf: repeatElement(0, count: ByteColumn.padding))
            return ByteColumn(bytes: bytes, ends: ends, nulls: nulls)
        }
    }

    /// The size of a batch, as a guess at the next one's: so that columns grow in one step.
    struct Size {
        var records = 0
        var keyBytes = 0
        var payloadBytes = 0
    }

    init(_ partition: Partition, from position: Offset, expecting size: Size, maxRecords: Int) {
        self.partition = partition
        next = position.rawValue
        let records = min(size.records, maxRecords)
        guard records > 0 else { return }
        offsets.reserveCapacity(records)
        appendedAt.reserveCapacity(records)
        keys.reserve(values: records, bytes: size.keyBytes)
        payloads.reserve(values: records, bytes: size.payloadBytes)
    }

    var count: Int { offsets.count }
    var payloadBytes: Int { payloads.bytes.count }
    var size: Size { Size(records: count, keyBytes: keys.bytes.count, payloadBytes: payloadBytes) }

    /// Everything below it was looked at.
    mutating func pass(_ offset: Int64) { next = max(next, offset) }

    @inline(__always)
    mutating func append(_ message: MessageArray.Message) {
        let record = message.pointee
        offsets.append(record.offset)
        appendedAt.append(Self.appendedAt(message))
        keys.append(record.key, record.key_len)
        payloads.append(record.payload, record.len)
        appendHeaders(of: message)
        next = record.offset + 1
    }

    /// Broker's or producer's time, whichever the topic keeps. Topics from before Kafka 0.10 have none: 1970.
    @inline(__always)
    private static func appendedAt(_ message: MessageArray.Message) -> Int64 {
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let milliseconds = rd_kafka_message_timestamp(message, &type)
        guard type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE else { return 0 }
        // A producer may write any time that it likes.
        let limit = Int64.max / 1_000
        return min(max(milliseconds, -limit), limit) * 1_000
    }

    @inline(__always)
    private mutating func appendHeaders(of message: MessageArray.Message) {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else {
            headers?.appendNull()
            return
        }
        appendHeaders(list)
    }

    /// The record's other columns have its row already.
    @inline(never)
    private mutating func appendHeaders(_ list: OpaquePointer) {
        if headers == nil {
            let before = count - 1
            headers = ByteColumn(
                bytes: [], ends: [Int](repeating: 0, count: before), nulls: [UInt8](repeating: 1, count: before))
        }
        headers?.append(RecordHeaders.encode(Self.decoded(list)))
    }

    private static func decoded(_ list: OpaquePointer) -> [RecordHeader] {
        (0..<rd_kafka_header_cnt(list)).map { index in
            var name: UnsafePointer<CChar>?
            var value: UnsafeRawPointer?
            var length = 0
            let code = rd_kafka_header_get_all(list, index, &name, &value, &length)
            precondition(code == RD_KAFKA_RESP_ERR_NO_ERROR, "header \(index): \(code)")
            return RecordHeader(
                name: name.map { Array(String(cString: $0).utf8) } ?? [],
                value: value.map { Array(UnsafeRawBufferPointer(start: $0, count: length)) })
        }
    }

    consuming func batch() -> RecordBatch {
        var batch = RecordBatch(partition: partition, nextOffset: Offset(next))
        batch.offsets = offsets
        batch.appendedAt = appendedAt
        batch.keys = keys.column()
        batch.payloads = payloads.column()
        batch.headers = headers
        return batch
    }
}
