import Operators
import ParallaxCore

/// Everything that one flush writes, in one transaction.
public struct SpeedFlush: Sendable {
    /// The slice that all of it belongs to.
    public var slice: SliceNumber
    /// In ascending order of view version.
    public var deltas: [Delta]
    public var moves: [Move]
    /// Sorted.
    public var rejected: [(key: RejectionTally.Key, count: Int64)]
    public var samples: [RejectedSample]

    /// What a view version's states grow by.
    public struct Delta: Sendable {
        public var view: SpeedView
        /// In key order.
        public var rows: StateRows
        /// Windows (microseconds, ascending) in which events were late, and how many.
        public var late: [(window: Int64, count: Int64)]
    }

    /// How far a partition gets.
    public struct Move: Sendable {
        public var partition: Partition
        /// The slice that it stands in; it is another one than the flush's only where nothing of it was read yet.
        public var slice: SliceNumber
        public var from: Offset
        public var to: Offset
        public var eventTimes: WatermarkTracker.State
        public var newestAppendedAt: Instant?
        public var isIdle: Bool
        public var counts: RecordCounts
        /// Records in [from, to) that are in no view.
        public var leftOut: LeftOutRecords
        /// The newest record below `to`; nil where none was read since the partition was taken.
        public var witness: LogWitness?
    }

    public var groups: Int { deltas.reduce(0) { $0 + $1.rows.count } }
    public var counts: RecordCounts { moves.reduce(into: RecordCounts()) { $0 += $1.counts } }
}

/// Why a flush is due.
public enum FlushReason: String, Sendable, CaseIterable {
    /// A partition joined in another slice than the others stand in: all go to the same one before anything more is read.
    case slicesDiffer
    /// Someone asked for a new slice.
    case sliceRequested
    case groups, records, bytes
    case interval
    /// Nothing more to read, and somebody waits for just that.
    case caughtUp
    /// A partition became idle.
    case idle
}
