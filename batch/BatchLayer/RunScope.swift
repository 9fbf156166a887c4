import ParallaxCore
import ViewLanguage

/// What a run computes anew for one view version.
public enum Extent: Hashable, Sendable {
    /// All of history.
    case everything
    /// These windows (their starts); all others keep the rows that the base publication has.
    case windows(Set<Int64>)

    public var isEverything: Bool { self == .everything }
}

/// Why a version is recomputed in full, or that it is not.
public enum ExtentReason: String, Sendable, Codable {
    case incremental
    /// `--full`.
    case asked
    /// Every record touches the one row of a group that has no window.
    case noWindow = "no_window"
    /// A new event may join two sessions of any length: which events are to be read again is not known from the new ones alone.
    case sessions
    /// The base publication has no complete rows of it.
    case newVersion = "new_version"
    /// The base publication's rows were computed when the source had another form: records that were events may be none now.
    case sourceChanged = "source_changed"
    /// A table that the view joins has changed since the base publication: any of its rows may be another one now.
    case tableChanged = "table_changed"

    /// asked   base has its rows   source has changed   a table has   windows      reason
    /// yes     any                 any                  any           any          asked
    /// no      no                  any                  any           any          newVersion
    /// no      yes                 yes                  any           any          sourceChanged
    /// no      yes                 no                   yes           any          tableChanged
    /// no      yes                 no                   no            none         noWindow
    /// no      yes                 no                   no            sessions     sessions
    /// no      yes                 no                   no            other ones   incremental
    public static func decide(
        isFull: Bool, plan: Plan, baseHasRows: Bool, sourceHasChanged: Bool = false, tablesHaveChanged: Bool = false
    ) -> ExtentReason {
        switch (isFull, baseHasRows, sourceHasChanged, tablesHaveChanged, plan.window?.kind) {
        case (true, _, _, _, _): .asked
        case (false, false, _, _, _): .newVersion
        case (false, true, true, _, _): .sourceChanged
        case (false, true, false, true, _): .tableChanged
        case (false, true, false, false, nil): .noWindow
        case (false, true, false, false, .session): .sessions
        case (false, true, false, false, _): .incremental
        }
    }
}

/// What a run computes, and from which segments.
public struct RunScope: Sendable {
    public struct View: Sendable {
        public var plan: Plan
        public var extent: Extent
        /// Windows that ended at or before it (microseconds) have left the view: they are not computed. Nil: none has.
        public var horizon: Int64?
        public init(plan: Plan, extent: Extent, horizon: Int64? = nil) {
            self.plan = plan
            self.extent = extent
            self.horizon = horizon
        }

        /// Events before it are in none of the view's windows.
        var firstEventTime: Int64 {
            guard let horizon, let kind = plan.window?.kind else { return .min }
            return kind.firstEventTime(ofWindowsEndingAfter: horizon)
        }
    }

    public let base: Cut
    public let cut: Cut
    public let views: [View]
    /// The event times whose records are needed; nil: all.
    public let eventTimes: EventTimeRanges?

    /// - Parameters:
    ///   - reasons: one a plan.
    ///   - cutWatermark: what retention is counted from (microseconds); nil where no plan has one, or no event is known.
    public init(plans: [Plan], reasons: [ExtentReason], touched: TouchedWindows, base: Cut, cut: Cut, cutWatermark: Int64? = nil) {
        precondition(plans.count == reasons.count, "\(plans.count) plans, \(reasons.count) reasons")
        self.base = base
        self.cut = cut
        var views: [View] = []
        var ranges: [Range<Int64>] = touched.withoutWindow.map { $0..<($0 + 1) }
        for (plan, reason) in zip(plans, reasons) {
            guard reason == .incremental, let kind = plan.window?.kind else {
                views.append(View(plan: plan, extent: .everything, horizon: plan.retentionHorizon(cutWatermark: cutWatermark)))
                continue
            }
            var starts = touched.starts[kind] ?? []
            if let horizon = plan.retentionHorizon(cutWatermark: cutWatermark) { starts = starts.filter { kind.end(of: $0) > horizon } }
            views.append(View(plan: plan, extent: .windows(starts)))
            ranges += starts.map { kind.eventTimes(ofWindow: $0) }
        }
        self.views = views
        eventTimes = views.contains { $0.extent.isEverything } ? nil : EventTimeRanges(ranges)
    }

    /// True where a pass over the records meets every record below the cut. Not where there is no view at all.
    public var readsEverything: Bool { eventTimes == nil }

    /// The source's columns that the views read.
    public var sourceColumns: Set<Int> { views.reduce(into: []) { $0.formUnion($1.plan.sourceColumnsRead) } }

    /// The segments to read, in (partition, offset) order.
    public func segments(of all: [Segment]) -> [Segment] {
        Self.ordered(
            all.filter { $0.overlaps(.zero..<cut[$0.partition]) && (eventTimes.map($0.mayHold) ?? true) })
    }

    /// The segments with records in [base, cut), in the same order: what a look for touched windows reads.
    public static func newSegments(of all: [Segment], base: Cut, cut: Cut) -> [Segment] {
        ordered(
            all.filter { segment in
                let first = base[segment.partition]
                let end = cut[segment.partition]
                return first < end && segment.overlaps(first..<end)
            })
    }

    private static func ordered(_ segments: [Segment]) -> [Segment] {
        segments.sorted { ($0.partition, $0.offsets.lowerBound) < ($1.partition, $1.offsets.lowerBound) }
    }
}
