import ParallaxCore

/// The distinct values of a byte column and, for each value, its code; nil where a dictionary would not pay.
struct ByteDictionary {
    var values: ByteColumn
    /// One a value that is not null.
    var codes: [UInt32]

    /// A dictionary page beyond this would no longer stay in a processor's cache.
    static let maximumBytes = 1 << 20
    static let maximumValues = 1 << 16
    /// After so many values it is decided whether values repeat often enough.
    static let sampleSize = 4_096

    init?(_ column: ByteColumn, nulls: [UInt8]) {
        // Open addressing over the codes: a slot holds code + 1, or 0 when free. Twice as many slots as values at most.
        var slots = [UInt32](repeating: 0, count: 2 * Self.maximumValues)
        let mask = slots.count - 1
        var codes: [UInt32] = []
        codes.reserveCapacity(column.count)
        var bytes: [UInt8] = []
        var ends: [Int] = []
        let fits = column.bytes.withUnsafeBytes { arena in
            for row in 0..<column.count {
                if !nulls.isEmpty && nulls[row] != 0 { continue }
                let value = UnsafeRawBufferPointer(rebasing: arena[column.start(row)..<column.ends[row]])
                var slot = Int(truncatingIfNeeded: Self.hash(value)) & mask
                while true {
                    let held = slots[slot]
                    if held == 0 {
                        if ends.count == Self.maximumValues || bytes.count + value.count > Self.maximumBytes { return false }
                        bytes.append(contentsOf: value)
                        ends.append(bytes.count)
                        slots[slot] = UInt32(ends.count)
                        codes.append(UInt32(ends.count - 1))
                        break
                    }
                    let code = Int(held) - 1
                    let start = code == 0 ? 0 : ends[code - 1]
                    if Self.isEqual(bytes, start..<ends[code], value) {
                        codes.append(UInt32(code))
                        break
                    }
                    slot = (slot + 1) & mask
                }
                if codes.count == Self.sampleSize && ends.count > Self.sampleSize / 2 { return false }
            }
            return true
        }
        // Half or more of them distinct: the codes would come on top of the values.
        guard fits, !codes.isEmpty, ends.count <= codes.count / 2 else { return nil }
        values = ByteColumn(bytes: bytes, ends: ends)
        self.codes = codes
    }

    /// Bits that the largest code takes; at least one.
    var width: Int { max(1, UInt32.bitWidth - UInt32(values.count - 1).leadingZeroBitCount) }

    private static func isEqual(_ bytes: [UInt8], _ range: Range<Int>, _ value: UnsafeRawBufferPointer) -> Bool {
        guard range.count == value.count else { return false }
        return bytes.withUnsafeBytes { held in
            for index in 0..<value.count where held[range.lowerBound + index] != value[index] { return false }
            return true
        }
    }

    /// Eight bytes at a time, multiplied and folded. Not for anything that leaves the process.
    private static func hash(_ value: UnsafeRawBufferPointer) -> UInt64 {
        var state = UInt64(value.count) &* 0x9E37_79B9_7F4A_7C15
        var index = 0
        while index + 8 <= value.count {
            state = fold(state ^ value.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        var rest: UInt64 = 0
        for shift in 0..<value.count - index { rest |= UInt64(value[index + shift]) << UInt64(8 * shift) }
        return fold(state ^ rest)
    }

    private static func fold(_ value: UInt64) -> UInt64 {
        let (high, low) = (value ^ 0x2D35_8DCC_AA6C_78A5).multipliedFullWidth(by: 0x8BB8_4B93_962E_ACC9)
        return high ^ low
    }
}
