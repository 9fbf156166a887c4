import Columns
import ParallaxCore
import ViewLanguage

extension Evaluator {
    /// Comparison of two vectors of one type class: null where either is, but for IS [NOT] DISTINCT FROM.
    func compare(_ comparison: Expression.Comparison, _ a: Vector, _ b: Vector, count rowCount: Int) -> Vector {
        let isConstant = a.isConstant && b.isConstant
        let count = isConstant ? 1 : rowCount
        var values = truths(comparison, a, b, count: count)
        let nulls = unionOfNulls(a, b, count: count)
        guard comparison == .isDistinct || comparison == .isNotDistinct else {
            return Vector(type: .bool, values: .bool(values), nulls: nulls, isConstant: isConstant)
        }
        if !nulls.isEmpty {
            for position in 0..<count where nulls[position] != 0 {
                let isDistinct = a.isNull(position) != b.isNull(position)
                values[position] = isDistinct == (comparison == .isDistinct) ? 1 : 0
            }
        }
        return Vector(type: .bool, values: .bool(values), nulls: [], isConstant: isConstant)
    }

    private func truths(_ comparison: Expression.Comparison, _ a: Vector, _ b: Vector, count: Int) -> [UInt8] {
        switch (a.values, b.values) {
        case (.int64(let x), .int64(let y)) where a.type.numericScale == b.type.numericScale:
            return ordered(comparison, x, a.isConstant, y, b.isConstant, count)
        case (.int64, .int64), (.int64, .int128), (.int128, .int64), (.int128, .int128):
            let scale = max(a.type.numericScale, b.type.numericScale)
            let x = scaled(a, to: scale)
            let y = scaled(b, to: scale)
            return ordered(comparison, x, a.isConstant, y, b.isConstant, count)
        case (.float64(let x), .float64(let y)):
            return each(x, a.isConstant, y, b.isConstant, count) { x, y in
                // NaN is equal to itself and above all else.
                let order = x < y ? -1 : x > y ? 1 : x == y ? 0 : x.isNaN == y.isNaN ? 0 : x.isNaN ? 1 : -1
                return holds(comparison, order)
            }
        case (.bool(let x), .bool(let y)): return ordered(comparison, x, a.isConstant, y, b.isConstant, count)
        case (.bits128(let x), .bits128(let y)) where a.type == .interval:
            let (spansX, spansY) = (x.map { CalendarInterval(bits: $0).span }, y.map { CalendarInterval(bits: $0).span })
            return ordered(comparison, spansX, a.isConstant, spansY, b.isConstant, count)
        case (.bits128(let x), .bits128(let y)): return ordered(comparison, x, a.isConstant, y, b.isConstant, count)
        case (.text(let x), .text(let y)) where a.type == .decimal:
            return compareDecimals(x, a.isConstant, y, b.isConstant, count, nulls: []) { holds(comparison, $0) }
        case (.text, .text) where a.type.isArray:
            guard case .text(let x) = a.withComparableForms.values, case .text(let y) = b.withComparableForms.values else {
                preconditionFailure("\(a.type) is no array")
            }
            return texts(comparison, x, a.isConstant, y, b.isConstant, count)
        case (.text(let x), .text(let y)): return texts(comparison, x, a.isConstant, y, b.isConstant, count)
        default: preconditionFailure("\(a.type) compared with \(b.type)")
        }
    }

    /// Unscaled values at a larger scale; where that does not fit, the ends of 128 bits, which no numeric reaches.
    private func scaled(_ vector: Vector, to scale: Int) -> [Int128] {
        let from = vector.type.numericScale
        return wide(vector).map { value in Decimal128.rescale(value, from: from, to: scale) ?? (value < 0 ? .min : .max) }
    }

    @inline(__always)
    private func each<T>(
        _ x: [T], _ constantX: Bool, _ y: [T], _ constantY: Bool, _ count: Int, _ test: (T, T) -> Bool
    ) -> [UInt8] {
        mapPairs(x, isConstant: constantX, y, isConstant: constantY, count: count) { (test($0, $1) ? UInt8(1) : 0, .none) }.values
    }

    @inline(__always)
    private func ordered<T: Comparable>(
        _ comparison: Expression.Comparison, _ x: [T], _ constantX: Bool, _ y: [T], _ constantY: Bool, _ count: Int
    ) -> [UInt8] {
        // One loop a comparison, so that each is a plain vector loop.
        switch comparison {
        case .equal, .isNotDistinct: each(x, constantX, y, constantY, count) { $0 == $1 }
        case .notEqual, .isDistinct: each(x, constantX, y, constantY, count) { $0 != $1 }
        case .less: each(x, constantX, y, constantY, count) { $0 < $1 }
        case .lessOrEqual: each(x, constantX, y, constantY, count) { $0 <= $1 }
        case .greater: each(x, constantX, y, constantY, count) { $0 > $1 }
        case .greaterOrEqual: each(x, constantX, y, constantY, count) { $0 >= $1 }
        }
    }

    /// Collation "C": byte by byte.
    private func texts(
        _ comparison: Expression.Comparison, _ x: TextValues, _ constantX: Bool, _ y: TextValues, _ constantY: Bool, _ count: Int
    ) -> [UInt8] {
        x.bytes.withUnsafeBytes { bytesX in
            y.bytes.withUnsafeBytes { bytesY in
                (0..<count).map { position -> UInt8 in
                    let i = constantX ? 0 : position
                    let j = constantY ? 0 : position
                    let (lengthX, lengthY) = (x.length(i), y.length(j))
                    switch comparison {
                    case .equal, .isNotDistinct, .notEqual, .isDistinct:
                        let isEqual = lengthX == lengthY && compareBytes(bytesX, x.starts[i], bytesY, y.starts[j], lengthX) == 0
                        return isEqual == (comparison == .equal || comparison == .isNotDistinct) ? 1 : 0
                    default:
                        let order = compareBytes(bytesX, x.starts[i], bytesY, y.starts[j], min(lengthX, lengthY))
                        return holds(comparison, order != 0 ? order : lengthX - lengthY) ? 1 : 0
                    }
                }
            }
        }
    }
}

@inline(__always)
private func holds(_ comparison: Expression.Comparison, _ order: Int) -> Bool {
    switch comparison {
    case .equal, .isNotDistinct: order == 0
    case .notEqual, .isDistinct: order != 0
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greater: order > 0
    case .greaterOrEqual: order >= 0
    }
}
