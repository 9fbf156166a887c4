import ParallaxCore
import ViewLanguage

/// What a run computes anew for one view version.
public enum Extent: Hashable, Sendable {
    /// All of history.
    case everything
    /// These windows (their starts); all others keep the rows that the base publication has.
    case windows(Set<Int64>)
    /// The states of new events alone, which are added to the rows that the base publication has.
    case additions
    /// The sessions that lie in these event times, of the groups that new events are in; all others keep their rows.
    case sessions(EventTimeRanges)

    public var isEverything: Bool { self == .everything }

    /// A copy of an event that takes the place of the one that was counted would go unseen: then everything is computed.
    public var needsSameCopies: Bool {
        switch self {
        case .additions, .sessions: true
        case .everything, .windows: false
        }
    }
}

/// Why a version is recomputed in full, or how it is not.
public enum ExtentReason: String, Sendable, Codable {
    /// The windows that new events touch.
    case incremental
    /// New events are added to the groups' states.
    case added
    /// The sessions that new events reach.
    case sessions
    /// `--full`.
    case asked
    /// Every record touches the one row of a group that has no window, and a measure cannot be added to.
    case noWindow = "no_window"
    /// The base publication has no complete rows of it.
    case newVersion = "new_version"
    /// The base publication's rows were computed when the source had another form: records that were events may be none now.
    case sourceChanged = "source_changed"
    /// A person has given up records below the base's cut, or taken that back: any row may have counted them.
    case historyChanged = "history_changed"
    /// A table that the view joins has changed since the base publication: any of its rows may be another one now.
    case tableChanged = "table_changed"
    /// A new record is a copy of an event that was counted, and comes before it: it takes its place.
    case copyMoved = "copy_moved"

    /// What a base publication was computed from, compared with what there is now.
    public struct Changes: OptionSet, Hashable, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }
        public static let source = Changes(rawValue: 1)
        public static let history = Changes(rawValue: 2)
        public static let tables = Changes(rawValue: 4)
    }

    /// asked   base has its rows   what has changed     windows                          reason
    /// yes     any                 any                  any                              asked
    /// no      no                  any                  any                              newVersion
    /// no      yes                 source               any                              sourceChanged
    /// no      yes                 history, not source  any                              historyChanged
    /// no      yes                 tables alone         any                              tableChanged
    /// no      yes                 nothing              none, and all can be added to    added
    /// no      yes                 nothing              none                             noWindow
    /// no      yes                 nothing              sessions                         sessions
    /// no      yes                 nothing              other ones                       incremental
    public static func decide(isFull: Bool, plan: Plan, baseHasRows: Bool, changes: Changes = []) -> ExtentReason {
        switch (isFull, baseHasRows, changes, plan.window?.kind) {
        case (true, _, _, _): .asked
        case (false, false, _, _): .newVersion
        case (false, true, let changes, _) where changes.contains(.source): .sourceChanged
        case (false, true, let changes, _) where changes.contains(.history): .historyChanged
        case (false, true, let changes, _) where changes.contains(.tables): .tableChanged
        case (false, true, _, nil): plan.canBeAddedTo ? .added : .noWindow
        case (false, true, _, .session): .sessions
        case (false, true, _, _): .incremental
        }
    }

    public var isEverything: Bool {
        switch self {
        case .incremental, .added, .sessions: false
        case .asked, .noWindow, .newVersion, .sourceChanged, .historyChanged, .tableChanged, .copyMoved: true
        }
    }
}

/// What a run computes, and from which segments.
public struct RunScope: Sendable {
    public struct View: Sendable {
        public var plan: Plan
        public var extent: Extent
        /// Windows that ended at or before it have left the view: they are not computed. Nil: none has.
        public var horizon: Instant?
        public init(plan: Plan, extent: Extent, horizon: Instant? = nil) {
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
    ///   - sessions: by plan, the event times of the sessions that new events reach.
    ///   - cutWatermark: what retention is counted from; nil where no plan has one, or no event is known.
    public init(
        plans: [Plan], reasons: [ExtentReason], touched: TouchedWindows, sessions: [Int: EventTimeRanges] = [:], base: Cut, cut: Cut,
        cutWatermark: Instant? = nil
    ) {
        precondition(plans.count == reasons.count, "\(plans.count) plans, \(reasons.count) reasons")
        self.base = base
        self.cut = cut
        var views: [View] = []
        var ranges: [Range<Int64>] = touched.withoutWindow.map { $0..<($0 + 1) }
        for (index, (plan, reason)) in zip(plans, reasons).enumerated() {
            switch (reason, plan.window?.kind) {
            case (.added, _):
                views.append(View(plan: plan, extent: .additions))
            case (.sessions, _):
                let reached = sessions[index] ?? EventTimeRanges([])
                views.append(View(plan: plan, extent: .sessions(reached)))
                ranges += reached.ranges
            case (.incremental, let kind?):
                var starts = touched.starts[kind] ?? []
                if let horizon = plan.retentionHorizon(cutWatermark: cutWatermark) {
                    starts = starts.filter { kind.end(of: $0) > horizon.rawValue }
                }
                views.append(View(plan: plan, extent: .windows(starts)))
                ranges += starts.map { kind.eventTimes(ofWindow: $0) }
            default:
                views.append(View(plan: plan, extent: .everything, horizon: plan.retentionHorizon(cutWatermark: cutWatermark)))
            }
        }
        // The time of each new event: there stand the rows that it is added to, and copies of it.
        if views.contains(where: \.extent.needsSameCopies) { ranges += touched.newTimes.ranges }
        self.views = views
        eventTimes = views.contains { $0.extent.isEverything } ? nil : EventTimeRanges(ranges)
    }

    /// True where a pass over the records meets every record below the cut. Not where there is no view at all.
    public var readsEverything: Bool { eventTimes == nil }

    /// Something was published before.
    var hasBase: Bool { base.partitions.contains { base[$0] > .zero } }

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
