/// A consecutive part of the log, the same for all views of a source. The first slice is 1;
/// every slice from `published.slice` on is served from the speed layer.
public struct SliceNumber: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ value: Int64) { rawValue = value }
    public static let first = SliceNumber(1)
    public static func < (a: SliceNumber, b: SliceNumber) -> Bool { a.rawValue < b.rawValue }
    public var next: SliceNumber { SliceNumber(rawValue + 1) }
    public var description: String { String(rawValue) }
}

/// A source in the catalog (`parallax.source.source_id`). Another source of the same name, declared later, has another.
public struct SourceID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ value: Int64) { rawValue = value }
    public static func < (a: SourceID, b: SourceID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// A view in the catalog (`parallax.view.view_id`), whatever its versions are.
public struct ViewID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ value: Int64) { rawValue = value }
    public static func < (a: ViewID, b: ViewID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// A version of a view (`parallax.view_version.version_id`). Numbers grow: of two versions of one view the newer one has the larger.
public struct VersionID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ value: Int64) { rawValue = value }
    /// Below every version's: "newer than this one" holds for all.
    public static let none = VersionID(0)
    public static func < (a: VersionID, b: VersionID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// A table that views join, in the catalog (`parallax.dimension.dimension_id`). Another table of the same name has another.
public struct DimensionID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ value: Int64) { rawValue = value }
    public static func < (a: DimensionID, b: DimensionID) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// How often a partition has changed hands (`parallax.partition_position.epoch`). Whoever writes under an older one is fenced.
public struct LeaseEpoch: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ value: Int64) { rawValue = value }
    public static func < (a: LeaseEpoch, b: LeaseEpoch) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}

/// One batch recompute. Numbers grow in the order in which runs began; 0 stands for "nothing published yet".
public struct RunNumber: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ value: Int64) { rawValue = value }
    public static let none = RunNumber(0)
    public static func < (a: RunNumber, b: RunNumber) -> Bool { a.rawValue < b.rawValue }
    public var description: String { String(rawValue) }
}
