import Operators
import ParallaxCore
import ViewLanguage

/// A view version that the speed layer keeps up to date.
public struct SpeedView: Hashable, Sendable {
    /// The catalog's number of the version.
    public var id: VersionID
    public var name: String
    public var plan: Plan
    /// Its speed rows are complete from this slice on.
    public var firstSlice: SliceNumber
    /// One version of each view counts the records that the view cannot take.
    public var countsRejections: Bool
    public init(id: VersionID, name: String, plan: Plan, firstSlice: SliceNumber, countsRejections: Bool) {
        self.id = id
        self.name = name
        self.plan = plan
        self.firstSlice = firstSlice
        self.countsRejections = countsRejections
    }
}

/// A view version with what it has gathered since the last flush.
struct TrackedView {
    let view: SpeedView
    /// Which of the state's schemas its plan reads.
    let schema: Int
    let aggregator: ViewAggregator
    /// Late events by window start (microseconds); `Plan.noWindow` for a view without windows.
    var late: [Int64: Int64] = [:]

    init(_ view: SpeedView, schema: Int, dimensions: Dimensions) {
        self.view = view
        self.schema = schema
        aggregator = ViewAggregator(plan: view.plan, layer: .speed, dimensions: dimensions)
    }

    mutating func add(
        _ events: EventBatch, _ records: RecordBatch, _ rows: ClassifiedRows, _ tally: inout RejectionTally, _ limits: SpeedLimits
    ) {
        if !rows.events.isEmpty {
            let rejections = aggregator.add(events, rows: rows.events)
            if view.countsRejections && !rejections.isEmpty {
                tally.add(rejections, view: view.name, from: rows.firstNewRow, of: records, limits: limits)
            }
        }
        if !rows.late.isEmpty {
            for (_, window) in aggregator.admitted(events, rows: rows.late) {
                late[view.plan.window == nil ? Plan.noWindow : window, default: 0] += 1
            }
        }
    }
}
