import ViewLanguage

/// One `hll` value in postgresql-hll's binary format, from the hashes of a group's distinct values.
///
/// regwidth 5, expthresh auto, sparseon 1, log2m by the view's options: a standard error of 1.04 / √2^log2m. The bytes are what the extension itself
/// would have made of the same values: a sorted list of hashes while that is no longer than an eighth of the registers, then registers,
/// written sparsely while that is shorter.
/// Source: the storage specification of aggregateknowledge's HyperLogLog, v1.0.0; expthresh auto as in postgresql-hll 2.17.
struct HyperLogLog {
    let log2m: Int
    private let registerWidth = 5
    var registerCount: Int { 1 << log2m }
    /// More distinct hashes than this are kept in registers: as soon as eight bytes a hash are more than five bits a register.
    var explicitLimit: Int { registerCount * registerWidth / 8 / 8 }

    static let standard = HyperLogLog(log2m: SketchPrecision.log2m)

    init(log2m: Int) {
        precondition(SketchPrecision.log2mRange.contains(log2m), "a sketch of 2^\(log2m) registers")
        self.log2m = log2m
    }

    private var parameters: [UInt8] { [UInt8((registerWidth - 1) << 5 | log2m), 1 << 6 | 63] }

    /// Where a hash is counted, and as what.
    @inline(__always)
    func register(_ hash: UInt64) -> (index: Int, value: UInt8) {
        let rest = hash >> UInt64(log2m)
        // No bit is left to find where the rest is zero; the extension then leaves the register as it is.
        let run = rest == 0 ? 0 : rest.trailingZeroBitCount + 1
        return (Int(truncatingIfNeeded: hash) & (registerCount - 1), UInt8(min(run, (1 << registerWidth) - 1)))
    }

    /// `registers` is empty for a group that never had more than `explicitLimit` hashes.
    func encode(hashes: [UInt64], registers: [UInt8]) -> [UInt8] {
        if registers.isEmpty, hashes.count <= explicitLimit { return encodeExplicit(hashes) }
        var registers = registers.isEmpty ? [UInt8](repeating: 0, count: registerCount) : registers
        for hash in hashes {
            let (index, value) = register(hash)
            registers[index] = max(registers[index], value)
        }
        return encodeRegisters(registers)
    }

    private func encodeExplicit(_ hashes: [UInt64]) -> [UInt8] {
        var bytes: [UInt8] = [hashes.isEmpty ? 0x11 : 0x12] + parameters
        bytes.reserveCapacity(3 + hashes.count * 8)
        // Sorted as signed numbers, written big-endian.
        for hash in hashes.map({ Int64(bitPattern: $0) }).sorted() {
            withUnsafeBytes(of: hash.bigEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    private func encodeRegisters(_ registers: [UInt8]) -> [UInt8] {
        let filled = registers.reduce(0) { $0 + ($1 == 0 ? 0 : 1) }
        let isSparse = filled * (log2m + registerWidth) < registerCount * registerWidth
        var bytes: [UInt8] = [isSparse ? 0x13 : 0x14] + parameters
        // Bits are filled from the highest of each byte down.
        var pending: UInt32 = 0
        var pendingBits = 0
        func put(_ value: UInt32, _ width: Int) {
            pending = pending << UInt32(width) | value
            pendingBits += width
            while pendingBits >= 8 {
                pendingBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(pendingBits)))
            }
        }
        for (index, value) in registers.enumerated() where !isSparse || value != 0 {
            if isSparse {
                put(UInt32(index) << UInt32(registerWidth) | UInt32(value), log2m + registerWidth)
            } else {
                put(UInt32(value), registerWidth)
            }
        }
        if pendingBits > 0 { put(0, 8 - pendingBits) }
        return bytes
    }

    /// The text that the extension's input function takes: `\x` and hexadecimal digits.
    static func appendText(_ bytes: [UInt8], to buffer: inout [UInt8]) {
        let digits: StaticString = "0123456789abcdef"
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(UInt8(ascii: "x"))
        for byte in bytes {
            buffer.append(digits.utf8Start[Int(byte >> 4)])
            buffer.append(digits.utf8Start[Int(byte & 15)])
        }
    }
}
