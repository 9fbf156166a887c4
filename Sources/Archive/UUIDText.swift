import ParallaxCore

/// uuids as text in their canonical form (RFC 9562, section 4): 8-4-4-4-12 lower-case hexadecimal digits.
enum UUIDText {
    static let length = 36
    private static let digits = Array("0123456789abcdef".utf8)
    private static let hyphen = UInt8(ascii: "-")
    /// A hyphen comes before each of these bytes of the sixteen.
    private static func followsHyphen(_ byte: Int) -> Bool { byte == 4 || byte == 6 || byte == 8 || byte == 10 }

    static func column(_ values: [UInt128], nulls: [UInt8]) -> ByteColumn {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        bytes.reserveCapacity(values.count * length + ByteColumn.padding)
        ends.reserveCapacity(values.count)
        for (row, value) in values.enumerated() {
            if nulls.isEmpty || nulls[row] == 0 {
                for byte in 0..<16 {
                    if followsHyphen(byte) { bytes.append(hyphen) }
                    let octet = UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * byte))
                    bytes.append(digits[Int(octet >> 4)])
                    bytes.append(digits[Int(octet & 15)])
                }
            }
            ends.append(bytes.count)
        }
        return ByteColumn(bytes: bytes, ends: ends)
    }

    /// The numbers again; 0 for nulls. Nil where a value is not in canonical form.
    static func values(_ column: ByteColumn, nulls: [UInt8]) -> [UInt128]? {
        var values: [UInt128] = []
        values.reserveCapacity(column.count)
        let isSound = column.bytes.withUnsafeBufferPointer { bytes in
            for row in 0..<column.count {
                if !nulls.isEmpty && nulls[row] != 0 {
                    values.append(0)
                    continue
                }
                var place = column.start(row)
                guard column.ends[row] - place == length else { return false }
                var high: UInt64 = 0
                var low: UInt64 = 0
                for byte in 0..<16 {
                    if followsHyphen(byte) {
                        guard bytes[place] == hyphen else { return false }
                        place += 1
                    }
                    guard let first = digit(bytes[place]), let second = digit(bytes[place + 1]) else { return false }
                    if byte < 8 { high = high << 8 | first << 4 | second } else { low = low << 8 | first << 4 | second }
                    place += 2
                }
                values.append(UInt128(high) << 64 | UInt128(low))
            }
            return true
        }
        return isSound ? values : nil
    }

    @inline(__always)
    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case 48...57: UInt64(byte - 48)
        case 97...102: UInt64(byte - 87)
        default: nil
        }
    }
}
