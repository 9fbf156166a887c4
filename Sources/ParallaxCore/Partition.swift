/// One ordered part of a source's log. Numbered from zero.
public struct Partition: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public init(_ number: Int) { rawValue = Int32(number) }
    public static func < (a: Partition, b: Partition) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}
