/// FNV-1a, 64 bits: the same in every process, unlike Swift's own hash. It tells things apart that nobody made to look alike; no more is needed of it.
/// Source: http://www.isthe.com/chongo/tech/comp/fnv/
public struct FNV1a: Sendable {
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    public mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }

    public mutating func add(_ text: String) { for byte in text.utf8 { add(byte) } }
}
