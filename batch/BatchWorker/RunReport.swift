import BatchLayer
import Catalog
import Foundation
import ParallaxCore

/// What a run did: for people (`text`), for `--json`, and in `parallax.run.statistics`.
public struct RunReport: Sendable, Codable {
    public struct View: Sendable, Codable, Hashable {
        public var view: String
        public var version: String
        public var extent: ExtentReason
        /// Windows or sessions recomputed; nil where everything was, or where new events were added.
        public var touchedWindows: Int?
        public var rowsAdded: Int
        public var rowsClosed: Int
        public var rowsUnchanged: Int
        /// Rows whose windows left because of the view's retention.
        public var rowsExpired = 0
        /// Events below the cut that the view cannot take, by reason.
        public var rejected: [String: Int]
        /// One entry an output; empty where there was nothing to compare with.
        public var drift: [OutputDrift]
        /// The speed layer had rows of it to compare; nil where there was no comparison.
        public var hasLiveRows: Bool?
        /// Why its rows differ; nil where there was no comparison.
        public var causes: [DriftCause]?
    }

    /// A table that views join, as this run read it.
    public struct Table: Sendable, Codable, Hashable {
        public var table: String
        public var generation: Int64
        public var rows: Int
    }

    public var source: String
    public var run: Int64
    public var slice: Int64
    public var baseRun: Int64
    public var baseSlice: Int64
    public var isFull: Bool
    /// Boundary offset a partition.
    public var cut: [String: Int64]
    /// Offsets between the base's cut and this one.
    public var newOffsets: Int64 = 0
    public var recordsArchived = 0
    public var recordsRead = 0
    public var eventsRead = 0
    /// Copies that were removed from what was recomputed.
    public var duplicates = 0
    /// Records below the cut that are no event, by reason.
    public var rejected: [String: Int] = [:]
    /// Events below the cut that the rows are computed from, each once: at least so many; nil where the base does not say how many it had.
    public var inputEvents: Int64?
    public var segmentsRead = 0
    public var bytesRead = 0
    /// Records between the base's cut and this one that the speed layer never read: where there are any, drift is not computed, since
    /// the layers do not stand over the same records (I4).
    public var skippedRecords: Int64 = 0
    public var views: [View] = []
    /// Empty where no view joins any.
    public var tables: [Table] = []
    /// Seconds by phase.
    public var seconds: [String: Double] = [:]
    /// Windows that left views because of their retention are counted from this watermark; nil where no view has one.
    public var cutWatermark: Instant?
    /// Why the run is held, a line a view and output; empty: it is published.
    public var held: [String] = []
    /// What went wrong after the publication; the run counts all the same.
    public var warnings: [String] = []

