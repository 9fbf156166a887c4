import BatchLayer
import Catalog
import MergeLaw
import Operators
import ParallaxCore
import Postgres
import ViewLanguage

/// One run under way: its phases in order, and what each leaves for the next.
final class RunExecution {
    let worker: BatchWorker
    let catalog: Catalog
    let source: CatalogSource
    let run: CatalogRun
    let sketchHorizon: Instant?
    /// The tables that the views join, as one snapshot after the run's begin had them.
    var dimensions = DimensionSnapshot.empty
    var report: RunReport
    /// What retention is counted from; nil where no view has one, or no event is known.
    var cutWatermark: Instant?
    /// What the base publication knows of event times; nothing where they have changed since.
    var baseEventTimes = Catalog.EventTimes()

    /// Views of which no output could be compared.
    var notCompared: Set<String> = []

    private var phaseStart = ContinuousClock.now
    private var phase: RunPhase?

    init(worker: BatchWorker, catalog: Catalog, source: CatalogSource, run: CatalogRun, sketchHorizon: Instant?) {
        self.worker = worker
        self.catalog = catalog
        self.source = source
        self.run = run
        self.sketchHorizon = sketchHorizon
        report = RunReport(
            source: source.name, run: run.number.rawValue, slice: run.slice.rawValue, baseRun: run.base.run.rawValue,
            baseSlice: run.base.slice.rawValue, isFull: run.isFull, cut: [:])
    }

    var settings: BatchSettings { worker.settings }
    var connection: Connection { catalog.connection }

    func perform() throws(ParallaxError) -> RunReport {
        try begin(.waiting)
        let base = try catalog.cut(of: run.base, source: source.id)
        let cut = try waitForCut()
        guard cut.isAtOrAbove(base) else {
            throw ParallaxError(.internalInconsistency, "the cut \(cut) lies below the published one, \(base)")
        }
        report.cut = Dictionary(uniqueKeysWithValues: cut.partitions.map { ("\($0)", cut[$0].rawValue) })
        report.newOffsets = cut.partitions.reduce(0) { $0 + (cut[$1] - base[$1]) }
        FaultPoint.pass("batch.afterBoundary")

        try begin(.archiving)
        try catalog.setState(run, .archiving, cut: cut)
        try archive(upTo: cut)
        FaultPoint.pass("batch.afterArchive")

        try catalog.setState(run, .computing)
        let views = try runViews()
        let computed = try compute(views, base: base, cut: cut)
        try countInput(computed)

        try begin(.staging)
        try stage(computed)
        FaultPoint.pass("batch.afterStage")

        try begin(.comparing)
        try compare(computed)

        report.held = try driftBeyondLimits() + lossesBeyondLimit(computed)
        if !report.held.isEmpty {
            try catalog.hold(run, because: report.held.joined(separator: "\n"), statistics: try report.json())
            worker.logger.warning("run held", metadata: ["run": "\(run.number)", "because": "\(report.held.joined(separator: "; "))"])
            endPhase()
            return report
        }

        try begin(.publishing)
        try catalog.setStatistics(run, json: try report.json())
        FaultPoint.pass("batch.beforePublish")
        try catalog.publish(run, cut: cut, refreshServing: worker.refreshServing)
        FaultPoint.pass("batch.afterPublish")
        worker.logger.info("run published", metadata: ["run": "\(run.number)", "slice": "\(run.slice)"])
        afterPublication(cut: cut)
        return report
    }

    /// The run is published: what fails from here on is a warning, and is done again after the next run.
    private func afterPublication(cut: Cut) {
        do { try begin(.cleaning) } catch { warn(error) }
        let (log, logger) = (worker.log, worker.logger)
        let steps = AfterPublication(
            catalog: catalog, source: source, cut: cut, sketchHorizon: sketchHorizon, settings: settings, say: { logger.info("\($0)") })
        for failure in steps.perform(log: { () throws(ParallaxError) in log }) { warn(failure) }
        endPhase()
        if let json = try? report.json() { try? catalog.setStatistics(run, json: json) }
    }

    private func warn(_ error: ParallaxError) {
        report.warnings.append("clean-up after the publication: \(error.description)")
        worker.logger.warning("clean-up failed", metadata: ["run": "\(run.number)", "error": "\(error.message)"])
    }

    func begin(_ next: RunPhase) throws(ParallaxError) {
        endPhase()
        phase = next
        try progress()
    }

    /// Tells the observer; it may end the run.
    func progress(records: Int = 0, of total: Int? = nil) throws(ParallaxError) {
        guard let phase else { return }
        try worker.observe(RunProgress(run: run.number, phase: phase, records: records, totalRecords: total))
    }

