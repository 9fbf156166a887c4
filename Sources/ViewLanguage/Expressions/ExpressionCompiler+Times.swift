import Columns
import ParallaxCore

extension TypeClass {
    var isTime: Bool { timeRank != nil || self == .interval }
}

extension ExpressionCompiler {
    /// Arithmetic with times and intervals; `words` is the operator with its operands' types. A quoted constant is of the other
    /// operand's type where such an operator exists, else an interval, as in PostgreSQL.
    ///
    ///     timestamptz, timestamp  ± interval   the same type
    ///     date                    ± interval   timestamp
    ///     date                    ± integer    date
    ///     date                    - date       integer
    ///     times                   - times      interval, of their common type
    ///     interval                ± interval   interval
    ///     interval                * / number   interval
    ///     time                    ± interval   time
    ///     time                    - time       interval
    ///     date                    + time       timestamp
    ///
    /// Next to a timestamp, and right of a date, a time is an interval.
    func computeTime(
        _ arithmetic: Expression.Arithmetic, _ words: String, _ left: Operand, _ right: Operand, at offset: Int
    ) throws(Refusal) -> Expression {
        let (a, b) = (left.typeClass, right.typeClass)
        let none = Self.noOperator(words, at: offset)
        if a == .time || b == .time { return try computeClock(arithmetic, left, right, none) }
        switch arithmetic {
        case .add:
            if (a ?? .interval) == .interval, (b ?? .interval) == .interval {
                return .call(.intervalAdd, [try typed(left, as: .interval), try typed(right, as: .interval)], .interval)
            }
            if let a, a.timeRank != nil { return try shift(left, a, by: right, .addInterval, .addDays, none) }
            if let b, b.timeRank != nil { return try shift(right, b, by: left, .addInterval, .addDays, none) }
        case .subtract:
            if (a ?? .interval) == .interval, (b ?? .interval) == .interval {
                return .call(.intervalSubtract, [try typed(left, as: .interval), try typed(right, as: .interval)], .interval)
            }
            if let common = a == nil ? b : b == nil ? a : TypeClass.common(a ?? .text, b ?? .text), common.timeRank != nil {
                let (x, y) = (try typed(left, as: common), try typed(right, as: common))
                return common == .date ? .call(.daysBetween, [x, y], .int4) : .call(.timeBetween, [x, y], .interval)
            }
            if let a, a.timeRank != nil { return try shift(left, a, by: right, .subtractInterval, .subtractDays, none) }
        case .multiply:
            let (interval, number) = a == .interval ? (left, right) : (right, left)
            if (number.typeClass ?? .float8).numberRank != nil {
                return .call(.intervalMultiply, [try typed(interval, as: .interval), try typed(number, as: .float8)], .interval)
            }
        case .divide:
            if a == .interval, (b ?? .float8).numberRank != nil {
                return .call(.intervalDivide, [try typed(left, as: .interval), try typed(right, as: .float8)], .interval)
            }
        case .modulo: break
        }
        throw none
    }

    private func computeClock(_ arithmetic: Expression.Arithmetic, _ left: Operand, _ right: Operand, _ none: Refusal) throws(Refusal)
        -> Expression
    {
        func interval(_ operand: Operand) throws(Refusal) -> Expression { .cast(try typed(operand, as: .time), to: .interval) }
        switch (arithmetic, left.typeClass, right.typeClass) {
        case (.add, .time, .interval): return .call(.addInterval, [try typed(left, as: .time), try typed(right, as: .interval)], .time)
        case (.add, .interval, .time): return .call(.addInterval, [try typed(right, as: .time), try typed(left, as: .interval)], .time)
        case (.subtract, .time, .interval):
            return .call(.subtractInterval, [try typed(left, as: .time), try typed(right, as: .interval)], .time)
        case (.subtract, .time, .time), (.subtract, nil, .time), (.subtract, .time, nil):
            return .call(.timeBetween, [try typed(left, as: .time), try typed(right, as: .time)], .interval)
        case (.add, .date, .time):
            return .call(.addInterval, [try typed(left, as: .timestamp), try interval(right)], .timestamp)
        case (.add, .time, .date):
            return .call(.addInterval, [try typed(right, as: .timestamp), try interval(left)], .timestamp)
        case (.add, .timestamp?, .time), (.add, .timestamptz?, .time):
            return .call(
                .addInterval, [try typed(left, as: left.typeClass ?? .timestamp), try interval(right)],
                (left.typeClass ?? .timestamp).plainType)
        case (.add, .time, .timestamp?), (.add, .time, .timestamptz?):
            return .call(
                .addInterval, [try typed(right, as: right.typeClass ?? .timestamp), try interval(left)],
                (right.typeClass ?? .timestamp).plainType)
        case (.subtract, .date, .time):
            return .call(.subtractInterval, [try typed(left, as: .timestamp), try interval(right)], .timestamp)
        case (.subtract, .timestamp?, .time), (.subtract, .timestamptz?, .time):
            return .call(
                .subtractInterval, [try typed(left, as: left.typeClass ?? .timestamp), try interval(right)],
                (left.typeClass ?? .timestamp).plainType)
        default: throw none
        }
    }

