import Disk
import ParallaxCore

/// Looks for what cannot be read in a partition, by its files alone: a good frame is found by its magic, its checksum and its offset.
///
///     readable ∪ damaged  =  [from, published end)         and no offset is in both
///
/// A damaged stretch ends at the next good frame, or where the next segment begins, or at the published end.
/// (A payload that holds the bytes of a whole frame with a fitting offset, in a damaged frame, is taken for one.)
struct DamageScan {
    let paths: LogPaths
    let partition: Partition
    let end: DurableEnd

    /// - Parameter isEnough: asked after each; true ends the search.
    func damages(from offset: Int64, until isEnough: (LogDamage) -> Bool = { _ in false }) throws(ParallaxError) -> [LogDamage] {
        let segments = try paths.segments(of: partition).filter { $0 <= end.segment }
        let first = segments.lastIndex { $0 <= offset } ?? 0
        var found: [LogDamage] = []
        /// True where it was enough.
        func add(_ offsets: Range<Int64>, _ file: String, _ bytes: Range<Int>?, _ flaw: String) -> Bool {
            guard offsets.upperBound > offset, !offsets.isEmpty else { return false }
            let damage = LogDamage(
                partition: partition, offsets: Offset(offsets.lowerBound)..<Offset(offsets.upperBound), file: file, bytes: bytes, flaw: flaw
            )
            found.append(damage)
            return isEnough(damage)
        }
        var expected = max(offset, end.earliest)
        if !segments.isEmpty, segments[first] <= expected { expected = segments[first] }
        for index in segments.indices.dropFirst(first) {
            let base = segments[index]
            if expected < base, add(expected..<base, paths.segment(expected, of: partition), nil, "the file is missing, or its end is") {
                return found
            }
            expected = base
            let next = index + 1 < segments.count ? segments[index + 1] : end.end
            let path = paths.segment(base, of: partition)
            guard let file = try File.read(path) else { continue }
            let window = FileWindow(file)
            let size = try file.size()
            let limit = base == end.segment ? min(end.bytes, size) : size
            var position = 0
            while position < limit, expected < next {
                let flaw: Frame.Flaw
                switch try window.frame(at: position, expectedBase: expected, limit: limit) {
                case .success(let frame):
                    position += frame.length
                    expected = frame.end
                    continue
                case .failure(let found): flaw = found
                }
                let good = try window.nextFrame(from: position, limit: limit, above: expected, below: next)
                if add(expected..<(good?.base ?? next), path, position..<(good?.position ?? limit), flaw.description) { return found }
                expected = good?.base ?? next
                position = good?.position ?? limit
            }
        }
        if expected < end.end {
            _ = add(expected..<end.end, paths.segment(expected, of: partition), nil, "the file is missing, or its end is")
        }
        return found
    }

    /// Where the frame begins that holds the offset; nil where it is damaged or missing.
    func mark(of offset: Int64) throws(ParallaxError) -> (segment: Int64, mark: FrameMark)? {
        guard let base = try paths.segments(of: partition).last(where: { $0 <= offset }),
            let file = try File.read(paths.segment(base, of: partition))
        else { return nil }
        let window = FileWindow(file)
        let limit = base == end.segment ? min(end.bytes, try file.size()) : try file.size()
        var position = 0
        var expected = base
        while position < limit, expected <= offset {
            switch try window.frame(at: position, expectedBase: expected, limit: limit) {
            case .success(let frame):
                if offset < frame.end { return (base, FrameMark(offset: frame.base, position: position)) }
                position += frame.length
                expected = frame.end
            case .failure:
                guard let good = try window.nextFrame(from: position, limit: limit, above: expected) else { return nil }
                position = good.position
                expected = good.base
            }
        }
        return nil
    }
}
