import Columns
import ParallaxCore
import ViewLanguage

// Source of the rules: PostgreSQL 15, src/backend/utils/adt/{timestamp.c, date.c}. A timestamptz is computed with in UTC, as in a
// session whose TimeZone is UTC, but where an expression names a zone.

extension Evaluator {
    mutating func time(_ function: Expression.Function, _ arguments: [Vector], _ type: ScalarType, _ frame: CallFrame) -> Vector {
        switch function {
        case .extract, .datePart: return part(arguments, type, frame)
        case .intervalAdd, .intervalSubtract, .intervalMultiply, .intervalDivide, .intervalNegate, .timeBetween, .justifyHours,
            .justifyDays,
            .justifyInterval:
            return interval(function, arguments, frame)
        case .truncateTime where type == .interval: return interval(function, arguments, frame)
        default: break
        }
        let found: (values: [Int64], nulls: [UInt8])
        switch function {
        case .addInterval, .subtractInterval:
            let (time, size) = (IntegerArgument(arguments[0]), IntervalArgument(arguments[1]))
            found = values(frame, zero: 0) { (row) throws(RowProblem) in
                if type == .time {
                    // Days and months are passed over, and clocks go round, also where 64 bits do.
                    let rest = size[row].microseconds
                    let sum = function == .addInterval ? time[row] &+ rest : time[row] &- rest
                    return floorDivide(sum, CalendarInterval.microsecondsPerDay).remainder
                }
                if function == .addInterval { return try CalendarTime.adding(size[row], to: time[row]) }
                return try CalendarTime.subtracting(size[row], from: time[row])
            }
        case .addDays, .subtractDays:
            let (date, days) = (IntegerArgument(arguments[0]), IntegerArgument(arguments[1]))
            found = values(frame, zero: 0) { (row) throws(RowProblem) in
                let sum = function == .addDays ? date[row] + days[row] : date[row] - days[row]
                guard CalendarTime.dates.contains(sum) else { throw RowProblem("date out of range") }
                return sum
            }
        case .daysBetween:
            let (a, b) = (IntegerArgument(arguments[0]), IntegerArgument(arguments[1]))
            found = values(frame, zero: 0) { (row) throws(RowProblem) in a[row] - b[row] }
        case .truncateTime:
            let (unit, time) = (TimeField(constantText(arguments[0])), IntegerArgument(arguments[1]))
            let name = arguments.count > 2 ? constantText(arguments[2]) : nil
            let rules = name.flatMap { TimeZoneRules($0) }
            found = values(frame, zero: 0) { (row) throws(RowProblem) in
                guard let unit else { preconditionFailure("a unit that nobody knows") }
                if let name, rules == nil { throw Self.unknownZone(name) }
                return try CalendarTime.truncated(time[row], to: unit, in: rules)
            }
        case .binTime:
            let (size, time, origin) = (IntervalArgument(arguments[0]), IntegerArgument(arguments[1]), IntegerArgument(arguments[2]))
            found = values(frame, zero: 0) { (row) throws(RowProblem) in
                try CalendarTime.binned(time[row], size: size[row], origin: origin[row])
            }
        case .atZone:
            let name = constantText(arguments[0])
            let rules = TimeZoneRules(name)
            let time = IntegerArgument(arguments[1])
            let toLocal = type == .timestamp
            found = values(frame, zero: 0) { (row) throws(RowProblem) in
                guard let rules else { throw Self.unknownZone(name) }
                let seconds = floorDivide(time[row], 1_000_000).quotient
                let offset = (toLocal ? rules.offset(at: seconds) : rules.offset(ofLocal: seconds)) * 1_000_000
                return try CalendarTime.checked(
                    toLocal ? time[row].addingReportingOverflow(offset) : time[row].subtractingReportingOverflow(offset))
            }
        case .secondsToTime:
            let seconds = FloatArgument(arguments[0])
            found = values(frame, zero: 0) { (row) throws(RowProblem) in try CalendarTime.fromEpoch(seconds[row]) }
        default: preconditionFailure("\(function) gives no \(type)")
        }
        return Vector(type: type, values: .int64(found.values), nulls: found.nulls, isConstant: frame.isConstant)
    }

