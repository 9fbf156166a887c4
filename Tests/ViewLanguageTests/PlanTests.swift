import Columns
import Foundation
import Testing

@testable import ViewLanguage

@Suite("SELECT compiles to a plan")
struct PlanTests {
    private static let minute = Plan.Window.Kind.tumbling(size: 60_000_000, origin: 0)

    @Test("a name in GROUP BY is an input column before it is an output name")
    func precedence() throws {
        let byColumn = try plan("SELECT country AS page, count(*) FROM event GROUP BY country, page")
        #expect(byColumn.groups.map(\.expression) == [Event.country, Event.page])
        #expect(byColumn.outputs.map(\.value) == [.group(0), .measure(0)])
        let byAlias = try plan("SELECT country AS land, count(*) FROM event GROUP BY land")
        #expect(byAlias.groups == [Plan.Group(name: "land", expression: Event.country)])
    }

    @Test("group columns need not be selected, and may be positions, repeated, qualified or expressions")
    func groups() throws {
        let hidden = try plan("SELECT count(*) FROM event AS e GROUP BY e.page, quantity + 1, 'x' = e.page")
        #expect(hidden.groups.map(\.name) == ["page", "group_2", "group_3"])
        #expect(hidden.outputs == [Plan.Output(name: "count", value: .measure(0))])
        #expect(!hidden.isGlobal)
        let positions = try plan("SELECT count(*), page, country FROM event GROUP BY 3, 2, page")
        #expect(positions.groups.map(\.expression) == [Event.country, Event.page])
        #expect(positions.outputs.map(\.value) == [.measure(0), .group(1), .group(0)])
        #expect(try plan("SELECT page FROM event GROUP BY page").measures.isEmpty)
    }

    @Test("without GROUP BY there is one row")
    func global() throws {
        let plan = try plan("SELECT count(*), sum(quantity) FROM event")
        #expect(plan.isGlobal)
        #expect(plan.groups.isEmpty && plan.window == nil)
    }

    @Test(
        "windows",
        arguments: [
            ("tumble(at, '1 minute')", Plan.Window.Kind.tumbling(size: 60_000_000, origin: 0)),
            ("tumble(at, '00:05:00')", .tumbling(size: 300_000_000, origin: 0)),
            ("tumble(event.at, interval '1 hour 30 minutes')", .tumbling(size: 5_400_000_000, origin: 0)),
            ("tumble(at, '90s'::interval)", .tumbling(size: 90_000_000, origin: 0)),
            ("tumble(at, '1 week', '2024-01-01 00:00+00')", .tumbling(size: 604_800_000_000, origin: 1_704_067_200_000_000)),
            ("session(at, '30 minutes')", .session(gap: 1_800_000_000)),
            ("session(event.at, interval '1 day')", .session(gap: 86_400_000_000)),
            ("tumble(at, '1 day', timestamptz '2024-01-01 00:00+01')", .tumbling(size: 86_400_000_000, origin: 1_704_063_600_000_000)),
        ])
    func window(_ call: String, _ kind: Plan.Window.Kind) throws {
        let plan = try plan("SELECT \(call) AS w, \(call) AS again, count(*) FROM event GROUP BY \(call)")
        #expect(plan.window == Plan.Window(name: "w", kind: kind))
        #expect(plan.outputs.map(\.value) == [.window, .window, .measure(0)])
        #expect(!plan.isGlobal)
    }

    @Test("a window by alias, by position, and not selected")
    func windowReferences() throws {
        for select in [
            "SELECT tumble(at, '1 minute') AS m, count(*) FROM event GROUP BY m",
            "SELECT tumble(at, '1 minute') AS m, count(*) FROM event GROUP BY 1",
        ] { #expect(try plan(select).window == Plan.Window(name: "m", kind: Self.minute)) }
        #expect(
            try plan("SELECT tumble(at, '1 minute'), count(*) FROM event GROUP BY 1").outputs.map(\.name) == ["tumble", "count"])
        #expect(
            try plan("SELECT count(*) FROM event GROUP BY tumble(at, '1 minute')").window == Plan.Window(name: "tumble", kind: Self.minute))
    }

    @Test("measures: each once, with DISTINCT and FILTER, under PostgreSQL's names")
    func measures() throws {
        let plan = try plan(
            """
            SELECT count(*), count(page) AS pages, count(DISTINCT page) AS distinct_pages, sum(quantity), avg(amount),
                   min(at), max(page), count(*) AS again, count(*) FILTER (WHERE ok) AS good, pg_catalog.count(*) AS third,
                   max(DISTINCT ratio) AS highest, coalesce(country, '') , quantity::bigint, 'x' = page AS is_x
            FROM event GROUP BY coalesce(country, ''), quantity::bigint, 'x' = page
            """)
        #expect(
            plan.measures == [
                .init(function: .countRows, argument: nil, filter: nil), .init(function: .count, argument: Event.page, filter: nil),
                .init(function: .countDistinct, argument: Event.page, filter: nil),
                .init(function: .sum, argument: Event.quantity, filter: nil), .init(function: .avg, argument: Event.amount, filter: nil),
                .init(function: .min, argument: Event.at, filter: nil), .init(function: .max, argument: Event.page, filter: nil),
                .init(function: .countRows, argument: nil, filter: Event.ok),
                .init(function: .max, argument: Event.ratio, filter: nil),
            ])
        #expect(
            plan.outputs.map(\.name) == [
                "count", "pages", "distinct_pages", "sum", "avg", "min", "max", "again", "good", "third", "highest", "coalesce",
                "quantity", "is_x",
            ])
        #expect(plan.outputs[7].value == .measure(0) && plan.outputs[9].value == .measure(0))
    }

    @Test("result types are PostgreSQL's")
    func types() throws {
        let plan = try plan(
            """
            SELECT page, amount, amount + 1 AS more, tumble(at, '1 day') AS day, count(*), sum(quantity) AS s4, sum(duration) AS s8,
                   sum(amount) AS sn, sum(ratio) AS sf, avg(quantity) AS a4, avg(ratio) AS af, min(amount) AS mn, max(at) AS mt,
                   min(quantity) AS m4, count(DISTINCT id) AS ids
            FROM event GROUP BY page, amount, more, day
            """)
        #expect(
            plan.outputs.map(plan.sqlType(of:)) == [
                "text", "numeric(12,2)", "numeric", "timestamptz", "bigint", "bigint", "numeric", "numeric", "double precision", "numeric",
                "double precision", "numeric", "timestamptz", "integer", "bigint",
            ])
    }

    @Test("used columns are those of filter, groups and measures")
    func usedColumns() throws {
        let plan = try plan(
            "SELECT tumble(at, '1 day') AS d, quantity + 1 AS q, sum(amount) FILTER (WHERE ok) FROM event WHERE country IN ('a', page) GROUP BY d, q"
        )
        #expect(plan.usedColumns == [3, 4, 5, 7, 10])
    }

    @Test("a plan survives JSON, and so do all definitions")
    func json() throws {
        let compilation = compile([SQLFile(path: "views.sql", text: sampleSource + sampleView), eventSource])
        let definitions = try #require(compilation.definitions)
        let decoded = try JSONDecoder().decode(Definitions.self, from: JSONEncoder().encode(definitions))
        #expect(decoded == definitions)
        let plan = definitions.views[0].plan
        #expect(try JSONDecoder().decode(Plan.self, from: try JSONEncoder().encode(plan)) == plan)
    }
}
