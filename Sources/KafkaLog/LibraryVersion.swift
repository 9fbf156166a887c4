import CKafka
import ParallaxCore

/// librdkafka's version, as the library that is loaded says it (not the header that we were compiled with).
public struct LibraryVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var major: Int
    public var minor: Int
    public var patch: Int

    public init(_ major: Int, _ minor: Int, _ patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    public static var loaded: LibraryVersion {
        let number = Int(rd_kafka_version())
        return LibraryVersion(number >> 24 & 0xFF, number >> 16 & 0xFF, number >> 8 & 0xFF)
    }

    public static func < (a: Self, b: Self) -> Bool { (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch) }
    public var description: String { "\(major).\(minor).\(patch)" }

    /// Faults in earlier versions: assignment lost in a cooperative rebalance (2.10.0, #4059), endless loop (2.6.1, #4783).
    static let soundCooperativeRebalance = LibraryVersion(2, 10, 0)
    /// Reading resumed from an old position after a leader change in versions before it (2.4.0, #4686).
    static let soundResume = LibraryVersion(2, 4, 0)

    /// What to say at start-up; nil where nothing is known against this version.
    ///
    /// The faults of 2.0.2 that touch pausing, stored offsets and cooperative assignment cannot meet us: we use none of these, and a
    /// record below the position that a reader stands at is dropped.
    public var warning: String? {
        guard self < Self.soundResume else { return nil }
        return """
            librdkafka \(self) has known faults around leader changes (duplicated reads, fixed in \(Self.soundResume)); \
            Parallax drops what it has read before, but a newer library is the better choice
            """
    }
}