    private func shift(
        _ time: Operand, _ kind: TypeClass, by amount: Operand, _ withInterval: Expression.Function, _ withDays: Expression.Function,
        _ none: Refusal
    ) throws(Refusal) -> Expression {
        if kind == .date, amount.typeClass == .int4 {
            return .call(withDays, [try typed(time, as: .date), try typed(amount, as: .int4)], .date)
        }
        guard (amount.typeClass ?? .interval) == .interval, kind != .date || amount.typeClass != nil else { throw none }
        let base = kind == .date ? TypeClass.timestamp : kind
        return .call(withInterval, [try typed(time, as: base), try typed(amount, as: .interval)], base.plainType)
    }

    /// extract(field FROM x) in numeric, date_part(field, x) in double precision.
    func datePart(_ name: String, _ operands: [Operand], at offset: Int) throws(Refusal) -> Operand {
        guard operands.count == 2, (operands[0].typeClass ?? .text) == .text, let kind = operands[1].typeClass, kind.isTime || kind == .time
        else {
            throw Self.noFunction(name, operands, at: offset)
        }
        let word = try constantText(operands[0], of: name)
        // PostgreSQL's extract has a date of its own; date_part takes it for a timestamp.
        let value = try typed(operands[1], as: name == "date_part" && kind == .date ? .timestamp : kind)
        let shown = kind == .date && name == "date_part" ? TypeClass.timestamp : kind
        guard let field = TimeField(word), field.isPart(of: shown) else {
            let known = TimeField(word) != nil
            throw Refusal(
                operands[0].offset,
                known
                    ? "unit \"\(word)\" not supported for type \(shown.sqlName)"
                    : "unit \"\(word)\" not recognized for type \(shown.sqlName)",
                hint: "fields: \(TimeField.allCases.filter { $0.isPart(of: shown) }.map(\.rawValue).joined(separator: ", "))")
        }
        let arguments = [Expression.literal(.text(field.rawValue), .text), value]
        if name == "date_part" { return Operand(.call(.datePart, arguments, .float8), at: offset) }
        let type: ScalarType
        switch field {
        // A time's seconds have no more than five digits before the point.
        case .epoch where kind == .time: type = .numeric(precision: 12, scale: 6)
        case .epoch: type = kind == .date ? .numeric(precision: 18, scale: 0) : .numeric(precision: 26, scale: 6)
        case .second: type = .numeric(precision: 8, scale: 6)
        case .millisecond: type = .numeric(precision: 8, scale: 3)
        default: type = .numeric(precision: 12, scale: 0)
        }
        return Operand(.call(.extract, arguments, type), at: offset)
    }

