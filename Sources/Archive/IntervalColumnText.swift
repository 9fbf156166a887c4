import ParallaxCore
import ViewLanguage

/// Intervals as text in PostgreSQL's own form, `1 year 2 mons -3 days 04:05:06.789`, every part with its own sign and none with a plus: what
/// PostgreSQL and DuckDB cast to their intervals. Parquet's INTERVAL counts whole milliseconds without a sign, which would lose what PostgreSQL
/// keeps; ISO 8601's durations are no intervals to DuckDB.
enum IntervalColumnText {
    static func column(_ values: [UInt128], nulls: [UInt8]) -> ByteColumn {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        ends.reserveCapacity(values.count)
        for (row, value) in values.enumerated() {
            if nulls.isEmpty || nulls[row] == 0 { append(CalendarInterval(bits: value), to: &bytes) }
            ends.append(bytes.count)
        }
        return ByteColumn(bytes: bytes, ends: ends)
    }

    /// The intervals again; 0 for nulls. Nil where a value is none.
    static func values(_ column: ByteColumn, nulls: [UInt8]) -> [UInt128]? {
        var values: [UInt128] = []
        values.reserveCapacity(column.count)
        for row in 0..<column.count {
            if !nulls.isEmpty && nulls[row] != 0 {
                values.append(0)
                continue
            }
            let read = column[row].withUnsafeBytes { try? IntervalText.read($0) }
            guard let interval = read else { return nil }
            values.append(interval.bits)
        }
        return values
    }

    private static func append(_ interval: CalendarInterval, to bytes: inout [UInt8]) {
        let start = bytes.count
        for (value, unit) in [(interval.months / 12, "year"), (interval.months % 12, "mon"), (interval.days, "day")] where value != 0 {
            if bytes.count > start { bytes.append(UInt8(ascii: " ")) }
            bytes += "\(value) \(unit)\(value == 1 ? "" : "s")".utf8
        }
        guard interval.microseconds != 0 || bytes.count == start else { return }
        if bytes.count > start { bytes.append(UInt8(ascii: " ")) }
        // The one number of microseconds that has no clock for PostgreSQL.
        guard interval.microseconds != .min else { return bytes += "\(Int64.min) us".utf8 }
        if interval.microseconds < 0 { bytes.append(UInt8(ascii: "-")) }
        let seconds = interval.microseconds.magnitude / 1_000_000
        for (index, part) in [seconds / 3_600, seconds / 60 % 60, seconds % 60].enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ":")) }
            if part < 10 { bytes.append(UInt8(ascii: "0")) }
            bytes += "\(part)".utf8
        }
        let fraction = interval.microseconds.magnitude % 1_000_000
        guard fraction != 0 else { return }
        var digits = String(fraction + 1_000_000).utf8.dropFirst()
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        bytes.append(UInt8(ascii: "."))
        bytes += digits
    }
}
