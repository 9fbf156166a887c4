import Checksums
import ParallaxCore

/// One batch of records as it lies in a segment, little-endian, without padding:
///
///     bytes 0..<4     magic "PLX1", or "PLX2" where a record has headers
///           4..<8     CRC-32C of everything after it, to the end of the frame
///           8..<12    length of the whole frame
///          12..<16    number of records, at least 1
///          16..<24    offset of the first record; the others follow without holes
///          24..<32    append time: microseconds since 1970
///          32..<40    the partition's durable end when the frame was written
///          40..<44    bytes of the lengths
///          44..<48    bytes of the keys
///          48...      a record's lengths: two LEB128 numbers, key and payload, 0 for null, else the length + 1
///                     ("PLX2": three, the third for its headers as `RecordHeaders` encodes them)
///                     all keys, one after another
///                     all payloads, one after another
///                     all headers, one after another ("PLX2" only)
///
/// Columns instead of records, so that a reader copies a frame's keys and payloads in one piece each.
///
/// The durable end lets recovery prove that a damaged frame in front of this one was durable, and hence may not be cut,
/// even when the file that says so is lost (see `PartitionWriter+Recovery.swift`).
struct Frame {
    static let magic: UInt32 = 0x3158_4C50
    static let magicWithHeaders: UInt32 = 0x3258_4C50
    static let headerBytes = 48
    /// Offsets stay below it, so that sums of what files say cannot overflow.
    static let largestOffset: Int64 = 1 << 60

    var length: Int
    var count: Int
    var base: Int64
    var appendedAt: Int64
    var durableEnd: Int64
    var lengthsBytes: Int
    var keysBytes: Int
    var hasHeaders: Bool

    var end: Int64 { base + Int64(count) }
    /// With the headers.
    var payloadsBytes: Int { length - Self.headerBytes - lengthsBytes - keysBytes }

    /// What keeps a frame from being read.
    enum Flaw: Error, CustomStringConvertible {
        /// The bytes end before the frame does: what a crash in the middle of a write leaves.
        case incomplete
        case header
        case offset(found: Int64)
        case checksum(expected: UInt32, found: UInt32)
        case lengths

        var description: String {
            switch self {
            case .incomplete: "the frame is incomplete"
            case .header: "the frame's header makes no sense"
            case .offset(let found): "the frame begins at offset \(found)"
            case .checksum(let expected, let found):
                "the frame's checksum should be \(String(expected, radix: 16)) and is \(String(found, radix: 16))"
            case .lengths: "the frame's record lengths make no sense"
            }
        }
    }

    /// Reads the header; nothing behind it is looked at. `available`: how many bytes there are in the file from here on.
    init(header: UnsafeRawBufferPointer, expectedBase: Int64?, available: Int) throws(Flaw) {
        guard header.count >= Self.headerBytes, available >= Self.headerBytes else { throw .incomplete }
        func word(_ offset: Int) -> Int { Int(UInt32(littleEndian: header.loadUnaligned(fromByteOffset: offset, as: UInt32.self))) }
        func long(_ offset: Int) -> Int64 { Int64(littleEndian: header.loadUnaligned(fromByteOffset: offset, as: Int64.self)) }
        hasHeaders = word(0) == Int(Self.magicWithHeaders)
        guard hasHeaders || word(0) == Int(Self.magic) else { throw .header }
        length = word(8)
        count = word(12)
        base = long(16)
        appendedAt = long(24)
        durableEnd = long(32)
        lengthsBytes = word(40)
        keysBytes = word(44)
        guard count > 0, lengthsBytes >= 2 * count, Self.headerBytes + lengthsBytes + keysBytes <= length,
            base >= 0, base <= Self.largestOffset, durableEnd >= 0, durableEnd <= base
        else { throw .header }
        if let expectedBase, base != expectedBase { throw .offset(found: base) }
        guard length <= available else { throw .incomplete }
    }

    /// Compares the checksum of a whole frame with the one in it.
    func verify(_ frame: UnsafeRawBufferPointer) throws(Flaw) {
        guard frame.count == length else { throw .incomplete }
        let expected = UInt32(littleEndian: frame.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let found = crc32c(UnsafeRawBufferPointer(rebasing: frame[8...]))
        guard found == expected else { throw .checksum(expected: expected, found: found) }
    }

    /// The lengths of a verified frame, -1 for null, into arrays that are emptied first; that of the headers stays empty where no record has any.
    func readLengths(
        of frame: UnsafeRawBufferPointer, keys: inout [Int32], payloads: inout [Int32], headers: inout [Int32]
    ) throws(Flaw) {
        keys.removeAll(keepingCapacity: true)
        payloads.removeAll(keepingCapacity: true)
        headers.removeAll(keepingCapacity: true)
        keys.reserveCapacity(count)
        payloads.reserveCapacity(count)
        var position = Self.headerBytes
        let end = position + lengthsBytes
        var keysLeft = keysBytes
        var payloadsLeft = payloadsBytes
        /// The number at `position`, less one; -2 where there is none.
        func next() -> Int {
            var value = 0
            var shift = 0
            while position < end, shift < 35 {
                let byte = frame[position]
                position += 1
                value |= Int(byte & 0x7F) << shift
                if byte < 0x80 { return value - 1 }
                shift += 7
            }
            return -2
        }
        for _ in 0..<count {
            let key = next()
            let payload = next()
            let header = hasHeaders ? next() : -1
            keysLeft -= max(key, 0)
            payloadsLeft -= max(payload, 0) + max(header, 0)
            guard key >= -1, payload >= -1, header >= -1, keysLeft >= 0, payloadsLeft >= 0 else { throw .lengths }
            keys.append(Int32(truncatingIfNeeded: key))
            payloads.append(Int32(truncatingIfNeeded: payload))
            if hasHeaders { headers.append(Int32(truncatingIfNeeded: header)) }
        }
        guard position == end, keysLeft == 0, payloadsLeft == 0 else { throw .lengths }
    }
}
