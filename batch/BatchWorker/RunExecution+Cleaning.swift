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
            guard case .tumbling(let size, _) = version.plan.window?.kind else { continue }
            let tables = StateTables(version)
            let sketches = tables.batch.states.filter { if case .distinctSketch = $0.role { true } else { false } }.map(\.name)
            guard let first = sketches.first else { continue }
            let (lastStart, overflow) = sketchHorizon.subtractingReportingOverflow(size)
            guard !overflow else { continue }
            try connection.query(
                """
                UPDATE \(tables.batchTable) b SET \(sketches.map { "\($0) = NULL" }.joined(separator: ", "))
                WHERE b.\(first) IS NOT NULL AND b.window_start <= 'epoch'::timestamptz + $2::bigint * interval '1 microsecond'
                  AND NOT EXISTS (SELECT 1 FROM parallax.touched_window t
                                  WHERE t.version_id = $1 AND t.window_start = b.window_start)
                """, [.int(version.id), .int(lastStart)])
        }
    }

    /// Gives up log records that are archived, below the cut and processed; the speed layer's duplicate horizon stays.
    func trimLog(cut: Cut) throws(ParallaxError) {
        var trimmed = Cut()
        for (partition, archived, processed) in try catalog.archivedAndProcessed(source: source.id) {
            let remembered = Offset(max(0, processed.rawValue - settings.keptLogOffsets))
            trimmed[partition] = min(archived, cut[partition], remembered)
        }
        try worker.log.trim(below: trimmed)
    }
}
