import Columns
import MergeLaw
import Testing

@testable import ViewLanguage

@Suite("DISTINCT ON keeps one event of each key")
struct DistinctOnTests {
    private func measure(_ expression: Expression, _ function: Plan.Measure.Function = .last, tag: Int? = nil) -> Plan.Measure {
        var measure = Plan.Measure(function: function, argument: expression, filter: nil, order: Event.at)
        measure.sharedTag = tag
        return measure
    }

    @Test("keys are groups, the other columns come from one event")
    func newest() throws {
        let plan = try plan(
            """
            SELECT DISTINCT ON (page, country) country, amount, page AS p, quantity + 1 AS more, amount AS again, 'x' AS mark
            FROM event WHERE ok ORDER BY country, page DESC NULLS LAST, at DESC
            """)
        #expect(plan.groups == [.init(name: "p", expression: Event.page), .init(name: "country", expression: Event.country)])
        #expect(plan.window == nil && !plan.isGlobal && plan.having == nil && plan.filter == Event.ok)
        #expect(
            plan.measures == [
                measure(Event.amount), measure(.arithmetic(.add, Event.quantity, .int4(1), .int4), tag: 0), measure(.text("x"), tag: 0),
            ])
        #expect(plan.outputs.map(\.name) == ["country", "amount", "p", "more", "again", "mark"])
        #expect(plan.outputs.map(\.value) == [.group(1), .measure(0), .group(0), .measure(1), .measure(0), .measure(2)])
        #expect(
            StateLayout(plan, layer: .speed).columns.map(\.name) == ["g0", "g1", "m0_v", "m0_k", "m0_a", "m0_b", "m1_v", "m2_v"])
    }

    @Test("keys may be output names, positions, expressions, repeated, and need not be selected")
    func keys() throws {
        let named = try plan("SELECT DISTINCT ON (land) lower(country) AS land, amount FROM event ORDER BY land, at")
        #expect(named.groups.map(\.name) == ["land"] && named.measures == [measure(Event.amount, .first)])
        let hidden = try plan(
            "SELECT DISTINCT ON (page, event.page, quantity % 2) amount FROM event ORDER BY quantity % 2, page, page, event.at DESC")
        #expect(hidden.groups.map(\.name) == ["page", "group_2"] && hidden.outputs.map(\.value) == [.measure(0)])
        let positions = try plan("SELECT DISTINCT ON (2) amount, page FROM event ORDER BY 2, at DESC")
        #expect(positions.groups.map(\.expression) == [Event.page])
        // An output name goes before a column, in DISTINCT ON and in ORDER BY.
        let renamed = try plan("SELECT DISTINCT ON (page) country AS page, page AS country FROM event ORDER BY page, at DESC")
        #expect(renamed.groups.map(\.expression) == [Event.country] && renamed.measures == [measure(Event.page)])
        let days = try plan("SELECT DISTINCT ON (day, page) date_trunc('day', at) AS day, page, at FROM event ORDER BY day, page, at DESC")
        #expect(days.window == nil && days.groups.count == 2 && days.outputs.map(\.value) == [.group(0), .group(1), .measure(0)])
        #expect(try plan("SELECT DISTINCT ON (page) page FROM event ORDER BY page, at DESC").measures.isEmpty)
    }

    @Test("which event is kept is a part of the version")
    func versions() throws {
        let newest = try plan("SELECT DISTINCT ON (page) page, amount FROM event ORDER BY page, at DESC").version
        #expect(try plan("SELECT DISTINCT ON (page) page, amount FROM event ORDER BY page DESC, at DESC").version == newest)
        #expect(try plan("SELECT DISTINCT ON (page) page, amount FROM event ORDER BY page, at").version != newest)
        #expect(try plan("SELECT page, last(amount, at) AS amount FROM event GROUP BY page").version == newest)
    }
}
