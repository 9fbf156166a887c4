/// Base 64 for URLs (RFC 4648, section 5), without padding.
public enum Base64URL {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        var output: [UInt8] = []
        var (bits, count) = (UInt32(0), 0)
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                output.append(letters[Int(bits >> UInt32(count) & 0x3F)])
            }
            bits &= 0x3F
        }
        if count > 0 { output.append(letters[Int(bits << UInt32(6 - count) & 0x3F)]) }
        return String(decoding: output, as: UTF8.self)
    }

    /// Nil for what is none. One text is one sequence of bytes: bits that are left over must be zero.
    public static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count * 3 / 4)
        var (bits, count) = (UInt32(0), 0)
        for letter in text.utf8 {
            let value = values[Int(letter)]
            guard value != 0xFF else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                output.append(UInt8(bits >> UInt32(count) & 0xFF))
            }
            bits &= 0xFF
        }
        // One letter alone holds no byte.
        guard count < 6, bits & ((1 << UInt32(count)) - 1) == 0 else { return nil }
        return output
    }
}
