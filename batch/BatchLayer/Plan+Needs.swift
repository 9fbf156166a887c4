import ParallaxCore
import ViewLanguage

extension Plan {
    /// Windows that ended at or before it have left the view; nil: none has.
    public func retentionHorizon(cutWatermark: Instant?) -> Instant? { retention.flatMap { cutWatermark?.earlier(by: $0) } }

    /// The plan that puts every event into its window and does nothing else: which windows a record touches must not depend on the
    /// filter, since a copy of an event may pass it and the copy that takes its place may not.
    var windowOnly: Plan {
        Plan(source: source, filter: nil, window: window, groups: [], isGlobal: false, measures: [], outputs: [])
    }

    /// The plan that gathers a view's sessions by group, without measures. With the filter: a copy that takes the place of one that does not pass it is
    /// noticed, and then everything is computed.
    public var sessionsOnly: Plan {
        Plan(
            source: source, filter: filter, window: window,
            groups: groups.map { group in
                var group = group
                group.shownBy = nil
                return group
            }, isGlobal: false, measures: [], outputs: [], lookups: lookups)
    }
}
