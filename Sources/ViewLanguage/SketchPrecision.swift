/// How exact sketches are where a view does not say it, and what it may say.
public enum SketchPrecision {
    /// 16,384 registers: 0.81 % standard error in at most 10,243 bytes.
    public static let log2m = 14
    /// From 6.5 % in 160 bytes to 0.2 % in 164 kB.
    public static let log2mRange = 8..<19
    /// As a share of the number of values.
    ///
    /// - Parameter log2m: nil: that of above.
    public static func standardError(log2m: Int?) -> Double { 1.04 / Double(1 << (log2m ?? Self.log2m)).squareRoot() }
    /// Where the extension changes from counting empty registers to their mean (2.5 values a register), it says up to 2.5 % too much, whatever their number
    /// (measured over seeds: 2.5 % at 2.5 values a register, 1.6 % at 2.75, 0.4 % at 3.5).
    public static func biasedRange(log2m: Int?) -> ClosedRange<Int> {
        let registers = 1 << (log2m ?? Self.log2m)
        return (registers * 9 / 4)...(registers * 15 / 4)
    }
    /// There, both together.
    public static func biasedError(log2m: Int?) -> Double {
        let error = standardError(log2m: log2m)
        return (error * error + 0.025 * 0.025).squareRoot()
    }
    /// At most so many centroids of 16 bytes. One for all digests of a view: the extension overruns its buffers when it merges digests of very
    /// different compressions.
    public static let compression = 200
    public static let compressionRange = 20..<2_001
    /// A percentile's state is its values themselves while a group has no more than so many in a slice: exact, and smaller than a digest (8 bytes a
    /// double, 16 a centroid). Then a digest takes their place.
    public static let exactValues = 128
}
