import BatchLayer
import Catalog
import MergeLaw
import Operators
import ParallaxCore
import Postgres

extension RunExecution {
    /// Writes the run's rows and counts, in one transaction, under a run number that no reader looks at.
    func stage(_ computed: Computed) throws(ParallaxError) {
        var at: RunView?
        do { try stage(computed, &at) } catch { throw refused(error, at) }
    }

    /// A view whose rows PostgreSQL refuses is named, in the error and in the catalog, so that a person can take it out.
    private func refused(_ error: ParallaxError, _ view: RunView?) -> ParallaxError {
        guard let view, error.isRefusal, connection.isOpen else { return error }
        do { try catalog.recordTrouble(view.version.id, .batch, error.refusalWords) } catch {
            worker.logger.warning("what PostgreSQL refused was not recorded", metadata: ["error": "\(error.message)"])
        }
        return error.refused(.batch, view: view.version.viewName)
    }

    private func stage(_ computed: Computed, _ at: inout RunView?) throws(ParallaxError) {
        let (views, rejected) = try connection.transaction { () throws(ParallaxError) -> ([RunReport.View], [String: Int]) in
            try catalog.checkFence(run)
            // A definition may have gone while this run computed; its tables went with it.
            let present = Set(try catalog.versions(for: run).map(\.id))
            var views: [RunReport.View] = []
            for (index, view) in computed.views.enumerated() where present.contains(view.version.id) {
                at = view
                views.append(try stage(view, index, computed))
                try catalog.markFirstRun(view.version, run)
            }
            at = nil
            try catalog.clearTroubles(of: computed.views.map(\.version.id), .batch)
            let rejected = try stageRejected(computed, present: present, &views)
            try catalog.recordDimensions(dimensions, of: run.number)
            try catalog.setState(run, .staged)
            return (views, rejected)
        }
        report.views = views
        report.rejected = rejected
    }

    private func stage(_ view: RunView, _ index: Int, _ computed: Computed) throws(ParallaxError) -> RunReport.View {
        let sql = StagingSQL(view, base: run.base.run.rawValue, run: run.number.rawValue)
        let rows = computed.engine.takeRows(view: index, sketchesForWindowsEndingAfter: sketchHorizon)
        var result = RunReport.View(
            view: view.version.viewName, version: view.version.hash, extent: view.reason, touchedWindows: nil, rowsAdded: 0, rowsClosed: 0,
            rowsUnchanged: 0, rejected: [:], drift: [])
        let horizon = view.horizon(cutWatermark: cutWatermark)
        guard view.baseHasRows else {
            try copy(rows, sql.copyIntoTable, prefix: Array("\(run.number)\t".utf8))
            result.rowsAdded =
                rows.count - (try expire(view, horizon, sql.dropExpired(from: view.tables.batchTable, run: run.number.rawValue)))
            return result
        }
        var anew = StagingSQL.Computed.all
        switch computed.scope.views[index].extent {
        case .everything: break
        case .windows(let starts):
            anew = .windows
            result.touchedWindows = starts.count
            result.rowsExpired = try expire(view, horizon, sql.closeExpired)
            guard !starts.isEmpty else { return result }
            try connection.execute(sql.createTouched)
            try copyInstants(starts.sorted(), sql.copyIntoTouched)
            try connection.execute("ANALYZE \(sql.touched)")
        case .sessions:
            anew = .sessions
            result.touchedWindows = Int(try connection.query("SELECT count(*) FROM \(sql.reached)").rows[0].int(0))
        case .additions:
            anew = .added
        }
        try connection.execute(sql.createStaged)
        try copy(rows, sql.copyIntoStaged, prefix: [])
        _ = try expire(view, horizon, sql.dropExpired(from: sql.staged, run: nil))
        var staged = rows.count
        if anew == .sessions { staged -= try connection.query(sql.dropUnreached).affectedRows }
        try connection.execute("ANALYZE \(sql.staged)")
        if anew == .added {
            try connection.execute(sql.createTogether)
            try connection.execute("ANALYZE \(sql.together)")
        }
        try connection.execute(sql.createChange(anew))
        try connection.execute("ANALYZE \(sql.change)")
        let counts = try connection.query(sql.countChange).rows[0]
        result.rowsAdded = Int(try counts.int(0))
        result.rowsClosed = Int(try counts.int(1))
        result.rowsUnchanged = staged - result.rowsAdded
        if result.rowsClosed > 0 { try connection.execute(sql.close) }
        if result.rowsAdded > 0 { try connection.execute(sql.add(anew)) }
        try connection.execute(sql.dropTemporary)
        if anew == .sessions { try connection.execute(sql.dropNewSessions) }
        return result
    }