    public func json(pretty: Bool = false) throws(ParallaxError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = pretty ? [.sortedKeys, .prettyPrinted] : [.sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do { return String(decoding: try encoder.encode(self), as: UTF8.self) } catch {
            throw ParallaxError(.internalInconsistency, "the run's report could not be encoded", detail: "\(error)")
        }
    }

    /// For people: what the run did, a line each.
    public var text: String {
        let state = held.isEmpty ? "published" : "HELD, nothing is published"
        var lines = [
            "run \(run) of source \"\(source)\": \(state), slice \(slice), base run \(baseRun), \(counted(newOffsets, "new offset"))"
        ]
        lines += figures.map { "  \($0)" }
        lines += held.map { "  held: \($0)" }
        if !held.isEmpty { lines.append("  publish it: parallax batch publish \(run); throw it away: parallax batch discard \(run)") }
        return lines.joined(separator: "\n")
    }

    /// What it read, what became of each view, how far off the live views were, and how long it took.
    public var figures: [String] {
        var lines = [
            "read \(counted(recordsRead, "record")) in \(counted(segmentsRead, "segment")): \(counted(eventsRead, "event")), "
                + "\(counted(duplicates, "duplicate")) removed"
        ]
        if !rejected.isEmpty { lines.append("rejected below the cut: \(Self.list(rejected))") }
        if !tables.isEmpty {
            lines.append(
                "looked up in "
                    + tables.map { "\($0.table) (\(counted($0.rows, "row")), generation \($0.generation))" }.joined(separator: ", "))
        }
        for view in views {
            // A version that waits is computed beside the one that is served.
            let isOneOfTwo = views.count { $0.view == view.view } > 1
            lines += Self.lines(view, named: isOneOfTwo ? "\(view.view) version \(view.version)" : view.view)
        }
        if skippedRecords > 0 {
            lines.append("drift not computed: the speed layer never read \(grouped(skippedRecords)) of the records")
        } else if views.contains(where: { !$0.drift.isEmpty }), views.allSatisfy({ $0.hasLiveRows != true }) {
            lines.append("drift: nothing live to compare")
        }
        lines.append(
            RunPhase.allCases.compactMap { phase in
                seconds[phase.rawValue].map { "\(phase.rawValue) \(Self.rounded($0)) s" }
            }.joined(separator: ", "))
        return lines + warnings.map { "warning: \($0)" }
    }

    private static func lines(_ view: View, named name: String) -> [String] {
        let extent =
            switch view.extent {
            case .incremental: counted(view.touchedWindows ?? 0, "window")
            case .sessions: counted(view.touchedWindows ?? 0, "session")
            case .added: "new events added"
            default: "everything (\(view.extent.rawValue))"
            }
        var lines = [
            "\(name): \(extent), +\(grouped(view.rowsAdded)) −\(counted(view.rowsClosed, "row")), \(grouped(view.rowsUnchanged)) unchanged"
                + (view.rowsExpired > 0 ? ", \(grouped(view.rowsExpired)) left by retention" : "")
        ]
        if !view.rejected.isEmpty { lines.append("  rejected by the view: \(list(view.rejected))") }
        for drift in view.drift where drift.isDifferent {
            var line = "  drift of \(drift.output): \(drift.groupsText)"
            if drift.onlyBatch > 0 { line += ", \(grouped(drift.onlyBatch)) only in batch" }
            if drift.onlyMerged > 0 { line += ", \(grouped(drift.onlyMerged)) only in the merged view" }
            if let merged = drift.mergedTotal, let batch = drift.batchTotal { line += "; \(merged) live, \(batch) true" }
            lines.append(line)
        }
        if let causes = view.causes, !causes.isEmpty { lines.append("  because of " + causes.map(\.text).joined(separator: "; ")) }
        return lines
    }

    private static func list(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key) \(grouped($0.value))" }.joined(separator: ", ")
    }

    private static func rounded(_ seconds: Double) -> String { String(format: "%.3f", seconds) }
}

extension DriftCause {
    /// `late events: 3 records, 2 rows`.
    public var text: String {
        let rows = counted(groups, "row")
        return records.map { "\(cause.words): \(counted($0, "record")), \(rows)" } ?? "\(cause.words): \(rows)"
    }
}

extension OutputDrift {
    /// `2 of 40 groups differ`.
    var groupsText: String { "\(grouped(differing)) of \(counted(groups, "group")) \(differing == 1 ? "differs" : "differ")" }

    /// What `share` is to be.
    ///
    /// - Parameter differences: nil for outputs that are no numbers.
    func share(differences: Double?, sizes: Double) -> Double {
        let oneSided = groups > 0 ? Double(onlyMerged + onlyBatch) / Double(groups) : 0
        guard let differences else { return groups > 0 ? oneSided + Double(differing) / Double(groups) : 0 }
        if differences == 0 { return oneSided }
        return max(oneSided, sizes > 0 ? differences / sizes : .infinity)
    }
}

extension RunReport {
    /// What `json` wrote, of this version of Parallax or an older one that said as much; nil where a run has not got so far.
    public init?(json: String) {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        guard let report = try? decoder.decode(RunReport.self, from: Data(json.utf8)) else { return nil }
        self = report
    }
}
