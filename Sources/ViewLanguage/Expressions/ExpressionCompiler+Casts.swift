import Columns

extension ExpressionCompiler {
    mutating func cast(_ body: SyntaxNode, at offset: Int) throws(Refusal) -> Operand {
        try body.allowFields(["arg", "typeName", "location"], in: statement)
        let argument = try operand(required(body, "arg"))
        let target = try TypeName(required(body, "typeName"), in: statement)
        // `timestamptz '…'` has no place of its own for the cast.
        let start = min(argument.offset, body["location"]?.int == -1 ? statement.offset(body["typeName"]?.location) : argument.offset)
        let (kind, shape): (TypeClass, TypeName.DecimalShape?) =
            if case .scalar(let kind, let shape) = target { (kind, shape) } else { (.interval, nil) }
        let expression: Expression
        switch argument.value {
        case .unknown: expression = try Self.fitted(try typed(argument, as: kind), shape)
        case .typed(let value): expression = try cast(value, to: kind, shape, at: offset)
        }
        return Operand(expression, at: start)
    }

    /// The explicit casts whose PostgreSQL result the evaluator gives exactly:
    ///
    ///     from \ to     int4   int8   numeric  float8  bool          text
    ///     int4          –      yes    yes      yes     yes           yes
    ///     int8          yes    –      yes      yes     no such cast  yes
    ///     numeric       round  round  round    yes     no such cast  where the scale is PostgreSQL's
    ///     float8        even   even   (p,s)    –       no such cast  yes
    ///     bool          yes    no     no       no      –             yes
    ///     text          yes    yes    (p,s)    yes     yes           –
    ///
    /// round: half away from zero; even: half to even; (p,s): with a precision and a scale only. timestamptz, timestamp, date and uuid: to and
    /// from text; the first three to one another, in UTC; interval to text.
    private func cast(_ value: Expression, to kind: TypeClass, _ shape: TypeName.DecimalShape?, at offset: Int) throws(Refusal)
        -> Expression
    {
        let from = value.type.typeClass
        switch (from, kind) {
        case (.numeric, .numeric): return try Self.fitted(value, shape)
        case _ where from == kind: return value
        case (.int4, .numeric), (.int8, .numeric): return try Self.fitted(value.widened(to: .numeric), shape)
        case (.int4, .int8), (.int4, .float8), (.int8, .float8), (.numeric, .float8): return value.widened(to: kind)
        case (.int8, .int4), (.numeric, .int4), (.numeric, .int8), (.float8, .int4), (.float8, .int8), (.int4, .bool), (.bool, .int4):
            return .cast(value, to: kind.plainType)
        case (_, .text):
            try checkScale(of: value, at: offset)
            return .cast(value, to: .text)
        case (.text, .numeric), (.float8, .numeric):
            guard let shape else {
                throw Refusal(
                    offset, "a cast from \(from.sqlName) to numeric without a precision and a scale is not supported",
                    hint: "name them, such as numeric(18,6)")
            }
            return .cast(value, to: .numeric(precision: shape.precision, scale: shape.scale))
        case (.text, .interval):
            throw Refusal(offset, "a cast from text to interval is not supported", hint: "a constant such as interval '1 hour' is")
        case (.date, .timestamp), (.date, .timestamptz), (.timestamp, .timestamptz), (.timestamp, .date), (.timestamptz, .timestamp),
            (.timestamptz, .date):
            return .cast(value, to: kind.plainType)
        case (.text, _): return .cast(value, to: kind.plainType)
        default:
            throw Refusal(offset, "cannot cast type \(from.sqlName) to \(kind.sqlName)")
        }
    }

    /// Cut to the precision and scale that were asked for, if any.
    private static func fitted(_ value: Expression, _ shape: TypeName.DecimalShape?) throws(Refusal) -> Expression {
        guard let shape else { return value }
        // Fixes the digits that are shown, also where the type has as many.
        if !value.hasPostgreSQLScale { return .cast(value, to: .numeric(precision: shape.precision, scale: shape.scale)) }
        return value.rescaled(to: .numeric(precision: shape.precision, scale: shape.scale))
    }
}
