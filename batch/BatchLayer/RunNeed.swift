import ParallaxCore

/// Whether the batch layer has something to do for a source, for a schedule that asks now and then.
///
///     definitions ask for a run   records at or above the cut   a run is held   what
///     no                          no                            any             .nothing
///     yes                         any                           no              .run
///     any                         yes                           no              .run
///     yes                         any                           yes             .decision
///     any                         yes                           yes             .decision
public enum RunNeed: Hashable, Sendable {
    /// What is published says it all.
    case nothing
    case run
    /// There is something to do, and no run begins before a person publishes or discards the held one.
    case decision

    /// - Parameters:
    ///   - definitionsAsk: the source's form has changed since the publication, or a view version was never computed.
    ///   - ends: of the log, as far as anybody has seen it, a partition.
    ///   - cut: the published one.
    public static func decide(definitionsAsk: Bool, ends: [Partition: Offset], cut: Cut, isHeld: Bool) -> RunNeed {
        let hasRecords = ends.contains { partition, end in end > cut[partition] }
        return switch (definitionsAsk || hasRecords, isHeld) {
        case (false, _): .nothing
        case (true, false): .run
        case (true, true): .decision
        }
    }
}
