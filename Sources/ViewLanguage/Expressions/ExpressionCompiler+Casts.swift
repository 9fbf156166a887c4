import Columns

extension ExpressionCompiler {
    mutating func cast(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["arg", "typeName", "location"], in: statement)
        let argument = try operand(required(body, "arg"))
        let target = try TypeName(required(body, "typeName"), in: statement)
        // `timestamptz '…'` has no place of its own for the cast.
        let start = min(argument.offset, body["location"]?.int == -1 ? statement.offset(body["typeName"]?.location) : argument.offset)
        let (kind, shape): (TypeClass, TypeName.DecimalShape?)
        switch target {
        case .scalar(let itsKind, let itsShape): (kind, shape) = (itsKind, itsShape)
        case .exact(let type): return Operand(try cast(argument, exactly: type, at: offset), at: start)
        }
        let expression: Expression
        switch argument.value {
        case .unknown: expression = try Self.fitted(try typed(argument, as: kind), shape)
        case .typed(let value): expression = try cast(value, to: kind, shape, at: offset)
        }
        return Operand(expression, at: start)
    }

    /// The explicit casts whose PostgreSQL result the evaluator gives exactly:
    ///
    ///     from \ to     int2   int4   int8   numeric  float4, float8  bool          text
    ///     int2, int8    yes    yes    yes    yes      yes             no such cast  yes
    ///     int4          yes    –      yes    yes      yes             yes           yes
    ///     numeric       round  round  round  round    yes             no such cast  where the scale is PostgreSQL's
    ///     floats        even   even   even   yes      yes             no such cast  yes
    ///     bool          no     yes    no     no       no              –             yes
    ///     text          yes    yes    yes    yes      yes             yes           –
    ///
    /// round: half away from zero; even: half to even. A numeric of a text or a float has the digits of each value, unless a precision and a
    /// scale are named. timestamptz, timestamp, date, time, interval and uuid: to and from text; the first three to one another and to time, in UTC;
    /// time and interval to one another; jsonb: see `castJSON`.
    private func cast(_ value: Expression, to kind: TypeClass, _ shape: TypeName.DecimalShape?, at offset: Int) throws(Refusal)
        -> Expression
    {
        let from = value.type.typeClass
        // By way of its output, which has its blanks.
        if from == .bpchar, kind != .text, case .typed(let shown) = try padded(Operand(value, at: offset)).value {
            return try cast(shown, to: kind, shape, at: offset)
        }
        switch (from, kind) {
        case (.numeric, .numeric): return try Self.fitted(value, shape)
        case _ where from == kind: return value
        case (.int2, .numeric), (.int4, .numeric), (.int8, .numeric): return try Self.fitted(value.widened(to: .numeric), shape)
        case (.int4, .bool), (.bool, .int4): return .cast(value, to: kind.plainType)
        case (.jsonb, _): return try castJSON(value, to: kind, shape, at: offset)
        case (_, .text): return .cast(value, to: .text)
        case (.text, .numeric), (.bpchar, .numeric), (.float4, .numeric), (.float8, .numeric):
            guard let shape else { return .cast(value, to: .decimal) }
            return .cast(value, to: .numeric(precision: shape.precision, scale: shape.scale))
        case _ where from.numberRank != nil && kind.numberRank != nil: return value.widened(to: kind)
        case (.timestamp, .time), (.timestamptz, .time), (.time, .interval), (.interval, .time): return .cast(value, to: kind.plainType)
        case (.date, .timestamp), (.date, .timestamptz), (.timestamp, .timestamptz), (.timestamp, .date), (.timestamptz, .timestamp),
            (.timestamptz, .date):
            return .cast(value, to: kind.plainType)
        case (.text, .array):
            throw Refusal(offset, "a cast from text to \(kind.sqlName) is not supported", hint: "a constant such as '{a,b}'::text[] is")
        case (.text, _), (.bpchar, _): return .cast(value, to: kind.plainType)
        default:
            throw Refusal(offset, "cannot cast type \(from.sqlName) to \(kind.sqlName)")
        }
    }

    /// To varchar, varchar(n) and char(n): an explicit cast cuts what is too long. To an array: of constants, and of what is one already.
    private func cast(_ argument: Operand, exactly type: ScalarType, at offset: Int) throws(Refusal) -> Expression {
        if case .array(let element) = type { return try cast(argument, toArrayOf: element, at: offset) }
        let value = try typed(argument, as: argument.typeClass ?? .text)
        if value.type == type { return value }
        switch value.type.typeClass {
        case .text, .bpchar: return .cast(value, to: type)
        case .jsonb: return .cast(.cast(value, to: .text), to: type)
        default: return .cast(.cast(value, to: .text), to: type)
        }
    }

    /// Cut to the precision and scale that were asked for, if any.
    private static func fitted(_ value: Expression, _ shape: TypeName.DecimalShape?) throws(Refusal) -> Expression {
        guard let shape else { return value }
        return value.rescaled(to: .numeric(precision: shape.precision, scale: shape.scale))
    }
}