    private mutating func interval(_ function: Expression.Function, _ arguments: [Vector], _ frame: CallFrame) -> Vector {
        let found: (values: [UInt128], nulls: [UInt8])
        switch function {
        case .timeBetween:
            let (a, b) = (IntegerArgument(arguments[0]), IntegerArgument(arguments[1]))
            let isClock = arguments[0].type == .time
            found = values(frame, zero: 0) { (row) throws(RowProblem) in
                isClock ? CalendarInterval(microseconds: a[row] - b[row]).bits : try CalendarTime.difference(a[row], b[row]).bits
            }
        case .intervalNegate:
            let a = IntervalArgument(arguments[0])
            found = values(frame, zero: 0) { (row) throws(RowProblem) in try CalendarTime.negated(a[row]).bits }
        case .justifyHours, .justifyDays, .justifyInterval:
            let a = IntervalArgument(arguments[0])
            found = values(frame, zero: 0) { (row) throws(RowProblem) in
                try CalendarTime.justified(a[row], hours: function != .justifyDays, days: function != .justifyHours).bits
            }
        case .truncateTime:
            guard let unit = TimeField(constantText(arguments[0])) else { preconditionFailure("a unit that nobody knows") }
            let a = IntervalArgument(arguments[1])
            found = values(frame, zero: 0) { (row) throws(RowProblem) in CalendarTime.truncated(a[row], to: unit).bits }
        case .intervalAdd, .intervalSubtract:
            let (a, b) = (IntervalArgument(arguments[0]), IntervalArgument(arguments[1]))
            found = values(frame, zero: 0) { (row) throws(RowProblem) in
                try CalendarTime.combined(a[row], b[row], isSum: function == .intervalAdd).bits
            }
        default:
            let (a, factor) = (IntervalArgument(arguments[0]), FloatArgument(arguments[1]))
            found = values(frame, zero: 0) { (row) throws(RowProblem) in
                try CalendarTime.scaled(a[row], by: factor[row], divides: function == .intervalDivide).bits
            }
        }
        return Vector(type: .interval, values: .bits128(found.values), nulls: found.nulls, isConstant: frame.isConstant)
    }

    private mutating func part(_ arguments: [Vector], _ type: ScalarType, _ frame: CallFrame) -> Vector {
        guard let field = TimeField(constantText(arguments[0])) else { preconditionFailure("a field that nobody knows") }
        let value = arguments[1]
        let fields: (Int) -> TimeParts
        switch value.type {
        case .interval:
            let intervals = IntervalArgument(value)
            fields = { TimeParts(intervals[$0]) }
        case .time:
            let clocks = IntegerArgument(value)
            fields = { TimeParts(day: 0, microsecondOfDay: clocks[$0]) }
        case .date:
            let days = IntegerArgument(value)
            fields = { TimeParts(day: days[$0], microsecondOfDay: 0) }
        default:
            let times = IntegerArgument(value)
            fields = { row in
                let (day, rest) = floorDivide(times[row], CalendarInterval.microsecondsPerDay)
                return TimeParts(day: day, microsecondOfDay: rest)
            }
        }
        if type == .float8 {
            let found = values(frame, zero: 0) { (row) throws(RowProblem) in fields(row).double(field) }
            return Vector(type: type, values: .float64(found.values), nulls: found.nulls, isConstant: frame.isConstant)
        }
        let isDate = value.type == .date
        let found = values(frame, zero: 0) { (row) throws(RowProblem) -> Int128 in
            // The seconds of a day are whole.
            let unscaled = fields(row).unscaled(field)
            return isDate && field == .epoch ? unscaled / 1_000_000 : unscaled
        }
        return Vector(type: type, values: narrowed(found.values, type), nulls: found.nulls, isConstant: frame.isConstant)
    }

    private func constantText(_ vector: Vector) -> String {
        guard case .text(let texts) = vector.values, vector.isConstant else { preconditionFailure("a field or a zone that is no constant") }
        return String(decoding: texts.bytes[texts.starts[0]..<texts.ends[0]], as: UTF8.self)
    }

    /// The compiler has seen the zone: this machine's tz database is another one.
    private static func unknownZone(_ name: String) -> RowProblem { RowProblem("time zone \"\(name)\" not recognized") }
}

struct IntervalArgument {
    private let values: [UInt128]
    private let isConstant: Bool
    init(_ vector: Vector) {
        guard case .bits128(let values) = vector.values else { preconditionFailure("\(vector.type) holds no intervals") }
        self.values = values
        isConstant = vector.isConstant
    }
    @inline(__always) subscript(_ position: Int) -> CalendarInterval { CalendarInterval(bits: values[isConstant ? 0 : position]) }
}
