import Foundation

/// Values to a t-digest of the PostgreSQL extension tdigest (1.4), in the text that its input function takes.
///
/// The algorithm is the merging digest of Dunning and Ertl, "Computing Extremely Accurate Quantiles Using t-Digests" (2019), with the scale
/// function of the extension itself (k2 there): values in order, a centroid takes the next one while it holds at most the share
/// 2π·ln(n)·q(1−q)/δ of the values at both of its ends, so that those at the ends are single values. With another function (k1, say) the bound that
/// is stated for estimates would hold in the middle only.
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
        // False for NaN, which stands last.
        let isWithin = sorted[0] >= -largest && sorted[sorted.count - 1] <= largest
        let values = isWithin ? sorted : sorted.map { $0.isNaN ? largest : min(max($0, -largest), largest) }
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
        let normalizer = Double(compression) / (2 * Double.pi * total * log(total))
        func room(_ row: Int) -> Double {
            let share = Double(row) / total
            return share * (1 - share)
        }
        var centroids: [(mean: Double, count: Int)] = []
        var start = 0
        var roomAtStart = room(0)
        var sum = values[0]
        for row in 1..<values.count {
            let size = Double(row + 1 - start) * normalizer
            if size <= roomAtStart, size <= room(row + 1) {
                sum += values[row]
            } else {
                centroids.append(centroid(values[start..<row], sum))
                start = row
                roomAtStart = room(row)
                sum = values[row]
            }
        }
        centroids.append(centroid(values[start...], sum))
        return centroids
    }

    private static func centroid(_ values: ArraySlice<Double>, _ sum: Double) -> (mean: Double, count: Int) {
        (min(max(sum / Double(values.count), values[values.startIndex]), values[values.endIndex - 1]), values.count)
    }
}