    func truncateTime(_ operands: [Operand], at offset: Int) throws(Refusal) -> Operand {
        guard (2...3).contains(operands.count), (operands[0].typeClass ?? .text) == .text else {
            throw Self.noFunction("date_trunc", operands, at: offset)
        }
        if operands.count == 2, operands[1].typeClass == .interval || operands[1].typeClass == .time {
            return try truncateInterval(operands, at: offset)
        }
        var kind = operands[1].typeClass ?? .timestamptz
        if kind == .date || operands.count == 3 && kind == .timestamp { kind = .timestamptz }
        guard kind.timeRank != nil else { throw Self.noFunction("date_trunc", operands, at: offset) }
        let word = try constantText(operands[0], of: "date_trunc")
        guard let unit = TimeField(word), unit.isUnit else {
            throw Refusal(
                operands[0].offset, "unit \"\(word)\" not recognized for type \(kind.sqlName)",
                hint: "units: \(TimeField.allCases.filter(\.isUnit).map(\.rawValue).joined(separator: ", "))")
        }
        var arguments = [Expression.literal(.text(unit.rawValue), .text), try typed(operands[1], as: kind)]
        if operands.count == 3 { arguments.append(try zone(operands[2], of: "date_trunc")) }
        return Operand(.call(.truncateTime, arguments, kind.plainType), at: offset)
    }

    /// A time is an interval there.
    private func truncateInterval(_ operands: [Operand], at offset: Int) throws(Refusal) -> Operand {
        let word = try constantText(operands[0], of: "date_trunc")
        let unit = TimeField(word)
        if unit == .week {
            throw Refusal(
                operands[0].offset, "unit \"\(word)\" not supported for type interval",
                hint: "months usually have fractional weeks; take days")
        }
        guard let unit, unit.isUnit else {
            throw Refusal(
                operands[0].offset, "unit \"\(word)\" not recognized for type interval",
                hint: "units: \(TimeField.allCases.filter { $0.isUnit && $0 != .week }.map(\.rawValue).joined(separator: ", "))")
        }
        let value = try typed(operands[1], as: .interval)
        return Operand(.call(.truncateTime, [.literal(.text(unit.rawValue), .text), value], .interval), at: offset)
    }

    func binTime(_ operands: [Operand], at offset: Int) throws(Refusal) -> Operand {
        guard operands.count == 3, (operands[0].typeClass ?? .interval) == .interval else {
            throw Self.noFunction("date_bin", operands, at: offset)
        }
        let kinds = operands[1...].compactMap(\.typeClass)
        for kind in kinds where kind.timeRank == nil { throw Self.noFunction("date_bin", operands, at: offset) }
        // There is one for timestamptz and one for timestamp; the first is preferred.
        let kind: TypeClass = !kinds.isEmpty && kinds.allSatisfy { $0 == .timestamp } ? .timestamp : .timestamptz
        let arguments = [
            try typed(operands[0], as: .interval), try typed(operands[1], as: kind), try typed(operands[2], as: kind),
        ]
        return Operand(.call(.binTime, arguments, kind.plainType), at: offset)
    }

    /// `x AT TIME ZONE zone` arrives as timezone(zone, x).
    func atZone(_ operands: [Operand], at offset: Int) throws(Refusal) -> Operand {
        guard operands.count == 2 else { throw Self.noFunction("timezone", operands, at: offset) }
        if operands[0].typeClass == .interval { throw Refusal(operands[0].offset, "a time zone as an interval is not supported") }
        guard (operands[0].typeClass ?? .text) == .text, (operands[1].typeClass ?? .timestamptz).timeRank != nil else {
            throw Self.noFunction("timezone", operands, at: offset)
        }
        let kind: TypeClass = operands[1].typeClass == .timestamp ? .timestamp : .timestamptz
        let arguments = [try zone(operands[0], of: "AT TIME ZONE"), try typed(operands[1], as: kind)]
        return Operand(.call(.atZone, arguments, kind == .timestamp ? .timestamptz : .timestamp), at: min(offset, operands[1].offset))
    }

    private func zone(_ operand: Operand, of what: String) throws(Refusal) -> Expression {
        let name = try constantText(operand, of: what)
        guard TimeZoneRules(name) != nil else {
            throw Refusal(
                operand.offset, "time zone \"\(name)\" not recognized",
                hint: "write the name of a region and a place as the tz database has it, such as 'America/New_York', or 'UTC'")
        }
        return .literal(.text(name), .text)
    }

    private func constantText(_ operand: Operand, of what: String) throws(Refusal) -> String {
        switch operand.value {
        case .unknown(let text?): return text
        case .typed(.literal(.text(let text), _)): return text
        default:
            throw Refusal(operand.offset, "this argument of \(what) must be a constant", hint: "write it in quotes")
        }
    }
}
