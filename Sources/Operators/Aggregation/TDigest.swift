import Foundation

/// Values to a t-digest of the PostgreSQL extension tdigest (1.4), in the text that its input function takes.
///
/// The algorithm is the merging digest of Dunning and Ertl, "Computing Extremely Accurate Quantiles Using t-Digests" (2019), with the scale
/// function k1(q) = δ/2π · arcsin(2q − 1): values in order, a centroid takes the next one while it spans at most one unit of k1, so there are
/// at most δ of them and those at the ends are single values.
///
///     first value of centroid k ≤ mean of centroid k ≤ last value of centroid k ≤ first value of centroid k + 1
///
/// The extension refuses a digest whose means descend. In doubles sum / count may lie outside of what was summed (6.16 a thousand times is
/// 6.159999999999989 or 6.160000000000017, as the count has it): each mean is brought back between its own values.
///
/// Text and not the binary format, since rows are copied as text: the input function keeps every digit (its output function does not).
enum TDigest {
    /// Sums of means times counts stay finite below it. The extension never ends once it meets an infinity or NaN.
    static let largest = 1e290

    /// - Parameter sorted: ascending, not empty; NaN above everything else, as PostgreSQL has it.
    static func appendText(sorted: [Double], compression: Int, to buffer: inout [UInt8]) {
        let values = sorted.map { $0.isNaN ? largest : min(max($0, -largest), largest) }
        let centroids = centroids(of: values, compression: compression)
        buffer += Array("flags 1 count \(values.count) compression \(compression) centroids \(centroids.count)".utf8)
        for (mean, count) in centroids {
            buffer += Array(" (".utf8)
            TextOutput.append(mean, to: &buffer)
            buffer += Array(", \(count))".utf8)
        }
    }

    static func centroids(of values: [Double], compression: Int) -> [(mean: Double, count: Int)] {
        guard values.count > compression else { return values.map { ($0, 1) } }
        let total = Double(values.count)
        let perUnit = Double(compression) / (2 * Double.pi)
        var centroids: [(mean: Double, count: Int)] = []
        var start = 0
        var limit = end(after: 0, perUnit)
        var sum = values[0]
        for row in 1..<values.count {
            if Double(row + 1) / total > limit {
                centroids.append(centroid(values[start..<row], sum))
                start = row
                sum = 0
                limit = end(after: Double(row) / total, perUnit)
            }
            sum += values[row]
        }
        centroids.append(centroid(values[start...], sum))
        return centroids
    }

    private static func centroid(_ values: ArraySlice<Double>, _ sum: Double) -> (mean: Double, count: Int) {
        (min(max(sum / Double(values.count), values[values.startIndex]), values[values.endIndex - 1]), values.count)
    }

    /// The share that lies one unit of k1 above another; 1 at the upper end.
    private static func end(after share: Double, _ perUnit: Double) -> Double {
        let k = perUnit * asin(2 * share - 1) + 1
        return k >= perUnit * Double.pi / 2 ? 1 : (sin(k / perUnit) + 1) / 2
    }
}
