import Operators
import ParallaxCore
import ViewLanguage

/// Why the two layers treat a record differently.
///
///     batch      live          cause
///     event      late          late         came too late for the live rows: the batch layer adds it
///     a copy     an event      duplicate    the speed layer did not remember the event that it repeats: the live rows counted it again
///     event      rejected      healed       was no event as the source was declared when the speed layer read it
public enum DifferenceCause: String, Sendable, CaseIterable { case late, duplicate, healed }

/// The records that the layers treat differently, counted where each belongs: by view, window and group.
///
/// Costs nothing for records that both treat alike but a look at what the speed layer has left out. Not thread-safe: one owner.
final class DifferenceTally {
    private let leftOut: [Partition: LeftOutRecords]
    private let dimensions: Dimensions
    private let views: [RunScope.View]
    /// Made when a view first has such records.
    private var aggregators: [[DifferenceCause: ViewAggregator]]
    /// Of the batch that is being read. Ascending.
    private var rows: [DifferenceCause: [Int32]] = [:]

    /// - Parameter leftOut: what the speed layer left out of the records between the base and the cut.
    init(_ scope: RunScope, leftOut: [Partition: LeftOutRecords], dimensions: Dimensions) {
        self.leftOut = leftOut
        self.dimensions = dimensions
        views = scope.views
        aggregators = Array(repeating: [:], count: scope.views.count)
    }

    var bytes: Int { aggregators.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.approximateBytes } } }

    /// What the speed layer left out of a partition.
    func leftOut(_ partition: Partition) -> LeftOutRecords { leftOut[partition] ?? LeftOutRecords() }

    /// One event of a batch at or above the base's cut, in order.
    ///
    /// - Parameters:
    ///   - isFirst: no copy of it came before.
    ///   - leftOut: of its partition.
    @inline(__always)
    func note(row: Int, offset: Int64, isFirst: Bool, leftOut: borrowing LeftOutRecords) {
        if isFirst {
            if leftOut.late.contains(offset) { add(row, .late) } else if leftOut.rejected.contains(offset) { add(row, .healed) }
        } else if !leftOut.contains(offset) {
            add(row, .duplicate)
        }
    }

    /// An event below the base's cut that was counted, and gives way to a new copy with a smaller place.
    func noteMoved(row: Int) { add(row, .duplicate) }

    private func add(_ row: Int, _ cause: DifferenceCause) { rows[cause, default: []].append(Int32(truncatingIfNeeded: row)) }

    /// The batch has been looked at: what was noted enters the views' windows and groups.
    ///
    /// - Parameter eventTimes: of the batch's rows; nil where no view needs them.
    func take(_ batch: EventBatch, eventTimes: [Int64]?) {
        guard !rows.isEmpty else { return }
        for (cause, noted) in rows {
            for (index, view) in views.enumerated() {
                let first = view.firstEventTime
                let mine = first > .min ? noted.filter { row in eventTimes.map { $0[Int(row)] >= first } ?? true } : noted
                guard !mine.isEmpty else { continue }
                _ = aggregator(index, cause).add(batch, rows: mine)
            }
        }
        rows.removeAll(keepingCapacity: true)
    }

    private func aggregator(_ index: Int, _ cause: DifferenceCause) -> ViewAggregator {
        if let there = aggregators[index][cause] { return there }
        var windows: Set<Int64>?
        if case .windows(let starts) = views[index].extent { windows = starts }
        let made = ViewAggregator(plan: views[index].plan.countingRecords, layer: .batch, onlyWindows: windows, dimensions: dimensions)
        aggregators[index][cause] = made
        return made
    }

    /// A view's counts, by cause, in key order. They are gone afterwards.
    func takeRows(view index: Int) -> [(cause: DifferenceCause, rows: StateRows)] {
        let found = DifferenceCause.allCases.compactMap { cause in
            aggregators[index][cause].map { (cause: cause, rows: $0.takeRows()) }
        }
        aggregators[index] = [:]
        return found
    }
}

extension Plan {
    /// The same windows and groups, with the number of records in them.
    public var countingRecords: Plan {
        var plan = self
        plan.measures = [Measure(function: .countRows, argument: nil, filter: nil)]
        plan.groups = groups.map { Group(name: $0.name, expression: $0.expression) }
        plan.outputs = []
        plan.having = nil
        return plan
    }
}
