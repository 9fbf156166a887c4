import CKafka
import ParallaxCore

/// What a walk over fetched messages found.
struct FetchedRecords {
    var batch: RecordBatch
    /// Where the partition ends, if its end was met.
    var end: Offset?
    /// The error that stands where the walk stopped; nothing before it is lost.
    var error: KafkaError?
}

extension MessageArray {
    /// Takes records from the messages that are left, up to the limits; always one where there is one. Records below `position` (a fault of
    /// older versions of the library may bring them again) are dropped. Bytes count payloads.
    mutating func takeRecords(_ partition: Partition, from position: Offset, maxRecords: Int, maxBytes: Int) -> FetchedRecords {
        var found = FetchedRecords(batch: RecordBatch(partition: partition, nextOffset: position))
        // First the extent, so that each column is allocated once.
        let start = next
        var records: [Message] = []
        records.reserveCapacity(min(count - start, maxRecords))
        var (keyBytes, payloadBytes) = (0, 0)
        var end = position.rawValue
        walk: while next < count {
            let message = self[next]
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                if message.pointee.offset < end { break }
                if records.count == maxRecords || (!records.isEmpty && payloadBytes + message.pointee.len > maxBytes) { break walk }
                records.append(message)
                keyBytes += message.pointee.key_len
                payloadBytes += message.pointee.len
                end = message.pointee.offset + 1
            case RD_KAFKA_RESP_ERR__PARTITION_EOF:
                // Beyond the last record where control records or aborted ones stand at the end.
                end = max(end, message.pointee.offset)
                found.end = Offset(message.pointee.offset)
            default:
                if records.isEmpty {
                    found.error = KafkaError(message.pointee.err)
                    next += 1
                }
                break walk
            }
            next += 1
        }
        found.batch.nextOffset = Offset(end)
        guard !records.isEmpty else { return found }
        found.batch.offsets = records.map { $0.pointee.offset }
        found.batch.appendedAt = records.map(Self.appendedAt)
        found.batch.keys = Self.column(records, bytes: keyBytes) { ($0.pointee.key, $0.pointee.key_len) }
        found.batch.payloads = Self.column(records, bytes: payloadBytes) { ($0.pointee.payload, $0.pointee.len) }
        found.batch.headers = Self.headers(records)
        return found
    }

    /// Broker's or producer's time, whichever the topic keeps. Topics from before Kafka 0.10 have none: 1970.
    private static func appendedAt(_ message: Message) -> Int64 {
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let milliseconds = rd_kafka_message_timestamp(message, &type)
        guard type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE else { return 0 }
        // A producer may write any time that it likes.
        let limit = Int64.max / 1_000
        return min(max(milliseconds, -limit), limit) * 1_000
    }

    /// One arena for all values.
    @inline(__always)
    private static func column(
        _ records: [Message], bytes total: Int, _ value: (Message) -> (UnsafeMutableRawPointer?, Int)
    ) -> ByteColumn {
        var ends: [Int] = []
        ends.reserveCapacity(records.count)
        var nulls: [UInt8] = []
        let bytes = [UInt8](unsafeUninitializedCapacity: total + ByteColumn.padding) { target, initialized in
            let arena = UnsafeMutableRawBufferPointer(target)
            var end = 0
            for (row, record) in records.enumerated() {
                let (start, length) = value(record)
                if let start {
                    if length > 0 {
                        UnsafeMutableRawBufferPointer(rebasing: arena[end...]).copyMemory(from: .init(start: start, count: length))
                    }
                    end += length
                } else {
                    if nulls.isEmpty { nulls = [UInt8](repeating: 0, count: records.count) }
                    nulls[row] = 1
                }
                ends.append(end)
            }
            UnsafeMutableRawBufferPointer(rebasing: arena[end...]).initializeMemory(as: UInt8.self, repeating: 0)
            initialized = total + ByteColumn.padding
        }
        return ByteColumn(bytes: bytes, ends: ends, nulls: nulls)
    }

    private static func headers(_ records: [Message]) -> ByteColumn? {
        var column: ByteColumn?
        for (row, record) in records.enumerated() {
            var list: OpaquePointer?
            guard rd_kafka_message_headers(record, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else {
                column?.appendNull()
                continue
            }
            if column == nil {
                column = ByteColumn(bytes: [], ends: [Int](repeating: 0, count: row), nulls: [UInt8](repeating: 1, count: row))
            }
            column?.append(RecordHeaders.encode(headers(list)))
        }
        return column
    }

    private static func headers(_ list: OpaquePointer) -> [RecordHeader] {
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
}