    /// Runs a statement over the rows whose windows have left; returns how many those are.
    private func expire(
        _ view: RunView, _ horizon: Instant?, _ statement: (String) -> String
    ) throws(ParallaxError) -> Int {
        guard let horizon, let kind = view.version.plan.window?.kind else { return 0 }
        let (condition, bound) = WindowSQL.closed(kind, horizon: horizon, parameter: 1)
        guard let bound else { return 0 }
        return try connection.query(statement(condition), [.int(bound.rawValue)]).affectedRows
    }

    func copy(_ rows: StateRows, _ sql: String, prefix: [UInt8]) throws(ParallaxError) {
        var next = 0
        try connection.copyIn(sql) { (buffer) throws(ParallaxError) in
            let end = min(next + settings.rowsPerCopyChunk, rows.count)
            rows.appendCopyText(rows: next..<end, prefix: prefix, to: &buffer)
            next = end
            return next < rows.count
        }
        try progress(records: rows.count)
    }

    private func copyInstants(_ instants: [Int64], _ sql: String) throws(ParallaxError) {
        let microsecondsPerDay: Int64 = 86_400 * Instant.microsecondsPerSecond
        var next = 0
        try connection.copyIn(sql) { (buffer) throws(ParallaxError) in
            let end = min(next + settings.rowsPerCopyChunk, instants.count)
            for instant in instants[next..<end] {
                let (days, rest) = instant.quotientAndRemainder(dividingBy: microsecondsPerDay)
                buffer += Array("\(days)\t\(rest)\n".utf8)
            }
            next = end
            return next < instants.count
        }
    }

    /// Rejected records below the cut, and events below it that a view cannot take; the counts by reason of the whole source.
    ///
    /// What this run did not read is carried over from the base publication, so that counts are exact: a record is rejected or it is not, and
    /// an event's view-level rejection is counted when the event is first kept. One case is not seen: a *new* copy of an old event
    /// displaces it (smaller partition), with another payload that the view takes or rejects differently; a full run sets that right.
    private func stageRejected(
        _ computed: Computed, present: Set<VersionID>, _ views: inout [RunReport.View]
    ) throws(ParallaxError) -> [String: Int] {
        var counts: [String: [String: Int]] = [:]
        func add(_ view: String, _ reason: String, _ count: Int) { counts[view, default: [:]][reason, default: 0] += count }
        for (reason, count) in computed.rejected { add("", reason.rawValue, count) }
        var isCarriedOver: Set<String> = computed.scope.readsEverything ? [] : [""]
        // Two versions of a view while a new one is built: the one that this run's publication serves counts, which is the newest that is not
        // held. Nothing is kept for a view that was dropped meanwhile.
        var counting: [ViewID: Int] = [:]
        for (index, view) in computed.views.enumerated() where present.contains(view.version.id) && !view.version.isHeld {
            counting[view.version.viewID] = index
        }
        for (index, view) in computed.views.enumerated() where counting[view.version.viewID] == index {
            isCarriedOver.remove(view.version.viewName)
            for (reason, count) in computed.engine.viewRejections[index] { add(view.version.viewName, reason.rawValue, count) }
            if !view.reason.isEverything { isCarriedOver.insert(view.version.viewName) }
        }
        for (view, reason, count) in try catalog.rejections(ofRun: run.base.run, source: source.id) where isCarriedOver.contains(view) {
            add(view, reason, count)
        }
        for (view, reasons) in counts {
            for (reason, count) in reasons where count > 0 {
                try catalog.recordRejection(run, view: view, reason: reason, count: count)
            }
        }
        for index in views.indices { views[index].rejected = counts[views[index].view] ?? [:] }
        return counts[""] ?? [:]
    }
}
