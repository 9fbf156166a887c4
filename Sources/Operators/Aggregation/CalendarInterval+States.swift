import Columns
import ParallaxCore

// min, max and percentiles of intervals.

extension CalendarInterval: ExtremumValue {
    static var zero: CalendarInterval { CalendarInterval() }
    static func read(_ values: Vector.Values) -> [CalendarInterval] {
        if case .bits128(let bits) = values { bits.map { CalendarInterval(bits: $0) } } else { [] }
    }
    static func storage(_ values: [CalendarInterval]) -> Column.Storage { .bits128(values.map(\.bits)) }
}

extension CalendarInterval: PercentileValue {
    /// Seconds.
    func approximation(scale: Int) -> Double { Double(span) / 1_000_000 }

    func appendText(scale: Int, to buffer: inout [UInt8]) {
        buffer.append(UInt8(ascii: "\""))
        TextOutput.append(interval: self, isInput: true, to: &buffer)
        buffer.append(UInt8(ascii: "\""))
    }

    /// percentile_cont adds differences of intervals: not next to the ends of their range.
    var canBeMergedAsItIs: Bool {
        months.magnitude < 1 << 24 && days.magnitude < 1 << 24 && microseconds.magnitude < 1 << 53
    }

    /// first + (second - first) * fraction, part by part. Beyond an interval's range, where PostgreSQL raises an error, the greatest or the
    /// least one: a group's result is no place to reject a record at.
    static func interpolated(_ sorted: ArraySlice<CalendarInterval>, _ fraction: Double) -> CalendarInterval {
        let place = fraction * Double(sorted.count - 1)
        let first = sorted[sorted.startIndex + Int(place.rounded(.down))]
        let second = sorted[sorted.startIndex + Int(place.rounded(.up))]
        if place == place.rounded(.down) { return first }
        do throws(RowProblem) {
            let difference = try CalendarTime.combined(second, first, isSum: false)
            let part = try CalendarTime.scaled(difference, by: place - place.rounded(.down), divides: false)
            return try CalendarTime.combined(part, first, isSum: true)
        } catch {
            return first.span + second.span > 0 ? .greatest : .least
        }
    }
}
