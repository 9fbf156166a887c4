import Columns
import ParallaxCore
import ViewLanguage

/// One view's groups and measures over the batches that were added: the operators that both layers run.
/// Not thread-safe: one owner.
public final class ViewAggregator {
    public let plan: Plan
    public let layout: StateLayout

    /// - Parameters:
    ///   - layer: which states are kept (exact ones for batch, mergeable ones for speed).
    ///   - onlyWindows: where given, rows of other windows are passed over (an incremental run's touched windows).
    public init(plan: Plan, layer: StateLayout.Layer, onlyWindows: Set<Int64>? = nil) {
        self.plan = plan
        layout = StateLayout(plan, layer: layer)
    }

    /// Adds the given rows (ascending) of a batch: filter, window, group, measures. Rows for which PostgreSQL would raise an error
    /// change nothing and come back as rejections.
    public func add(_ batch: EventBatch, rows: [Int32]) -> [Rejection] { preconditionFailure("not written yet") }

    /// The window starts of the rows that pass the filter, without adding anything: (row, window start), in row order.
    /// Empty for a plan without a window… use `hasWindow`. Rows with errors are left out.
    public func admitted(_ batch: EventBatch, rows: [Int32]) -> [(row: Int32, window: Int64)] { preconditionFailure("not written yet") }

    public var groupCount: Int { 0 }
    /// A measure of what the states hold, for limits: bytes, approximately.
    public var approximateBytes: Int { 0 }

    /// All groups in key order (window, then group columns; nulls last; text bytewise), and an empty aggregator again.
    /// - Parameter sketchesForWindowsEndingAfter: batch only: windows that end at or before this instant (microseconds) get a null
    ///   `distinctSketch`. Nil: every row gets one.
    public func takeRows(sketchesForWindowsEndingAfter horizon: Int64? = nil) -> StateRows { preconditionFailure("not written yet") }
}

/// Rows of a state table, in the columns of its layout.
public struct StateRows: Sendable {
    public enum Values: Sendable {
        /// Window starts (timestamptz), group values, extremes: typed columns.
        case column(Column)
        /// Counts: never null.
        case counts([Int64])
        /// Text that PostgreSQL's input function of the column's type takes: numerics, hll as \x…; nulls as marked.
        case text(ByteColumn)
    }
    public var layout: StateLayout
    public var count: Int
    /// One entry a column of the layout.
    public var values: [Values]
    public init(layout: StateLayout, count: Int, values: [Values]) {
        self.layout = layout
        self.count = count
        self.values = values
    }

    /// Appends rows in COPY's text format, one line a row, after `prefix` (already escaped, with its trailing tabs; for leading columns
    /// such as the slice). Source: PostgreSQL documentation, COPY, "Text Format".
    public func appendCopyText(rows: Range<Int>, prefix: [UInt8], to buffer: inout [UInt8]) { preconditionFailure("not written yet") }
}
