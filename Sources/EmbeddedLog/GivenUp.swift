import Disk
import ParallaxCore

/// The damage that a person gave up, in `<partition>/given-up`: a line each, the first offset and the one behind the last. It is looked at where
/// something cannot be read, and nowhere else: records that come back are read.
struct GivenUp {
    private let path: String
    private(set) var ranges: [Range<Int64>] = []

    init(_ paths: LogPaths, _ partition: Partition) throws(ParallaxError) {
        path = "\(paths.folder(of: partition))/given-up"
        guard let file = try File.read(path) else { return }
        let text = String(decoding: try file.contents(), as: UTF8.self)
        for line in text.split(separator: "\n") {
            let numbers = line.split(separator: " ").compactMap { Int64($0) }
            guard numbers.count == 2, 0 <= numbers[0], numbers[0] < numbers[1] else {
                throw ParallaxError(
                    .corrupt, "\(path) holds a line that names no offsets: \(line)",
                    hint: "Remove the line: it says what was given up of the log.")
            }
            ranges.append(numbers[0]..<numbers[1])
        }
    }

    /// Where reading goes on behind an offset that was given up; nil where it was not.
    func end(of offset: Int64) -> Int64? {
        var end = offset
        while let range = ranges.first(where: { $0.contains(end) }) { end = range.upperBound }
        return end > offset ? end : nil
    }

    mutating func add(_ range: Range<Int64>) throws(ParallaxError) {
        guard !ranges.contains(range) else { return }
        ranges.append(range)
        try Disk.write(Array(ranges.map { "\($0.lowerBound) \($0.upperBound)\n" }.joined().utf8), to: path)
    }
}
