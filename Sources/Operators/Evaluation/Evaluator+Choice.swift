import Columns
import ViewLanguage

extension Evaluator {
    /// CASE: each condition for the rows that no earlier one took, each value for the rows of its branch only.
    mutating func choice(_ branches: [Expression.Branch], otherwise: Expression, _ type: ScalarType, _ rows: [Int32]) -> Vector {
        var result = Vector.null(type).spread(rows.count)
        var open = Array(0..<Int32(rows.count))
        for branch in branches where !open.isEmpty {
            let taken = positionsWhere(branch.condition, gather(rows, open))
            guard !taken.isEmpty else { continue }
            put(branch.value, at: gather(open, taken), type, rows, into: &result)
            var isTaken = [Bool](repeating: false, count: open.count)
            for position in taken { isTaken[Int(position)] = true }
            open = open.indices.filter { !isTaken[$0] }.map { open[$0] }
        }
        if !open.isEmpty { put(otherwise, at: open, type, rows, into: &result) }
        if !result.nulls.contains(1) { result.nulls = [] }
        return result
    }

    private mutating func put(_ value: Expression, at positions: [Int32], _ type: ScalarType, _ rows: [Int32], into result: inout Vector) {
        let chosen = gather(rows, positions)
        result.fill(positions, from: cast(evaluate(value, chosen), to: type, chosen).spread(positions.count))
    }

    /// The largest or smallest of the arguments that are not null; the first one of equals.
    mutating func extremum(_ arguments: [Expression], isGreatest: Bool, _ type: ScalarType, _ rows: [Int32]) -> Vector {
        var result = Vector.null(type).spread(rows.count)
        let all = Array(0..<Int32(rows.count))
        for argument in arguments {
            let value = cast(evaluate(argument, rows), to: type, rows).spread(rows.count)
            let better = compare(isGreatest ? .greater : .less, value, result, count: rows.count)
            guard case .bool(let isBetter) = better.values else { preconditionFailure("a comparison of type \(better.type)") }
            let positions = all.filter { position in
                let position = Int(position)
                if value.isNull(position) { return false }
                return result.isNull(position) || isBetter[position] != 0
            }
            if !positions.isEmpty { result.fill(positions, from: value.at(positions)) }
        }
        if !result.nulls.contains(1) { result.nulls = [] }
        return result
    }

    mutating func nullIf(_ arguments: [Expression], _ type: ScalarType, _ rows: [Int32]) -> Vector {
        var value = evaluate(arguments[0], rows).spread(rows.count)
        let equal = compare(.equal, value, evaluate(arguments[1], rows), count: rows.count)
        guard case .bool(let isEqual) = equal.values else { preconditionFailure("a comparison of type \(equal.type)") }
        if value.nulls.isEmpty { value.nulls = [UInt8](repeating: 0, count: rows.count) }
        for position in 0..<rows.count where !equal.isNull(position) && isEqual[equal.isConstant ? 0 : position] != 0 {
            value.nulls[position] = 1
        }
        return value
    }
}
