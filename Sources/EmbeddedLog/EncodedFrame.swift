import Checksums
import ParallaxCore

/// A frame on its way to the disk: its records are in place, its offset, time and checksum come when its turn comes.
/// So callers encode in parallel, and only the cheap rest happens under the lock.
struct EncodedFrame: Sendable {
    private(set) var bytes: [UInt8]
    let count: Int

    /// `rows` of `records`, in this order.
    init(_ records: [NewRecord], rows: ArraySlice<Int32>) {
        precondition(!rows.isEmpty, "a frame without records")
        var lengthsBytes = 0
        var keysBytes = 0
        var payloadsBytes = 0
        var headersBytes = 0
        // A frame without headers is one that older versions read too.
        let hasHeaders = rows.contains { !records[Int($0)].headers.isEmpty }
        let encodedHeaders = hasHeaders ? rows.map { Self.encoded(records[Int($0)].headers) } : []
        for row in rows {
            let key = records[Int(row)].key?.count ?? -1
            let payload = records[Int(row)].payload?.count ?? -1
            lengthsBytes += Self.numberBytes(key + 1) + Self.numberBytes(payload + 1)
            keysBytes += max(key, 0)
            payloadsBytes += max(payload, 0)
        }
        for headers in encodedHeaders {
            lengthsBytes += Self.numberBytes((headers?.count ?? -1) + 1)
            headersBytes += headers?.count ?? 0
        }
        count = rows.count
        let length = Frame.headerBytes + lengthsBytes + keysBytes + payloadsBytes + headersBytes
        precondition(length <= Int(Int32.max), "a frame of \(length) bytes")
        let columns = (lengthsBytes, keysBytes, payloadsBytes)
        bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, initialized in
            var lengths = Frame.headerBytes
            var keys = lengths + columns.0
            var payloads = keys + columns.1
            var headers = payloads + columns.2
            func put(_ number: Int) {
                var rest = number
                while rest >= 0x80 {
                    buffer[lengths] = UInt8(truncatingIfNeeded: rest) | 0x80
                    rest >>= 7
                    lengths += 1
                }
                buffer[lengths] = UInt8(rest)
                lengths += 1
            }
            func copy(_ value: [UInt8], to position: inout Int) {
                value.withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[position...]).copyMemory(from: $0)
                }
                position += value.count
            }
            for (place, row) in rows.enumerated() {
                if let key = records[Int(row)].key {
                    put(key.count + 1)
                    copy(key, to: &keys)
                } else {
                    put(0)
                }
                if let payload = records[Int(row)].payload {
                    put(payload.count + 1)
                    copy(payload, to: &payloads)
                } else {
                    put(0)
                }
                guard hasHeaders else { continue }
                if let encoded = encodedHeaders[place] {
                    put(encoded.count + 1)
                    copy(encoded, to: &headers)
                } else {
                    put(0)
                }
            }
            let raw = UnsafeMutableRawBufferPointer(buffer)
            let magic = hasHeaders ? Frame.magicWithHeaders : Frame.magic
            raw.storeBytes(of: magic.littleEndian, toByteOffset: 0, as: UInt32.self)
            raw.storeBytes(of: UInt32(length).littleEndian, toByteOffset: 8, as: UInt32.self)
            raw.storeBytes(of: UInt32(rows.count).littleEndian, toByteOffset: 12, as: UInt32.self)
            raw.storeBytes(of: UInt32(columns.0).littleEndian, toByteOffset: 40, as: UInt32.self)
            raw.storeBytes(of: UInt32(columns.1).littleEndian, toByteOffset: 44, as: UInt32.self)
            initialized = length
        }
    }

    mutating func seal(base: Int64, appendedAt: Instant, durableEnd: Int64) {
        bytes.withUnsafeMutableBytes { raw in
            raw.storeBytes(of: base.littleEndian, toByteOffset: 16, as: Int64.self)
            raw.storeBytes(of: appendedAt.rawValue.littleEndian, toByteOffset: 24, as: Int64.self)
            raw.storeBytes(of: durableEnd.littleEndian, toByteOffset: 32, as: Int64.self)
            let checksum = crc32c(UnsafeRawBufferPointer(rebasing: raw[8...]))
            raw.storeBytes(of: checksum.littleEndian, toByteOffset: 4, as: UInt32.self)
        }
    }

    private static func encoded(_ headers: [RecordHeader]) -> [UInt8]? { headers.isEmpty ? nil : RecordHeaders.encode(headers) }

    static func numberBytes(_ number: Int) -> Int { max(1, (Int.bitWidth - number.leadingZeroBitCount + 6) / 7) }
}
