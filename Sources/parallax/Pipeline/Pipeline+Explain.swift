import Archive
import Catalog
import Explanation
import Operators
import ParallaxCore
import SpeedLayer
import ViewLanguage

extension Pipeline {
    /// The events behind a row, of this machine's archive and of the log. Blocks.
    func eventsBehindRow(
        _ question: EventQuestion, _ catalog: Catalog, limits: ExplanationLimits, goesOn: @escaping () -> Bool
    ) throws(ParallaxError) -> ExplainedEvents {
        let source = try catalog.source(named: question.plan.source.name)
        return try RowEvents(
            catalog: catalog, archiveFolder: archiveFolder, rules: speedSettings.rules, dimensionLimits: dimensionLimits, limits: limits,
            openLog: { () throws(ParallaxError) in try boundLogForLooking(source, catalog) }
        ).gather(question, goesOn: goesOn)
    }
}

/// What a search for a row's events needs of the machine that it runs on.
struct RowEvents {
    var catalog: Catalog
    var archiveFolder: String
    /// Of the speed layer.
    var rules: SpeedRules
    var dimensionLimits: DimensionLimits
    var limits: ExplanationLimits
    var openLog: () throws(ParallaxError) -> any EventLog

    /// Tables that the view joins are read as they are now; the answer names those that are not what the published run read.
    func gather(_ question: EventQuestion, goesOn: @escaping () -> Bool = { true }) throws(ParallaxError) -> ExplainedEvents {
        let (plan, rules) = (question.plan, rules)
        let source = try catalog.source(named: plan.source.name)
        let tables = try catalog.readDimensions(DimensionDemand.of([plan]), limits: dimensionLimits)
        let gathering = try EventGathering(
            question, archive: try ArchiveReader(directory: archiveFolder, source: plan.source),
            dimensions: try Dimensions(tables.tables, for: [plan]), horizon: rules.duplicateHorizon, limits: limits, openLog: openLog,
            beginReplay: {
                var replay = RecordReplay(plan.source, rules: rules)
                return { batch, unread in replay.classes(of: batch, unread: unread).map(\.liveClass) }
            }, goesOn: goesOn)
        var found = try gathering.gather()
        let read = try catalog.dimensionVersions(of: source.published.run)
        found.changedTables = tables.versions.filter { !read.contains($0.value) }.map(\.key).sorted()
        return found
    }
}

extension RecordClass {
    /// Nobody asks for that of rejected ones.
    fileprivate var liveClass: LiveClass {
        switch self {
        case .event, .rejected: .event
        case .duplicate: .duplicate
        case .late: .late
        }
    }
}
