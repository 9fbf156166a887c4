/// How far the merged view was off in one output, over the groups that a run compared.
public struct OutputDrift: Sendable, Codable, Hashable {
    public var output: String
    /// Groups that were compared: those of windows that the speed layer or the run touched.
    public var groups: Int64
    /// Groups in which both layers had a row, and another value.
    public var differing: Int64
    public var onlyMerged: Int64
    public var onlyBatch: Int64
    /// Sums over the compared groups; nil for outputs whose sum over groups means nothing: all but counts and sums.
    public var mergedTotal: Double?
    public var batchTotal: Double?
    /// The largest difference between two values of one group.
    public var maxDifference: Double?
    /// Over the groups that both layers have: sizes of the differences, and of the differences as parts of the batch values (infinite where that is 0). Equal
    /// ones count as 0. Nil for outputs that are no numbers, and for runs from before it was kept.
    public var meanDifference: Double?
    public var p99Difference: Double?
    public var maxRelative: Double?
    public var meanRelative: Double?
    public var p99Relative: Double?
    /// Windows that were compared, and those of them with a difference; of sessions, the hours that they begin in. Nil for a view without windows.
    public var windows: Int64?
    public var differingWindows: Int64?
    /// What a view's max_drift is compared with, the larger of two shares of the compared groups:
    ///
    ///     numbers   sum of |merged − batch| / sum of |batch|          (a missing or null value is 0; infinite where only the sum of |batch| is 0)
    ///     others    groups that differ, or are on one side only / groups
    ///
    /// and, for all of them, groups that are on one side only / groups. Differences do not cancel out, as those of totals do.
    /// Nil for runs from before it was kept.
    public var share: Double?

    public init(
        output: String, groups: Int64, differing: Int64, onlyMerged: Int64, onlyBatch: Int64, mergedTotal: Double?, batchTotal: Double?,
        maxDifference: Double?, share: Double? = nil
    ) {
        self.output = output
        self.groups = groups
        self.differing = differing
        self.onlyMerged = onlyMerged
        self.onlyBatch = onlyBatch
        self.mergedTotal = mergedTotal
        self.batchTotal = batchTotal
        self.maxDifference = maxDifference
        self.share = share
    }

    /// Groups that both layers have.
    public var inBoth: Int64 { groups - onlyMerged - onlyBatch }

    public var isDifferent: Bool { differing + onlyMerged + onlyBatch > 0 }
}
