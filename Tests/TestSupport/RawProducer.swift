import Glibc
import ParallaxCore

/// Writes record batches that no client library would write, in Kafka's own protocol (Produce version 3, record batch version 2:
/// https://kafka.apache.org/documentation/#messageformat): control records and batches that compaction has thinned out, which leave holes in the
/// offsets. For the first of a cluster's nodes, which leads the partitions that are written to.
public struct RawProducer {
    public enum Batch {
        /// One record, at a distance from the batch's first offset each; `size` offsets are taken in all, whatever is left of them.
        case records([(distance: Int, value: String)], size: Int, isTransactional: Bool)
        /// The end of a transaction: an offset that no reader is given.
        case commit
        /// As another broker held them: with the times that they had there.
        case copies([(key: [UInt8]?, value: [UInt8], appendedAt: Instant)])
    }

    private let host: String
    private let port: UInt16

    public init(_ broker: TestBroker) {
        let parts = broker.bootstrapServers.prefix { $0 != "," }.split(separator: ":")
        host = String(parts.first ?? "")
        port = parts.last.flatMap { UInt16($0) } ?? 0
    }

    /// Throws `.unavailable` where the broker does not take it.
    public func write(_ batch: Batch, topic: String, partition: Int = 0) throws(ParallaxError) {
        let records = Self.encode(batch)
        var body: [UInt8] = []
        body += Self.bytes(Int16(0)) + Self.bytes(Int16(3)) + Self.bytes(Int32(1)) + Self.text("raw")
        body += Self.bytes(Int16(-1)) + Self.bytes(Int16(-1)) + Self.bytes(Int32(10_000))
        body += Self.bytes(Int32(1)) + Self.text(topic) + Self.bytes(Int32(1)) + Self.bytes(Int32(partition))
        body += Self.bytes(Int32(records.count)) + records
        let answer = try exchange(Self.bytes(Int32(body.count)) + body)
        // Correlation id, one topic with its name, one partition with its number, then the error.
        let place = 4 + 4 + 2 + topic.utf8.count + 4 + 4
        guard answer.count >= place + 2, answer[place] == 0, answer[place + 1] == 0 else {
            throw ParallaxError(.unavailable, "the broker did not take a raw batch", detail: "\(answer)")
        }
    }

    private func exchange(_ request: [UInt8]) throws(ParallaxError) -> [UInt8] {
        let trouble = ParallaxError(.unavailable, "cannot talk to the test broker at \(host):\(port)")
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard connection >= 0 else { throw trouble }
        defer { close(connection) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw trouble }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0, send(connection, request, request.count, 0) == request.count else { throw trouble }
        func take(_ count: Int) -> [UInt8]? {
            var bytes = [UInt8](repeating: 0, count: count)
            var filled = 0
            while filled < count {
                let found = bytes.withUnsafeMutableBytes { recv(connection, $0.baseAddress.map { $0 + filled }, count - filled, 0) }
                if found <= 0 { return nil }
                filled += found
            }
            return bytes
        }
        guard let size = take(4), let answer = take(size.reduce(0) { $0 << 8 | Int($1) }) else { throw trouble }
        return answer
    }

    private static func encode(_ batch: Batch) -> [UInt8] {
        var records: [UInt8] = []
        let attributes: Int16
        let size: Int
        var times = (first: Int64(1_767_225_600_000), last: Int64(1_767_225_600_000))
        switch batch {
        case .copies(let list):
            let all = list.map { $0.appendedAt.rawValue / 1_000 }
            times = (all.first ?? 0, all.max() ?? 0)
            for (number, record) in list.enumerated() {
                records += Self.record(number, key: record.key, value: record.value, later: Int(all[number] - times.first))
            }
            attributes = 0
            size = list.count
        case .records(let list, let total, let isTransactional):
            for record in list { records += Self.record(record.distance, key: nil, value: Array(record.value.utf8)) }
            attributes = isTransactional ? 0x10 : 0
            size = total
        case .commit:
            // Version 0, type 1 (commit); the value: version 0, coordinator epoch 0.
            records = record(0, key: [0, 0, 0, 1], value: [0, 0, 0, 0, 0, 0])
            attributes = 0x30
            size = 1
        }
        let isPlain = attributes == 0
        var checked = bytes(attributes) + bytes(Int32(size - 1)) + bytes(times.first) + bytes(times.last)
        checked += bytes(isPlain ? Int64(-1) : Int64(7)) + bytes(isPlain ? Int16(-1) : Int16(0)) + bytes(Int32(-1))
        // A thinned batch says how many records are left; the mock takes this number for the offsets that the batch takes.
        checked += bytes(Int32(size)) + records
        // Leader epoch, magic, checksum.
        let rest = bytes(Int32(0)) + [2] + bytes(Int32(bitPattern: crc32c(checked))) + checked
        return bytes(Int64(0)) + bytes(Int32(rest.count)) + rest
    }

    private static func record(_ distance: Int, key: [UInt8]?, value: [UInt8], later milliseconds: Int = 0) -> [UInt8] {
        var body: [UInt8] = [0]
        body += varint(milliseconds) + varint(distance)
        body += varint(key?.count ?? -1) + (key ?? [])
        body += varint(value.count) + value + varint(0)
        return varint(body.count) + body
    }

    private static func bytes<T: FixedWidthInteger>(_ number: T) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
    private static func text(_ text: String) -> [UInt8] { bytes(Int16(text.utf8.count)) + Array(text.utf8) }

    private static func varint(_ number: Int) -> [UInt8] {
        var left = UInt64(bitPattern: Int64(number << 1) ^ Int64(number >> 63))
        var bytes: [UInt8] = []
        while left >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        return bytes + [UInt8(left)]
    }

    /// CRC-32C, bit by bit.
    private static func crc32c(_ bytes: [UInt8]) -> UInt32 {
        var value = UInt32.max
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
        return ~value
    }
}