    private func endPhase() {
        let now = ContinuousClock.now
        if let phase {
            report.seconds[phase.rawValue, default: 0] += (now - phaseStart).inSeconds
        }
        phaseStart = now
    }
}

/// A version that a run computes.
struct RunView {
    var version: ViewVersion
    var reason: ExtentReason
    /// True where the base publication has complete rows of it.
    var baseHasRows: Bool
    /// What is another than when the base's rows were computed.
    var changes: ExtentReason.Changes
    var tables: StateTables

    /// Windows that ended at or before it have left the view; nil: none has.
    func horizon(cutWatermark: Instant?) -> Instant? { version.plan.retentionHorizon(cutWatermark: cutWatermark) }
}

extension RunExecution {
    func runViews() throws(ParallaxError) -> [RunView] {
        var views: [RunView] = []
        let versions = try catalog.versions(for: run)
        var newest: [ViewID: VersionID] = [:]
        for version in versions where !version.isHeld { newest[version.viewID] = max(version.id, newest[version.viewID] ?? .none) }
        var changes: ExtentReason.Changes = []
        if try catalog.hasChanged(source.definition, since: run.base, source: source.id) { changes.insert(.source) }
        if try catalog.historyHasChanged(since: run.base, source: source.id, try worker.archive.acceptedGaps()) { changes.insert(.history) }
        let known = try catalog.eventTimes(of: run.base, source: source.id)
        // All that is derived from event times belongs to one definition of them. With another, windows that left may come back.
        let eventTimesHaveChanged = known.form.map { $0 != source.definition.eventTimeForm } ?? changes.contains(.source)
        if !eventTimesHaveChanged { baseEventTimes = known }
        var decodable: [ViewVersion] = []
        for var version in versions {
            // This run decodes the source as it was when it began. A version that reads what this form lacks is too new for it; or, an older one,
            // gives way to the newer with this run's publication, and is not computed any more.
            guard let plan = version.plan.rebound(to: source.definition) else {
                if let newest = newest[version.viewID], newest > version.id { continue }
                throw ParallaxError(
                    .busy, "the definitions of source \"\(source.name)\" changed while run \(run.number) began",
                    hint: "run the batch layer again")
            }
            version.plan = plan
            decodable.append(version)
        }
        var computable: [(version: ViewVersion, baseHasRows: Bool)] = []
        for version in try catalog.computable(decodable) { computable.append((version, try catalog.hasBatchRows(version, at: run.base))) }
        try readDimensions(computable.map(\.version.plan))
        let baseTables = try catalog.dimensionVersions(of: run.base.run)
        for (version, baseHasRows) in computable {
            var changes = changes
            if eventTimesHaveChanged && version.plan.retention != nil { changes.insert(.source) }
            if !baseTables.isSuperset(of: (version.plan.lookups ?? []).compactMap { dimensions.versions[$0.table] }) {
                changes.insert(.tables)
            }
            views.append(
                RunView(
                    version: version,
                    reason: ExtentReason.decide(
                        isFull: run.isFull, plan: version.plan, baseHasRows: baseHasRows,
                        changes: changes),
                    baseHasRows: baseHasRows, changes: changes, tables: StateTables(version)))
        }
        return views
    }

    private func readDimensions(_ plans: [Plan]) throws(ParallaxError) {
        dimensions = try catalog.readDimensions(DimensionDemand.of(plans), limits: settings.dimensionLimits)
        report.tables = dimensions.tables.map { table in
            RunReport.Table(table: table.name, generation: dimensions.versions[table.name]?.generation ?? 0, rows: table.rowCount)
        }
    }

    func archive(upTo cut: Cut) throws(ParallaxError) {
        let archived = try worker.archive.archive(upTo: cut) { (records) throws(ParallaxError) in
            self.report.recordsArchived = records
            try self.progress(records: records)
        }
        guard archived.isAtOrAbove(cut) else {
            throw ParallaxError(
                .offsetGone, "the archive of source \"\(source.name)\" ends below the run's cut",
                detail: "archived up to \(archived), cut \(cut)")
        }
        // Before the publication that passes over them: a person's decision may have been cut off between the manifest and the catalog, and
        // an archive may have been given to a new database.
        let gaps = try worker.archive.acceptedGaps()
        try catalog.recordGaps(gaps, source: source.id)
        try catalog.recordArchived(source: source.id, archived)
        try catalog.clearTroubles(.archive, source: source.id)
        try catalog.setGivenUp(run, gaps, below: cut)
    }
}
