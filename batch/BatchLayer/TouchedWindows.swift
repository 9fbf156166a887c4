import Columns
import Operators
import ParallaxCore
import ViewLanguage

/// Which windows the records in [base cut, new cut) touch: what an incremental run recomputes.
///
/// Two copies of an event have the same event time, so they lie in the same window: a window that no new record touches keeps the very
/// events that it had, and with them its row.
public struct TouchedWindows {
    /// Views often share their windows: each kind is computed once.
    private var assigners: [(kind: Plan.Window.Kind, aggregator: ViewAggregator)] = []
    public private(set) var starts: [Plan.Window.Kind: Set<Int64>] = [:]
    /// Event times that have no window (it would begin before the first timestamptz): a view rejects them, and counts that.
    public private(set) var withoutWindow: Set<Int64> = []
    public private(set) var statistics = RecordStatistics()
    /// The times of all new events, where the run wants them.
    public private(set) var newTimes = NewEventTimes()
    /// By plan, of views of sessions: the new events' own sessions, by group and without measures.
    private var sessions: [Int: ViewAggregator] = [:]
    private let wantsTimes: Bool

    private let base: Cut
    private let cut: Cut
    private let eventTimeColumn: Int

    /// - Parameters:
    ///   - plans, reasons: of all views of the run.
    ///   - dimensions: the tables that sessions' groups may come from.
    public init(
        plans: [Plan], reasons: [ExtentReason], source: SourceDefinition, base: Cut, cut: Cut, dimensions: Dimensions = .none
    ) {
        self.base = base
        self.cut = cut
        eventTimeColumn = source.eventTimeColumn
        wantsTimes = reasons.contains { $0 == .added || $0 == .sessions }
        columns = [source.eventTimeColumn]
        for (index, (plan, reason)) in zip(plans, reasons).enumerated() {
            if reason == .sessions {
                let bare = plan.sessionsOnly
                sessions[index] = ViewAggregator(plan: bare, layer: .batch, dimensions: dimensions)
                columns.formUnion(bare.sourceColumnsRead)
            }
            guard reason == .incremental, let kind = plan.window?.kind, starts[kind] == nil else { continue }
            starts[kind] = []
            assigners.append((kind, ViewAggregator(plan: plan.windowOnly, layer: .batch)))
        }
    }

    /// The source's columns that the look needs.
    public private(set) var columns: Set<Int>

    /// The sessions that the new events of a plan make among themselves: rows of `Plan.sessionsOnly`. Once.
    public func takeSessions(ofPlan index: Int) -> StateRows? { sessions[index]?.takeRows() }

    /// Records outside of [base, cut) are passed over.
    public mutating func add(_ batch: EventBatch) {
        let first = base[batch.partition].rawValue
        let end = cut[batch.partition].rawValue
        var rows: [Int32] = []
        for row in 0..<batch.count where batch.offsets[row] >= first && batch.offsets[row] < end && batch.isRejected[row] == 0 {
            rows.append(Int32(row))
        }
        statistics.countRecords(of: batch, offsets: first..<end, events: rows.count)
        guard !rows.isEmpty else { return }
        if wantsTimes, case .int64(let times)? = batch.columns[eventTimeColumn]?.storage {
            for row in rows { newTimes.insert(times[Int(row)]) }
        }
        // What a view rejects is in none of its sessions; it is counted when it is computed.
        for aggregator in sessions.values { _ = aggregator.add(batch, rows: rows) }
        for (kind, aggregator) in assigners {
            let admitted = aggregator.admitted(batch, rows: rows)
            insertWindows(admitted, kind)
            // Hopping windows may leave gaps: only what has no window for an error is wanted, and that has none among any kind.
            if kind.coversAllTimes, admitted.count < rows.count || kind.overlaps {
                insertWithoutWindow(batch, rows: rows, admitted: admitted)
            }
        }
    }

    private mutating func insertWindows(_ admitted: [(row: Int32, window: Int64)], _ kind: Plan.Window.Kind) {
        // Neighbours mostly share their window.
        var last: Int64?
        for (_, window) in admitted where window != last {
            starts[kind, default: []].insert(window)
            last = window
        }
    }

    private mutating func insertWithoutWindow(_ batch: EventBatch, rows: [Int32], admitted: [(row: Int32, window: Int64)]) {
        guard case .int64(let times) = batch.columns[eventTimeColumn]?.storage else { return }
        var next = 0
        for row in rows {
            guard next < admitted.count, admitted[next].row == row else {
                withoutWindow.insert(times[Int(row)])
                continue
            }
            while next < admitted.count, admitted[next].row == row { next += 1 }
        }
    }
}
