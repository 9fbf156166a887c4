/// How exact sketches are where a view does not say it, and what it may say.
public enum SketchPrecision {
    /// 16,384 registers: 0.81 % standard error in at most 10,243 bytes.
    public static let log2m = 14
    /// From 6.5 % in 160 bytes to 0.2 % in 164 kB.
    public static let log2mRange = 8..<19
    /// At most so many centroids of 16 bytes. One for all digests of a view: the extension overruns its buffers when it merges digests of very
    /// different compressions.
    public static let compression = 200
    public static let compressionRange = 20..<2_001
    /// A percentile's state is its values themselves while a group has no more than so many in a slice: exact, and smaller than a digest (8 bytes a
    /// double, 16 a centroid). Then a digest takes their place.
    public static let exactValues = 128
}
