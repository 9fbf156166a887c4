/// A record's place in its partition. Consecutive in the embedded log; Kafka may leave holes.
public struct Offset: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ value: Int64) { rawValue = value }
    public static let zero = Offset(0)
    public static func < (a: Offset, b: Offset) -> Bool { a.rawValue < b.rawValue }
    public static func + (a: Offset, count: Int) -> Offset { Offset(a.rawValue + Int64(count)) }
    public static func - (a: Offset, b: Offset) -> Int64 { a.rawValue - b.rawValue }
    public var description: String { String(rawValue) }
}
