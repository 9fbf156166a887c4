import ParallaxCore

/// Min and max as the file keeps them. Nil where the type has no order that readers agree on, or where the values are too long.
enum Extremes {
    /// Longer strings are not worth their place in the metadata; a file without extremes is only read more, never wrongly.
    static let maximumBytes = 64

    static func of(_ column: ParquetColumn, type: ParquetType) -> (minimum: [UInt8], maximum: [UInt8])? {
        switch (column.values, type) {
        case (.bool(let values), _):
            return range(values, column.nulls) { $0 < $1 }.map { ([$0.0], [$0.1]) }
        case (.int64(let values), .int32), (.int64(let values), .date):
            return range(values, column.nulls) { $0 < $1 }.map {
                (littleEndian(Int32(truncatingIfNeeded: $0.0)), littleEndian(Int32(truncatingIfNeeded: $0.1)))
            }
        case (.int64(let values), _):
            return range(values, column.nulls) { $0 < $1 }.map { (littleEndian($0.0), littleEndian($0.1)) }
        case (.int128(let values), _):
            return range(values, column.nulls) { $0 < $1 }.map { (bigEndian($0.0), bigEndian($0.1)) }
        case (.double(let values), _):
            // One NaN has no place in any order: no extremes then. Zeros have two signs: the range takes both in.
            guard !values.contains(where: \.isNaN), let (low, high) = range(values, column.nulls, { $0 < $1 }) else { return nil }
            return (littleEndian((low == 0 ? -0.0 : low).bitPattern), littleEndian((high == 0 ? 0.0 : high).bitPattern))
        case (.bytes(let values), .string):
            return strings(values, column.nulls)
        case (.bytes, _):
            return nil
        }
    }

    private static func range<T>(_ values: [T], _ nulls: [UInt8], _ less: (T, T) -> Bool) -> (T, T)? {
        var extremes: (T, T)?
        for row in values.indices where nulls.isEmpty || nulls[row] == 0 {
            let value = values[row]
            guard let (low, high) = extremes else {
                extremes = (value, value)
                continue
            }
            if less(value, low) { extremes = (value, high) } else if less(high, value) { extremes = (low, value) }
        }
        return extremes
    }

    /// Bytewise, which is the order of UTF-8 strings in Parquet.
    private static func strings(_ values: ByteColumn, _ nulls: [UInt8]) -> ([UInt8], [UInt8])? {
        var lowest: Int?
        var highest: Int?
        values.bytes.withUnsafeBytes { arena in
            func value(_ row: Int) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: arena[values.start(row)..<values.ends[row]])
            }
            for row in 0..<values.count where nulls.isEmpty || nulls[row] == 0 {
                if lowest.map({ precedes(value(row), value($0)) }) ?? true { lowest = row }
                if highest.map({ precedes(value($0), value(row)) }) ?? true { highest = row }
            }
        }
        guard let lowest, let highest else { return nil }
        let extremes = (Array(values[lowest]), Array(values[highest]))
        return max(extremes.0.count, extremes.1.count) <= maximumBytes ? extremes : nil
    }

    private static func precedes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        for index in 0..<min(a.count, b.count) where a[index] != b[index] { return a[index] < b[index] }
        return a.count < b.count
    }

    private static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    static func bigEndian(_ value: Int128) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
}

extension ParquetStatistics {
    /// What the bytes of the metadata mean for this type; parts that make no sense are left out.
    init(_ raw: FileMetadata.RawStatistics, type: ParquetType, physical: PhysicalType, hasTypeOrder: Bool) {
        nullCount = raw.nullCount
        minimum = hasTypeOrder ? raw.minimum.flatMap { Self.extreme($0, type, physical) } : nil
        maximum = hasTypeOrder ? raw.maximum.flatMap { Self.extreme($0, type, physical) } : nil
    }

    private static func extreme(_ bytes: [UInt8], _ type: ParquetType, _ physical: PhysicalType) -> Extreme? {
        func integer<T: FixedWidthInteger>(_: T.Type) -> T? {
            bytes.count == MemoryLayout<T>.size ? bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(as: T.self)) } : nil
        }
        switch (physical, type) {
        case (_, .unsupported): return nil
        case (.boolean, _): return bytes.count == 1 ? .bool(bytes[0] != 0) : nil
        case (.int32, _): return integer(Int32.self).map { .int64(Int64($0)) }
        case (.int64, _): return integer(Int64.self).map { .int64($0) }
        case (.double, _): return integer(UInt64.self).map { .double(Double(bitPattern: $0)) }
        case (.fixedLengthByteArray, .decimal(let precision, _)):
            guard let value = PlainDecoding.bigEndian(bytes[...]) else { return nil }
            return precision <= ParquetType.maximumInt64Precision ? Int64(exactly: value).map { .int64($0) } : .int128(value)
        case (.byteArray, _), (.fixedLengthByteArray, _): return .bytes(bytes)
        default: return nil
        }
    }
}
