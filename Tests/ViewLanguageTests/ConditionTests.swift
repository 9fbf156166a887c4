import Columns
import Testing

@testable import ViewLanguage

/// What conditions compile to: types, implicit casts, lowered forms.
@Suite("Conditions compile to typed expressions")
struct ConditionTests {
    typealias Case = (sql: String, expected: Expression)
    typealias E = Expression

    private func check(_ cases: [Case], sourceLocation: SourceLocation = #_sourceLocation) throws {
        for (sql, expected) in cases {
            #expect(
                try plan("SELECT count(*) FROM event WHERE \(sql)").filter == expected, "\(sql)", sourceLocation: sourceLocation)
        }
    }

    @Test("constants take the type of what they meet")
    func constants() throws {
        try check([
            ("page = 'a'", .compare(.equal, Event.page, .text("a"))),
            ("'a' = page", .compare(.equal, .text("a"), Event.page)),
            ("page = E'a\\'b'", .compare(.equal, Event.page, .text("a'b"))),
            ("page = $$it's; fine$$", .compare(.equal, Event.page, .text("it's; fine"))),
            ("'a' < 'b'", .compare(.less, .text("a"), .text("b"))),
            ("quantity = ' 5 '", .compare(.equal, Event.quantity, .int4(5))),
            ("duration = '-5'", .compare(.equal, Event.duration, .int8(-5))),
            ("amount > '1.50'", .compare(.greater, Event.amount, .decimal("150", 3, 2))),
            ("ratio = '1e3'", .compare(.equal, Event.ratio, .float(1_000))),
            ("ok = 'yes'", .compare(.equal, Event.ok, .literal(.bool(true), .bool))),
            ("ok = 'F'", .compare(.equal, Event.ok, .literal(.bool(false), .bool))),
            ("page = NULL", .compare(.equal, Event.page, .literal(.null, .text))),
            ("ok", Event.ok),
            ("'true'", .literal(.bool(true), .bool)),
            ("NULL", .literal(.null, .bool)),
            ("true", .literal(.bool(true), .bool)),
            ("false", .literal(.bool(false), .bool)),
            (
                "id = '{A0EEBC99-9C0B4EF8-BB6D6BB9-BD380A11}'",
                .compare(.equal, Event.id, .literal(.uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), .uuid))
            ),
            ("at >= '2024-01-01 00:00:00+01'", .compare(.greaterOrEqual, Event.at, .instant(1_704_063_600_000_000))),
            ("at >= timestamptz '2024-01-01'", .compare(.greaterOrEqual, Event.at, .instant(1_704_067_200_000_000))),
            ("at >= '2024-01-01'::timestamptz", .compare(.greaterOrEqual, Event.at, .instant(1_704_067_200_000_000))),
        ])
    }

    /// libpg_query writes zero and negative integers alike; the text tells them apart.
    @Test("integers keep their sign and take the smallest type")
    func integers() throws {
        try check([
            ("quantity = 0", .compare(.equal, Event.quantity, .int4(0))),
            ("quantity = -5", .compare(.equal, Event.quantity, .int4(-5))),
            ("quantity = - 7", .compare(.equal, Event.quantity, .int4(-7))),
            ("quantity = -(5)", .compare(.equal, Event.quantity, .int4(-5))),
            ("quantity = -(-5)", .compare(.equal, Event.quantity, .int4(5))),
            ("quantity = - - -5", .compare(.equal, Event.quantity, .int4(-5))),
            ("quantity = -/* 9 */8", .compare(.equal, Event.quantity, .int4(-8))),
            ("quantity = -0", .compare(.equal, Event.quantity, .int4(0))),
            ("quantity = 2147483647", .compare(.equal, Event.quantity, .int4(2_147_483_647))),
            ("quantity = -2147483648", .compare(.equal, Event.quantity, .int4(-2_147_483_648))),
            ("quantity = 2147483648", .compare(.equal, .cast(Event.quantity, to: .int8), .int8(2_147_483_648))),
            ("duration = -9223372036854775808", .compare(.equal, Event.duration, .int8(.min))),
            (
                "duration = 9223372036854775808",
                .compare(.equal, .cast(Event.duration, to: .numeric(precision: 19, scale: 0)), .decimal("9223372036854775808", 19, 0))
            ),
        ])
    }

    @Test("numbers are widened to a common type, explicitly")
    func widening() throws {
        let quantityAsNumeric = E.cast(Event.quantity, to: .numeric(precision: 10, scale: 0))
        try check([
            ("quantity = duration", .compare(.equal, .cast(Event.quantity, to: .int8), Event.duration)),
            ("quantity < 1.5", .compare(.less, quantityAsNumeric, .decimal("15", 2, 1))),
            ("amount = 5", .compare(.equal, Event.amount, .decimal("5", 1, 0))),
            ("amount <> quantity", .compare(.notEqual, Event.amount, quantityAsNumeric)),
            ("amount < ratio", .compare(.less, .cast(Event.amount, to: .float8), Event.ratio)),
            ("ratio = 0.1", .compare(.equal, Event.ratio, .float(0.1))),
            ("ratio = 3", .compare(.equal, Event.ratio, .float(3))),
            ("amount > 1e2", .compare(.greater, Event.amount, .decimal("100", 3, 0))),
            ("amount > .0050", .compare(.greater, Event.amount, .decimal("50", 4, 4))),
            ("amount > 0.0", .compare(.greater, Event.amount, .decimal("0", 1, 1))),
            ("amount > -1.5", .compare(.greater, Event.amount, .decimal("-15", 2, 1))),
        ])
    }

    @Test("logic, null tests and lowered forms")
    func logic() throws {
        let five = E.int4(5)
        let between = E.and([.compare(.greaterOrEqual, Event.quantity, five), .compare(.lessOrEqual, Event.quantity, .int4(9))])
        let turned = E.and([.compare(.greaterOrEqual, Event.quantity, .int4(9)), .compare(.lessOrEqual, Event.quantity, five)])
        try check([
            ("ok AND quantity > 5 AND NOT ok", .and([Event.ok, .compare(.greater, Event.quantity, five), .not(Event.ok)])),
            ("ok OR (ok AND NULL)", .or([Event.ok, .and([Event.ok, .literal(.null, .bool)])])),
            ("page IS NULL", .isNull(Event.page)),
            ("page IS NOT NULL", .isNotNull(Event.page)),
            ("page ISNULL", .isNull(Event.page)),
            ("ok IS TRUE", .isTruth(Event.ok, .true, negated: false)),
            ("ok IS NOT FALSE", .isTruth(Event.ok, .false, negated: true)),
            ("ok IS UNKNOWN", .isTruth(Event.ok, .unknown, negated: false)),
            ("ok IS NOT UNKNOWN", .isTruth(Event.ok, .unknown, negated: true)),
            ("page IS DISTINCT FROM 'a'", .compare(.isDistinct, Event.page, .text("a"))),
            ("quantity IS NOT DISTINCT FROM 5", .compare(.isNotDistinct, Event.quantity, five)),
            ("quantity != 5", .compare(.notEqual, Event.quantity, five)),
            ("quantity BETWEEN 5 AND 9", between),
            ("quantity NOT BETWEEN 5 AND 9", .not(between)),
            ("quantity BETWEEN SYMMETRIC 5 AND 9", .or([between, turned])),
            ("coalesce(page, 'none') = 'none'", .compare(.equal, .coalesce([Event.page, .text("none")], .text), .text("none"))),
            ("event.ok", Event.ok),
        ])
    }

    @Test("IN compares constants in one common type and columns one by one")
    func lists() throws {
        try check([
            ("page IN ('a', 'b')", .inList(Event.page, [.text("a"), .text("b")])),
            ("page NOT IN ('a', 'b')", .not(.inList(Event.page, [.text("a"), .text("b")]))),
            ("page IN ('a')", .compare(.equal, Event.page, .text("a"))),
            ("quantity IN (1, '2', NULL)", .inList(Event.quantity, [.int4(1), .int4(2), .literal(.null, .int4)])),
            ("quantity IN (1, 3000000000)", .inList(.cast(Event.quantity, to: .int8), [.int8(1), .int8(3_000_000_000)])),
            ("amount IN (1, 2.5)", .inList(Event.amount, [.decimal("100", 12, 2), .decimal("250", 12, 2)])),
            ("amount IN (0, -1)", .inList(Event.amount, [.decimal("0", 12, 2), .decimal("-100", 12, 2)])),
            ("page IN ('a', country)", .or([.compare(.equal, Event.page, .text("a")), .compare(.equal, Event.page, Event.country)])),
            (
                "page IN ('a', 'b', country)",
                .or([.inList(Event.page, [.text("a"), .text("b")]), .compare(.equal, Event.page, Event.country)])
            ),
        ])
    }
}
