import Catalog
import ParallaxCore
import ViewLanguage

extension RunExecution {
    /// Takes the sketches from rows that will not be merged with live rows any more: their windows are closed for the speed layer, and no
    /// kept slice touches them. A sketch weighs up to 10 kB, a row without it a hundred bytes.
    ///
    /// In place, also in rows that readers see: the merged view reads a sketch only where its window has live rows.
    func dropStaleSketches() throws(ParallaxError) {
        guard let sketchHorizon else { return }
        for version in try catalog.versions(ofSource: source.id) {
            guard let kind = version.plan.window?.kind else { continue }
            let tables = StateTables(version)
            let sketches = tables.batch.states.filter(\.isSketch).map(\.name)
            guard let hasSketch = tables.hasSketch else { continue }
            let (isClosed, bound) = Self.closedWindows(kind, horizon: sketchHorizon)
            guard let bound else { continue }
            let isTouched =
                kind.sessionGap.map { SessionSQL.mayReach(atom: "t.window_start", row: "b", gap: $0) } ?? "t.window_start = b.window_start"
            try connection.query(
                """
                UPDATE \(tables.batchTable) b SET \(sketches.map { "\($0) = NULL" }.joined(separator: ", "))
                WHERE \(hasSketch) AND \(isClosed)
                  AND NOT EXISTS (SELECT 1 FROM parallax.touched_window t
                                  WHERE t.version_id = $1 AND \(isTouched))
                """, [.int(version.id), .int(bound)])
        }
    }

    /// The condition that a row's window has ended, and its parameter of that number; nil where no window can have.
    static func closedWindows(_ kind: Plan.Window.Kind, horizon: Int64, parameter: Int = 2) -> (condition: String, bound: Int64?) {
        let bound = "(\(Catalog.instant("$\(parameter)")))"
        switch kind {
        case .tumbling(let size, _), .hopping(_, let size, _):
            let (lastStart, overflow) = horizon.subtractingReportingOverflow(size)
            return ("b.window_start <= \(bound)", overflow ? nil : lastStart)
        case .session(let gap):
            let (lastEvent, overflow) = horizon.subtractingReportingOverflow(gap)
            return ("b.session_last <= \(bound)", overflow ? nil : lastEvent)
        case .calendar:
            return ("\(WindowSQL.end(kind, of: "b")) <= \(bound)", horizon)
        }
    }

    /// Gives up log records that are archived, below the cut and processed; the speed layer's duplicate horizon stays, and the newest of them, which
    /// the log is known by.
    func trimLog(cut: Cut) throws(ParallaxError) {
        var trimmed = Cut()
        for (partition, archived, processed) in try catalog.archivedAndProcessed(source: source.id) {
            let remembered = Offset(max(0, processed.rawValue - max(1, settings.keptLogOffsets)))
            trimmed[partition] = min(archived, cut[partition], remembered)
        }
        let isTrimmed = try catalog.whileLogsMayBeTrimmed { () throws(ParallaxError) in try worker.log.trim(below: trimmed) }
        if !isTrimmed {
            worker.logger.info("a backup is under way: the log is trimmed after the next run", metadata: ["source": "\(source.name)"])
        }
    }
}
