import Glibc
import ParallaxCore

/// Byte strings one after another, in memory that is used again and again: appended at the end, taken from the front.
///
/// Not an array: an array checks for other owners and for room at each of five appends a record, which together cost as much as the copy.
struct ByteStash: ~Copyable {
    private var bytes: UnsafeMutableRawPointer
    private var byteRoom: Int
    private var byteRange = 0..<0
    /// -1 is a null.
    private var lengths: UnsafeMutablePointer<Int32>
    private var room: Int
    private var rows = 0..<0

    private static var smallest: Int { 64 }

    init() {
        (byteRoom, room) = (Self.smallest, Self.smallest)
        bytes = .allocate(byteCount: byteRoom, alignment: 16)
        lengths = .allocate(capacity: room)
    }

    var count: Int { rows.count }
    var byteCount: Int { byteRange.count }

    @inline(__always)
    mutating func append(_ start: UnsafeRawPointer?, _ length: Int) {
        if rows.upperBound == room { makeRoom() }
        guard let start else {
            lengths[rows.upperBound] = -1
            rows = rows.lowerBound..<rows.upperBound + 1
            return
        }
        let end = byteRange.upperBound + length
        if end > byteRoom { makeRoom(for: length) }
        (bytes + byteRange.upperBound).copyMemory(from: start, byteCount: length)
        lengths[rows.upperBound] = Int32(truncatingIfNeeded: length)
        byteRange = byteRange.lowerBound..<byteRange.upperBound + length
        rows = rows.lowerBound..<rows.upperBound + 1
    }

    mutating func appendNulls(upTo count: Int) {
        while self.count < count { append(nil, 0) }
    }

    @inline(never)
    private mutating func makeRoom() {
        let wanted = rows.count * 2 > room ? room * 2 : room
        let larger = UnsafeMutablePointer<Int32>.allocate(capacity: wanted)
        larger.initialize(from: lengths + rows.lowerBound, count: rows.count)
        lengths.deallocate()
        (lengths, room, rows) = (larger, wanted, 0..<rows.count)
    }

    @inline(never)
    private mutating func makeRoom(for length: Int) {
        let needed = byteRange.count + length
        let wanted = needed * 2 > byteRoom ? max(byteRoom * 2, needed * 2) : byteRoom
        let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        larger.copyMemory(from: bytes + byteRange.lowerBound, byteCount: byteRange.count)
        bytes.deallocate()
        (bytes, byteRoom, byteRange) = (larger, wanted, 0..<byteRange.count)
    }

    /// How many of the first `rows` values have no more than `limit` bytes together; the first counts in any case.
    func rows(_ wanted: Int, within limit: Int) -> Int {
        guard byteCount > limit else { return min(wanted, count) }
        var bytes = 0
        var row = 0
        while row < min(wanted, count) {
            bytes += Int(max(0, lengths[rows.lowerBound + row]))
            if row > 0 && bytes > limit { break }
            row += 1
        }
        return row
    }

    /// Takes the first values out.
    mutating func take(_ wanted: Int) -> ByteColumn {
        precondition(wanted <= count, "\(wanted) of \(count) values")
        let first = lengths + rows.lowerBound
        var used = 0
        var nulls: [UInt8] = []
        var hasNulls = false
        let ends = [Int](unsafeUninitializedCapacity: wanted) { ends, filled in
            for row in 0..<wanted {
                hasNulls = hasNulls || first[row] < 0
                used += Int(max(0, first[row]))
                ends[row] = used
            }
            filled = wanted
        }
        if hasNulls { nulls = (0..<wanted).map { first[$0] < 0 ? 1 : 0 } }
        let source = bytes + byteRange.lowerBound
        let copy = [UInt8](unsafeUninitializedCapacity: used + ByteColumn.padding) { target, filled in
            if let start = target.baseAddress {
                memcpy(start, source, used)
                memset(start + used, 0, ByteColumn.padding)
            }
            filled = used + ByteColumn.padding
        }
        let isEmptied = wanted == count
        rows = isEmptied ? 0..<0 : rows.lowerBound + wanted..<rows.upperBound
        byteRange = isEmptied ? 0..<0 : byteRange.lowerBound + used..<byteRange.upperBound
        return ByteColumn(bytes: copy, ends: ends, nulls: nulls)
    }

    deinit {
        bytes.deallocate()
        lengths.deallocate()
    }
}
