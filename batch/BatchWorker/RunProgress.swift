import ParallaxCore

/// What a run is doing, in the order in which it does it.
public enum RunPhase: String, Sendable, CaseIterable, Codable {
    /// Asked for the slice; waits until every partition has its boundary.
    case waiting
    /// The cut is complete; the log's records below it go into the archive.
    case archiving
    /// The segments that will be read are compared with their checksums.
    case verifying
    /// Reads what is new, to find the windows that it touches.
    case looking
    case computing
    /// Writes rows that no reader sees yet.
    case staging
    /// Drift: what the merged views said against what was computed.
    case comparing
    case publishing
    /// Published; drops what nobody needs any more.
    case cleaning
}

public struct RunProgress: Sendable {
    public var run: RunNumber
    public var phase: RunPhase
    /// Records, in phases that count them; else 0.
    public var records: Int
    /// Nil where nobody knows it yet.
    public var totalRecords: Int?
}
