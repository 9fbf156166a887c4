import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// A run that would take away most of what readers see is held, as one with too much drift is: a type that no record fits, a joined table that somebody
/// emptied and an archive that lost its segments look like correct results to every other check.
///
///     events   records below the base's cut that were events and are none any more, of all that were
///     rows     rows of a served view that go without another in their place, of all that it has; not those that retention takes
///     input    the events that the run is computed from, against those of the publication before (`InputCheck`)
///
/// Not judged: a view's new version (its definition says what it has), sessions, which new events join, and how much is new since the publication before:
/// a stream that brings nothing any more is no reason to keep its last records from readers.
extension RunExecution {
    /// What keeps this run from being published, a line a source or a view.
    func lossesBeyondLimit(_ computed: Computed) throws(ParallaxError) -> [String] {
        guard run.base.run != .none else { return [] }
        var lines: [String] = []
        if let line = try lostEvents(computed) {
            lines.append(line)
        } else if let line = try lostInput(computed) {
            lines.append(line)
        }
        let served = Set(try catalog.versions(ofSource: source.id).filter(\.isActive).map(\.id))
        for view in computed.views where view.baseHasRows && served.contains(view.version.id) {
            guard view.version.plan.window?.kind.sessionGap == nil,
                let figures = report.views.first(where: { $0.view == view.version.viewName && $0.version == view.version.hash }),
                figures.rowsClosed > figures.rowsAdded, let line = try lostRows(view)
            else { continue }
            lines.append(line)
        }
        return lines
    }

    private func isTooMuch(_ lost: Int64, of before: Int64) -> Bool {
        guard lost > 0, Double(lost) > Double(before) * Double(settings.maxLossPercent) / 100 else { return false }
        return lost >= InputCheck.fewest || lost >= before
    }

    private func lostEvents(_ computed: Computed) throws(ParallaxError) -> String? {
        // Else the counts of records below the base's cut are the base's own.
        guard computed.scope.readsEverything else { return nil }
        let before = try catalog.rejectedRecords(of: run.base, source: source.id)
        let base = computed.scope.base
        let records = base.partitions.reduce(0) { $0 + base[$1].rawValue }
        // At most all new records are rejected, too.
        let lost = Int64(report.rejected.values.reduce(0, +)) - before - report.newOffsets
        guard isTooMuch(lost, of: records - before) else { return nil }
        let reasons = report.rejected.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \(grouped($0.value))" }
        let share = "at least \(grouped(lost)) of \(grouped(records - before)) records that were events are none any more"
        return "source \(source.name): \(share) (rejected now: \(reasons.joined(separator: ", "))); "
            + "batch.max_loss_percent is \(settings.maxLossPercent)"
    }

    /// Counts the events below the cut, each once.
    ///
    ///     all records read    all of them
    ///     else                those of the base, and what this run found that is new. Not what it did not look for copies of: new events whose windows
    ///                         have left all views
    func countInput(_ computed: Computed) throws(ParallaxError) {
        let found = computed.engine.statistics
        if computed.scope.readsEverything {
            report.inputEvents = Int64(found.events - found.duplicates)
        } else {
            report.inputEvents = try catalog.inputEvents(of: run.base, source: source.id).map { $0 + Int64(found.newEvents) }
        }
        try catalog.setInputEvents(run, report.inputEvents)
    }

    private func lostInput(_ computed: Computed) throws(ParallaxError) -> String? {
        guard let now = report.inputEvents, let before = try catalog.inputEvents(of: run.base, source: source.id) else { return nil }
        let check = InputCheck(before: before, now: now, minPercent: settings.minInputPercent)
        guard check.isTooLittle else { return nil }
        let cut = computed.scope.cut
        let givenUp = try worker.archive.acceptedGaps().reduce(Int64(0)) { sum, gap in
            sum + max(0, min(gap.offsets.upperBound, cut[gap.partition]) - gap.offsets.lowerBound)
        }
        let rejected = Int64(report.rejected.values.reduce(0, +))
        let rejectedThen = try catalog.rejectedRecords(of: run.base, source: source.id)
        return
            "source \(source.name): \(counted(now, "event")) below this run's cut, where publication \(run.base.run) had \(grouped(before)) "
            + "(batch.min_input_percent is \(settings.minInputPercent)); of what is below it \(counted(rejected, "record")) "
            + "\(rejected == 1 ? "is" : "are") no event (then \(grouped(rejectedThen))), \(grouped(report.duplicates)) are copies, "
            + "\(counted(givenUp, "offset")) \(givenUp == 1 ? "is" : "are") given up. So it looks where a column, the event id or the event time was "
            + "changed, a gap was accepted, or archive segments are another log's"
    }

    private func lostRows(_ view: RunView) throws(ParallaxError) -> String? {
        var stays = ""
        var parameters: [Parameter] = []
        if let horizon = view.horizon(cutWatermark: cutWatermark), let kind = view.version.plan.window?.kind {
            let (condition, bound) = WindowSQL.closed(kind, horizon: horizon, parameter: 1)
            if let bound {
                stays = "WHERE NOT (\(condition))"
                parameters = [.int(bound.rawValue)]
            }
        }
        func count(_ run: RunNumber) -> String { "count(*) FILTER (WHERE b.from_run <= \(run) AND b.until_run > \(run))" }
        let row = try connection.query(
            "SELECT \(count(run.base.run)), \(count(run.number)) FROM \(view.tables.batchTable) b \(stays)", parameters
        ).rows[0]
        let (before, after) = (try row.int(0), try row.int(1))
        guard isTooMuch(before - after, of: before) else { return nil }
        return "view \(view.version.viewName): \(grouped(before - after)) of \(counted(before, "row")) would go; "
            + "batch.max_loss_percent is \(settings.maxLossPercent)"
    }
}
