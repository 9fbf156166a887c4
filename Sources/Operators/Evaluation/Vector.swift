import Columns
import ParallaxCore

/// The values of one expression over some rows of a batch: one a row, in the rows' order, or one for all of them.
struct Vector {
    enum Values {
        case int64([Int64])
        case int128([Int128])
        case float64([Double])
        case bool([UInt8])
        case text(TextValues)
        /// As in `Column.Storage`: a uuid or an interval.
        case bits128([UInt128])
    }

    var type: ScalarType
    var values: Values
    /// 1 where null. Empty where no value is.
    var nulls: [UInt8]
    /// True where `values` and `nulls` hold one entry that stands for every row.
    var isConstant = false

    @inline(__always) func isNull(_ position: Int) -> Bool { !nulls.isEmpty && nulls[isConstant ? 0 : position] != 0 }

    /// Null for every row.
    static func null(_ type: ScalarType) -> Vector {
        Vector(type: type, values: Values(zerosFor: type, count: 1), nulls: [1], isConstant: true)
    }
}

/// Strings as ranges of an arena that they may share.
struct TextValues {
    var bytes: [UInt8]
    var starts: [Int]
    var ends: [Int]

    @inline(__always) func length(_ position: Int) -> Int { ends[position] - starts[position] }
}

extension Vector.Values {
    init(zerosFor type: ScalarType, count: Int) {
        switch type.layout {
        case .int64: self = .int64([Int64](repeating: 0, count: count))
        case .int128: self = .int128([Int128](repeating: 0, count: count))
        case .float64: self = .float64([Double](repeating: 0, count: count))
        case .bool: self = .bool([UInt8](repeating: 0, count: count))
        case .bits128: self = .bits128([UInt128](repeating: 0, count: count))
        case .text:
            let zeros = [Int](repeating: 0, count: count)
            self = .text(TextValues(bytes: [], starts: zeros, ends: zeros))
        }
    }
}

extension Vector {
    /// The given rows of a column, ascending. All rows of a fixed-width column are shared, not copied.
    init(_ column: Column, rows: [Int32]) {
        type = column.type
        let isWhole = rows.count == column.count
        nulls = column.nulls.isEmpty || isWhole ? column.nulls : gather(column.nulls, rows)
        switch column.storage {
        case .int64(let source): values = .int64(isWhole ? source : gather(source, rows))
        case .int128(let source): values = .int128(isWhole ? source : gather(source, rows))
        case .float64(let source): values = .float64(isWhole ? source : gather(source, rows))
        case .bool(let source): values = .bool(isWhole ? source : gather(source, rows))
        case .bits128(let source): values = .bits128(isWhole ? source : gather(source, rows))
        case .text(let source):
            let ends = isWhole ? source.ends : gather(source.ends, rows)
            let starts = [Int](unsafeUninitializedCapacity: rows.count) { target, count in
                source.ends.withUnsafeBufferPointer { sourceEnds in
                    for (position, row) in rows.enumerated() {
                        target.initializeElement(at: position, to: row == 0 ? 0 : sourceEnds[Int(row) - 1])
                    }
                }
                count = rows.count
            }
            values = .text(TextValues(bytes: source.bytes, starts: starts, ends: ends))
        }
    }

    /// The values at some positions, in their order. A constant stays one.
    func at(_ positions: [Int32]) -> Vector {
        guard !isConstant else { return self }
        var result = self
        if !nulls.isEmpty { result.nulls = gather(nulls, positions) }
        switch values {
        case .int64(let source): result.values = .int64(gather(source, positions))
        case .int128(let source): result.values = .int128(gather(source, positions))
        case .float64(let source): result.values = .float64(gather(source, positions))
        case .bool(let source): result.values = .bool(gather(source, positions))
        case .bits128(let source): result.values = .bits128(gather(source, positions))
        case .text(let source):
            result.values = .text(
                TextValues(bytes: source.bytes, starts: gather(source.starts, positions), ends: gather(source.ends, positions)))
        }
        return result
    }

    /// One entry a row, also where the vector is a constant.
    func spread(_ count: Int) -> Vector {
        guard isConstant else { return self }
        var result = self
        result.isConstant = false
        result.nulls = nulls.isEmpty ? [] : [UInt8](repeating: nulls[0], count: count)
        switch values {
        case .int64(let source): result.values = .int64([Int64](repeating: source[0], count: count))
        case .int128(let source): result.values = .int128([Int128](repeating: source[0], count: count))
        case .float64(let source): result.values = .float64([Double](repeating: source[0], count: count))
        case .bool(let source): result.values = .bool([UInt8](repeating: source[0], count: count))
        case .bits128(let source): result.values = .bits128([UInt128](repeating: source[0], count: count))
        case .text(let source):
            result.values = .text(
                TextValues(
                    bytes: source.bytes, starts: [Int](repeating: source.starts[0], count: count),
                    ends: [Int](repeating: source.ends[0], count: count)))
        }
        return result
    }
}

/// source[index] for each index.
func gather<T>(_ source: [T], _ indices: [Int32]) -> [T] {
    [T](unsafeUninitializedCapacity: indices.count) { target, count in
        source.withUnsafeBufferPointer { source in
            indices.withUnsafeBufferPointer { indices in
                for position in 0..<indices.count { target.initializeElement(at: position, to: source[Int(indices[position])]) }
            }
        }
        count = indices.count
    }
}
