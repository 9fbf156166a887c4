import Foundation

/// Values to a t-digest of the PostgreSQL extension tdigest (1.4), in the text that its input function takes.
///
/// The algorithm is the merging digest of Dunning and Ertl, "Computing Extremely Accurate Quantiles Using t-Digests" (2019), with the scale
/// function k1(q) = δ/2π · arcsin(2q − 1): values in order, a centroid takes the next one while it spans at most one unit of k1, so there are
/// at most δ of them and those at the ends are single values.
///
/// Text and not the binary format, since rows are copied as text: the input function keeps every digit (its output function does not).
enum TDigest {
    /// Sums of means times counts stay finite below it. The extension never ends once it meets an infinity or NaN.
    static let largest = 1e290

    /// - Parameter sorted: ascending, not empty.
    static func appendText(sorted: [Double], compression: Int, to buffer: inout [UInt8]) {
        let values = sorted.filter { !$0.isNaN }.map { min(max($0, -largest), largest) }
        guard !values.isEmpty else { return appendText(sorted: [0], compression: compression, to: &buffer) }
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
                centroids.append((sum / Double(row - start), row - start))
                start = row
                sum = 0
                limit = end(after: Double(row) / total, perUnit)
            }
            sum += values[row]
        }
        centroids.append((sum / Double(values.count - start), values.count - start))
        return centroids
    }

    /// The share that lies one unit of k1 above another; 1 at the upper end.
    private static func end(after share: Double, _ perUnit: Double) -> Double {
        let k = perUnit * asin(2 * share - 1) + 1
        return k >= perUnit * Double.pi / 2 ? 1 : (sin(k / perUnit) + 1) / 2
    }
}
