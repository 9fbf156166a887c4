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

    private let base: Cut
    private let cut: Cut
    private let eventTimeColumn: Int

    public init(plans: [Plan], source: SourceDefinition, base: Cut, cut: Cut) {
        self.base = base
        self.cut = cut
        eventTimeColumn = source.eventTimeColumn
        for plan in plans {
            guard let kind = plan.window?.kind, starts[kind] == nil else { continue }
            starts[kind] = []
            assigners.append((kind, ViewAggregator(plan: plan.windowOnly, layer: .batch)))
        }
    }

    /// Records outside of [base, cut) are passed over. Needs the event time column only.
    public mutating func add(_ batch: EventBatch) {
        let first = base[batch.partition].rawValue
        let end = cut[batch.partition].rawValue
        var rows: [Int32] = []
        for row in 0..<batch.count where batch.offsets[row] >= first && batch.offsets[row] < end && batch.isRejected[row] == 0 {
            rows.append(Int32(row))
        }
        statistics.countRecords(of: batch, offsets: first..<end, events: rows.count)
        guard !rows.isEmpty else { return }
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
