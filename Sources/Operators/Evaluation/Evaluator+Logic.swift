import Columns
import ViewLanguage

// Three-valued logic: a truth value is 0, 1, or null.

extension Evaluator {
    func not(_ operand: Vector) -> Vector {
        guard case .bool(let values) = operand.values else { preconditionFailure("NOT of type \(operand.type)") }
        var result = operand
        result.values = .bool(values.map { $0 ^ 1 })
        return result
    }

    /// AND (decisive value false) and OR (decisive value true): the decisive value wins over unknown, unknown over the other.
    mutating func connect(_ operands: [Expression], _ rows: [Int32], decisive: UInt8) -> Vector {
        var values = [UInt8](repeating: decisive ^ 1, count: rows.count)
        var nulls = [UInt8](repeating: 0, count: rows.count)
        var hasNull = false
        // Positions that no operand has decided yet.
        var open = Array(0..<Int32(rows.count))
        for operand in operands where !open.isEmpty {
            let vector = evaluate(operand, open.count == rows.count ? rows : gather(rows, open)).spread(open.count)
            guard case .bool(let truths) = vector.values else { preconditionFailure("AND or OR of type \(vector.type)") }
            var stillOpen: [Int32] = []
            stillOpen.reserveCapacity(open.count)
            for position in 0..<open.count {
                let target = Int(open[position])
                if vector.isNull(position) {
                    nulls[target] = 1
                    hasNull = true
                } else if truths[position] == decisive {
                    values[target] = decisive
                    nulls[target] = 0
                    continue
                }
                stillOpen.append(open[position])
            }
            open = stillOpen
        }
        return Vector(type: .bool, values: .bool(values), nulls: hasNull ? nulls : [])
    }

    func nullTest(_ operand: Vector, _ count: Int, isNull: Bool) -> Vector {
        let whenNotNull: UInt8 = isNull ? 0 : 1
        let nulls = operand.spread(count).nulls
        let values = nulls.isEmpty ? [UInt8](repeating: whenNotNull, count: count) : nulls.map { $0 ^ whenNotNull }
        return Vector(type: .bool, values: .bool(values), nulls: [])
    }

    func truthTest(_ operand: Vector, _ count: Int, _ truth: Expression.Truth, _ isNegated: Bool) -> Vector {
        let vector = operand.spread(count)
        guard case .bool(let truths) = vector.values else { preconditionFailure("IS TRUE of type \(vector.type)") }
        let values = (0..<count).map { position -> UInt8 in
            let holds =
                switch truth {
                case .unknown: vector.isNull(position)
                case .true: !vector.isNull(position) && truths[position] != 0
                case .false: !vector.isNull(position) && truths[position] == 0
                }
            return holds != isNegated ? 1 : 0
        }
        return Vector(type: .bool, values: .bool(values), nulls: [])
    }

    /// `value IN (a, b)` is `value = a OR value = b`, with the value evaluated once.
    mutating func inList(_ operand: Expression, _ list: [Expression], _ rows: [Int32]) -> Vector {
        let value = evaluate(operand, rows).spread(rows.count)
        var values = [UInt8](repeating: 0, count: rows.count)
        var nulls = [UInt8](repeating: 0, count: rows.count)
        var open = Array(0..<Int32(rows.count))
        for element in list where !open.isEmpty {
            let isWhole = open.count == rows.count
            let other = evaluate(element, isWhole ? rows : gather(rows, open))
            let equal = compare(.equal, isWhole ? value : value.at(open), other, count: open.count)
            guard case .bool(let truths) = equal.values else { preconditionFailure("a comparison of type \(equal.type)") }
            var stillOpen: [Int32] = []
            stillOpen.reserveCapacity(open.count)
            for position in 0..<open.count {
                let target = Int(open[position])
                if equal.isNull(position) {
                    nulls[target] = 1
                } else if truths[position] != 0 {
                    values[target] = 1
                    nulls[target] = 0
                    continue
                }
                stillOpen.append(open[position])
            }
            open = stillOpen
        }
        return Vector(type: .bool, values: .bool(values), nulls: nulls.contains(1) ? nulls : [])
    }

    /// The first operand that is not null.
    mutating func coalesce(_ operands: [Expression], _ type: ScalarType, _ rows: [Int32]) -> Vector {
        var result = Vector.null(type).spread(rows.count)
        var open = Array(0..<Int32(rows.count))
        for operand in operands where !open.isEmpty {
            let openRows = open.count == rows.count ? rows : gather(rows, open)
            // Numerics come with scales of their own; the result's type says which one holds them all.
            let vector = cast(evaluate(operand, openRows), to: type, openRows).spread(open.count)
            result.fill(open, from: vector)
            if vector.nulls.isEmpty { open = [] } else { open = open.indices.filter { vector.nulls[$0] != 0 }.map { open[$0] } }
        }
        if open.isEmpty { result.nulls = [] }
        return result
    }
}

extension Vector {
    /// Writes the values of a vector to some positions.
    mutating func fill(_ positions: [Int32], from source: Vector) {
        if positions.count == nulls.count {
            self = source
            if nulls.isEmpty { nulls = [UInt8](repeating: 0, count: positions.count) }
            return
        }
        for (index, position) in positions.enumerated() { nulls[Int(position)] = source.isNull(index) ? 1 : 0 }
        switch (values, source.values) {
        case (.int64(var target), .int64(let new)):
            scatter(&target, positions, new)
            values = .int64(target)
        case (.int128(var target), .int128(let new)):
            scatter(&target, positions, new)
            values = .int128(target)
        case (.float64(var target), .float64(let new)):
            scatter(&target, positions, new)
            values = .float64(target)
        case (.bool(var target), .bool(let new)):
            scatter(&target, positions, new)
            values = .bool(target)
        case (.bits128(var target), .bits128(let new)):
            scatter(&target, positions, new)
            values = .bits128(target)
        case (.text(var target), .text(let new)):
            let base = target.bytes.count
            target.bytes += new.bytes
            scatter(&target.starts, positions, new.starts.map { $0 + base })
            scatter(&target.ends, positions, new.ends.map { $0 + base })
            values = .text(target)
        default: preconditionFailure("values of \(type) among \(source.type)")
        }
    }
}

private func scatter<T>(_ target: inout [T], _ positions: [Int32], _ values: [T]) {
    for (index, position) in positions.enumerated() { target[Int(position)] = values[index] }
}
