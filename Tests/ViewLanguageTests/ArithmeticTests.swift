import Columns
import Testing

@testable import ViewLanguage

/// Arithmetic and casts, seen as group columns: PostgreSQL's promotion, and its scales for numerics.
@Suite("Arithmetic and casts follow PostgreSQL's types")
struct ArithmeticTests {
    typealias Case = (sql: String, expected: Expression)
    typealias E = Expression

    private func check(_ cases: [Case], sourceLocation: SourceLocation = #_sourceLocation) throws {
        for (sql, expected) in cases {
            let plan = try plan("SELECT \(sql) AS x, count(*) FROM event GROUP BY 1")
            #expect(plan.groups == [Plan.Group(name: "x", expression: expected)], "\(sql)", sourceLocation: sourceLocation)
        }
    }

    private static func numeric(_ precision: Int, _ scale: Int) -> ScalarType { .numeric(precision: precision, scale: scale) }

    @Test("arithmetic")
    func arithmetic() throws {
        let quantityAsNumeric = E.cast(Event.quantity, to: Self.numeric(10, 0))
        try check([
            ("quantity + 1", .arithmetic(.add, Event.quantity, .int4(1), .int4)),
            ("quantity / 2", .arithmetic(.divide, Event.quantity, .int4(2), .int4)),
            ("quantity % '2'", .arithmetic(.modulo, Event.quantity, .int4(2), .int4)),
            ("duration - quantity", .arithmetic(.subtract, Event.duration, .cast(Event.quantity, to: .int8), .int8)),
            ("quantity * 3000000000", .arithmetic(.multiply, .cast(Event.quantity, to: .int8), .int8(3_000_000_000), .int8)),
            ("amount + 1", .arithmetic(.add, Event.amount, .decimal("1", 1, 0), Self.numeric(13, 2))),
            ("amount - 0.125", .arithmetic(.subtract, Event.amount, .decimal("125", 3, 3), Self.numeric(14, 3))),
            ("amount * 1.5", .arithmetic(.multiply, Event.amount, .decimal("15", 2, 1), Self.numeric(14, 3))),
            ("amount * quantity", .arithmetic(.multiply, Event.amount, quantityAsNumeric, Self.numeric(22, 2))),
            ("ratio / 2", .arithmetic(.divide, Event.ratio, .float(2), .float8)),
            ("ratio * amount", .arithmetic(.multiply, Event.ratio, .cast(Event.amount, to: .float8), .float8)),
            ("-quantity", .negate(Event.quantity, .int4)),
            ("-amount", .negate(Event.amount, Self.numeric(12, 2))),
            ("+duration", Event.duration),
            ("NULL + quantity", .arithmetic(.add, .literal(.null, .int4), Event.quantity, .int4)),
        ])
    }

    @Test("casts")
    func casts() throws {
        try check([
            ("quantity::bigint", .cast(Event.quantity, to: .int8)),
            ("CAST(duration AS integer)", .cast(Event.duration, to: .int4)),
            ("duration::int8", Event.duration),
            ("quantity::numeric", .cast(Event.quantity, to: Self.numeric(10, 0))),
            ("duration::numeric(20,2)", .cast(.cast(Event.duration, to: Self.numeric(19, 0)), to: Self.numeric(20, 2))),
            ("amount::numeric(10,1)", .cast(Event.amount, to: Self.numeric(10, 1))),
            ("amount::numeric(12,2)", Event.amount),
            ("amount::numeric", Event.amount),
            ("amount::integer", .cast(Event.amount, to: .int4)),
            ("amount::float8", .cast(Event.amount, to: .float8)),
            ("ratio::bigint", .cast(Event.ratio, to: .int8)),
            ("ok::int", .cast(Event.ok, to: .int4)),
            ("quantity::boolean", .cast(Event.quantity, to: .bool)),
            ("page::text", Event.page),
            ("quantity + '5'::bigint", .arithmetic(.add, .cast(Event.quantity, to: .int8), .int8(5), .int8)),
            ("amount + numeric '1.005'", .arithmetic(.add, Event.amount, .decimal("1005", 4, 3), Self.numeric(14, 3))),
            ("ratio + 1.5::double precision", .arithmetic(.add, Event.ratio, .float(1.5), .float8)),
        ])
    }

    @Test("COALESCE takes the type of values of one scale, else a numeric without precision and scale")
    func coalesce() throws {
        try check([
            ("coalesce(quantity, 0)", .coalesce([Event.quantity, .int4(0)], .int4)),
            ("coalesce(amount, 0.00)", .coalesce([Event.amount, .decimal("0", 12, 2)], Self.numeric(12, 2))),
            // Where scales differ, each value keeps its own.
            ("coalesce(amount, 0)", .coalesce([.cast(Event.amount, to: .decimal), .cast(.decimal("0", 1, 0), to: .decimal)], .decimal)),
            (
                "coalesce(amount, quantity, 0.125)",
                .coalesce(
                    [
                        .cast(Event.amount, to: .decimal), .cast(.cast(Event.quantity, to: Self.numeric(10, 0)), to: .decimal),
                        .cast(.decimal("125", 3, 3), to: .decimal),
                    ], .decimal)
            ),
            ("coalesce(amount, ratio)", .coalesce([.cast(Event.amount, to: .float8), Event.ratio], .float8)),
        ])
    }
}
