import Columns
import ParallaxCore

/// The identity of an event from its two columns; the same as the decoder computes. `eventID` is text, uuid, int4 or int8.
/// Rows with a null in either column get 0.
///
/// identity = Murmur3_x64_128(canonical bytes of the id ++ event time as 8 little-endian bytes), never 0 for an event.
/// Canonical bytes: UTF-8 of text, the sixteen bytes of a uuid, 8 little-endian bytes of an integer.
/// Not promised: that ids of different types never meet. A source has one.
public func eventIdentities(eventID: Column, eventTime: Column) -> [UInt128] {
    guard case .int64(let times) = eventTime.storage else { preconditionFailure("the event time has type \(eventTime.type)") }
    precondition(eventID.count == times.count, "\(eventID.count) ids for \(times.count) event times")
    var identities: [UInt128]
    switch eventID.storage {
    case .bits128(let ids):
        identities = hashRows(times) { row, time in
            // The low half holds the last eight bytes; both in big-endian order.
            let high = UInt64(truncatingIfNeeded: ids[row] >> 64).byteSwapped
            let low = UInt64(truncatingIfNeeded: ids[row]).byteSwapped
            return Murmur3.hash(high, low, time)
        }
    case .int64(let ids):
        identities = hashRows(times) { row, time in Murmur3.hash(UInt64(bitPattern: ids[row]), time) }
    case .text(let ids): identities = textIdentities(ids, times)
    default: preconditionFailure("an event id cannot have type \(eventID.type)")
    }
    for nulls in [eventID.nulls, eventTime.nulls] where !nulls.isEmpty {
        for row in identities.indices where nulls[row] != 0 { identities[row] = 0 }
    }
    return identities
}

@inline(__always)
private func hashRows(_ times: [Int64], _ hash: (Int, UInt64) -> (UInt64, UInt64)) -> [UInt128] {
    [UInt128](unsafeUninitializedCapacity: times.count) { target, count in
        for row in 0..<times.count { target.initializeElement(at: row, to: combined(hash(row, UInt64(bitPattern: times[row])))) }
        count = times.count
    }
}

@inline(__always)
private func combined(_ hash: (UInt64, UInt64)) -> UInt128 {
    let value = UInt128(hash.0) << 64 | UInt128(hash.1)
    return value == 0 ? 1 : value
}

private func textIdentities(_ ids: ByteColumn, _ times: [Int64]) -> [UInt128] {
    var scratch: [UInt8] = []
    return ids.bytes.withUnsafeBytes { arena in
        hashRows(times) { row, time in
            let start = ids.start(row)
            let length = ids.ends[row] - start
            if scratch.count < length + 8 { scratch = [UInt8](repeating: 0, count: (length + 8) * 2) }
            return scratch.withUnsafeMutableBytes { bytes in
                if length > 0 { bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: arena[start..<start + length])) }
                bytes.storeBytes(of: time.littleEndian, toByteOffset: length, as: UInt64.self)
                return Murmur3.hash(UnsafeRawBufferPointer(rebasing: bytes[..<(length + 8)]))
            }
        }
    }
}
