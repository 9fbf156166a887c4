import BatchLayer
import Foundation
import ParallaxCore

/// What a run did: for people (`text`), for `--json`, and in `parallax.run.statistics`.
public struct RunReport: Sendable, Codable {
    public struct Drift: Sendable, Codable, Hashable {
        public var output: String
        /// Groups that were compared: those of windows that the speed layer or this run touched.
        public var groups: Int64
        /// Groups in which both layers had a row, and another value.
        public var differing: Int64
        public var onlyMerged: Int64
        public var onlyBatch: Int64
        /// Sums over the compared groups; nil for outputs that are no numbers.
        public var mergedTotal: Double?
        public var batchTotal: Double?
        /// The largest difference between two values of one group.
        public var maxDifference: Double?
    }

    public struct View: Sendable, Codable, Hashable {
        public var view: String
        public var version: String
        public var extent: ExtentReason
        /// Windows recomputed; nil where everything was.
        public var touchedWindows: Int?
        public var rowsAdded: Int
        public var rowsClosed: Int
        public var rowsUnchanged: Int
        /// Events below the cut that the view cannot take, by reason.
        public var rejected: [String: Int]
        /// One entry an output; empty where there was nothing to compare with.
        public var drift: [Drift]
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
    public var segmentsRead = 0
    public var bytesRead = 0
    /// Records between the base's cut and this one that the speed layer never read: where there are any, drift is not computed, since
    /// the layers do not stand over the same records (I4).
    public var skippedRecords: Int64 = 0
    public var views: [View] = []
    /// Seconds by phase.
    public var seconds: [String: Double] = [:]
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

    public var text: String {
        var lines = [
            "run \(run) of source \"\(source)\": published, slice \(slice), base run \(baseRun), \(newOffsets) new offsets",
            "  read \(recordsRead) records in \(segmentsRead) segments: \(eventsRead) events, \(duplicates) duplicates removed",
        ]
        if !rejected.isEmpty { lines.append("  rejected below the cut: \(Self.list(rejected))") }
        for view in views {
            let extent = view.touchedWindows.map { "\($0) windows" } ?? "everything (\(view.extent.rawValue))"
            lines.append(
                "  \(view.view): \(extent), +\(view.rowsAdded) −\(view.rowsClosed) rows, \(view.rowsUnchanged) unchanged")
            if !view.rejected.isEmpty { lines.append("    rejected by the view: \(Self.list(view.rejected))") }
            for drift in view.drift where drift.differing + drift.onlyMerged + drift.onlyBatch > 0 {
                var line = "    drift of \(drift.output): \(drift.differing) of \(drift.groups) groups differ"
                if drift.onlyBatch > 0 { line += ", \(drift.onlyBatch) only in batch" }
                if drift.onlyMerged > 0 { line += ", \(drift.onlyMerged) only in the merged view" }
                if let merged = drift.mergedTotal, let batch = drift.batchTotal { line += "; \(merged) live, \(batch) true" }
                lines.append(line)
            }
        }
        if skippedRecords > 0 {
            lines.append("  drift not computed: the speed layer never read \(skippedRecords) of the records")
        }
        lines.append(
            "  "
                + RunPhase.allCases.compactMap { phase in
                    seconds[phase.rawValue].map { "\(phase.rawValue) \(Self.rounded($0)) s" }
                }.joined(separator: ", "))
        lines += warnings.map { "  warning: \($0)" }
        return lines.joined(separator: "\n")
    }

    private static func list(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    private static func rounded(_ seconds: Double) -> String { String(format: "%.3f", seconds) }
}
