import CKafka
import ParallaxCore

/// One partition's records between the client's queue and a reader: copied once out of librdkafka's messages, so that these are free at once.
struct RecordStash: ~Copyable {
    private var places: UnsafeMutablePointer<Place>
    private var room = 64
    private var rows = 0..<0
    private var keys = ByteStash()
    private var payloads = ByteStash()
    /// As far as the last record that has some; nil where none was ever seen.
    private var headers: ByteStash?
    /// The first offset that was not looked at.
    private(set) var next: Int64

    private struct Place {
        var offset: Int64
        /// Microseconds since 1970.
        var appendedAt: Int64
    }

    /// Nothing yet, from `next` on.
    init(from next: Offset) {
        self.next = next.rawValue
        places = .allocate(capacity: room)
    }

    var count: Int { rows.count }
    var payloadBytes: Int { payloads.byteCount }
    /// Room that everything takes that waits; records without key and payload take some, too.
    var bytes: Int { keys.byteCount + payloads.byteCount + headerBytes + count * bytesOfAPlace }
    private var bytesOfAPlace: Int { MemoryLayout<Place>.stride + 2 * MemoryLayout<Int32>.stride }
    private var headerBytes = 0

    /// Everything below it was looked at.
    mutating func pass(_ offset: Int64) { next = max(next, offset) }

    /// Takes records up to the first message that is none; returns how many there were. One below `next` is dropped: faults of older versions of the
    /// library bring some twice.
    mutating func append(_ messages: Slice<UnsafeMutableBufferPointer<MessageArray.Message>>, withHeaders: Bool) -> Int {
        for index in messages.indices {
            let message = messages[index]
            guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else { return index - messages.startIndex }
            if message.pointee.offset >= next { append(message, withHeaders: withHeaders) }
        }
        return messages.count
    }

    @inline(__always)
    private mutating func append(_ message: MessageArray.Message, withHeaders: Bool) {
        let record = message.pointee
        if rows.upperBound == room { makeRoom() }
        (places + rows.upperBound).initialize(to: Place(offset: record.offset, appendedAt: Self.appendedAt(message)))
        rows = rows.lowerBound..<rows.upperBound + 1
        keys.append(record.key, record.key_len)
        payloads.append(record.payload, record.len)
        var list: OpaquePointer?
        // Even of a record without headers, librdkafka makes a reader on the heap to find that out.
        if withHeaders, rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list { appendHeaders(list) }
        next = record.offset + 1
    }

    @inline(never)
    private mutating func makeRoom() {
        if rows.count * 2 > room { room *= 2 }
        let larger = UnsafeMutablePointer<Place>.allocate(capacity: room)
        larger.initialize(from: places + rows.lowerBound, count: rows.count)
        places.deallocate()
        (places, rows) = (larger, 0..<rows.count)
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

    /// Adds the headers of the last record.
    @inline(never)
    private mutating func appendHeaders(_ list: OpaquePointer) {
        var stash = headers.take() ?? ByteStash()
        stash.appendNulls(upTo: count - 1)
        RecordHeaders.encode(Self.decoded(list)).withUnsafeBytes { stash.append($0.baseAddress, $0.count) }
        headerBytes = stash.byteCount
        headers = consume stash
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

    /// Takes the first records out: at most `maxRecords`, with at most `maxBytes` of payload, but one where there is one. What was passed without a
    /// record counts as looked at when the last one goes.
    mutating func take(_ partition: Partition, maxRecords: Int, maxBytes: Int) -> RecordBatch {
        let wanted = payloads.rows(min(maxRecords, count), within: maxBytes)
        let first = places + rows.lowerBound
        let isEmptied = wanted == count
        var batch = RecordBatch(partition: partition, nextOffset: Offset(isEmptied ? next : first[wanted - 1].offset + 1))
        batch.offsets = [Int64](unsafeUninitializedCapacity: wanted) { offsets, filled in
            for row in 0..<wanted { offsets[row] = first[row].offset }
            filled = wanted
        }
        batch.appendedAt = [Int64](unsafeUninitializedCapacity: wanted) { times, filled in
            for row in 0..<wanted { times[row] = first[row].appendedAt }
            filled = wanted
        }
        batch.headers = takeHeaders(wanted)
        batch.keys = keys.take(wanted)
        batch.payloads = payloads.take(wanted)
        rows = isEmptied ? 0..<0 : rows.lowerBound + wanted..<rows.upperBound
        return batch
    }

    private mutating func takeHeaders(_ wanted: Int) -> ByteColumn? {
        guard var stash = headers.take(), stash.count > 0 else { return nil }
        stash.appendNulls(upTo: wanted)
        let column = stash.take(wanted)
        headerBytes = stash.byteCount
        headers = stash.count > 0 ? consume stash : nil
        return column.nulls.contains(0) || column.nulls.isEmpty ? column : nil
    }

    deinit { places.deallocate() }
}
