import ViewLanguage

extension Plan {
    /// The plan that puts every event into its window and does nothing else: which windows a record touches must not depend on the
    /// filter, since a copy of an event may pass it and the copy that takes its place may not.
    var windowOnly: Plan {
        Plan(source: source, filter: nil, window: window, groups: [], isGlobal: false, measures: [], outputs: [])
    }
}
