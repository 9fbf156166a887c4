import Columns
import Testing

@testable import ViewLanguage

@Suite("A join with a table is a lookup of the plan")
struct LookupTests {
    private static let tables = SQLFile(
        path: "dimensions.sql",
        text: """
            CREATE TABLE ad (id int PRIMARY KEY, page text UNIQUE, campaign bigint, lang text, starts timestamptz NOT NULL);
            CREATE TABLE campaign (campaign bigint PRIMARY KEY, name text, budget numeric(10,4));
            CREATE TABLE pair (page text, lang text, note text, PRIMARY KEY (page, lang));
            CREATE TABLE IF NOT EXISTS crm.customer (id numeric(20,0) UNIQUE, name text);
            CREATE TABLE IF NOT EXISTS country (country text, name text, UNIQUE (country));
            """)

    private func definitions(_ select: String) throws -> Definitions {
        let compilation = compile([
            eventSource, Self.tables, SQLFile(path: "views.sql", text: "CREATE MATERIALIZED VIEW v AS \(select)"),
        ])
        return try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered).joined(separator: "\n"))")
    }

    private func plan(_ select: String) throws -> Plan { try #require(try definitions(select).views.last).plan }

    @Test("CREATE TABLE is the pipeline's own, IF NOT EXISTS the user's")
    func tables() throws {
        let dimensions = try definitions("SELECT count(*) FROM event").dimensions
        #expect(dimensions.map(\.name) == ["ad", "campaign", "pair", "customer", "country"])
        #expect(dimensions.map(\.schema) == ["dimension", "dimension", "dimension", "crm", "public"])
        #expect(dimensions.map(\.isOwned) == [true, true, true, false, false])
        #expect(dimensions.map(\.keys) == [[[0], [1]], [[0]], [[0, 1]], [[0]], [[0]]])
        #expect(dimensions[0].columns.map(\.isNotNull) == [true, false, false, false, true])
        #expect(dimensions[0].columns.map(\.type) == [.int4, .text, .int8, .text, .timestamptz])
    }

    @Test("ON: the event's side is an expression, in the type that both become")
    func on() throws {
        let plan = try plan("SELECT a.lang, count(*) FROM event e JOIN ad AS a ON e.duration + 1 = a.id WHERE a.starts < e.at GROUP BY 1")
        #expect(
            plan.lookups == [
                Plan.Lookup(
                    table: "ad", kind: .inner,
                    keys: [.init(expression: .arithmetic(.add, Event.duration, .int8(1), .int8), column: 0, type: .int8)],
                    columns: [.init(name: "id", type: .int4), .init(name: "lang", type: .text), .init(name: "starts", type: .timestamptz)])
            ])
        #expect(plan.groups == [.init(name: "lang", expression: .lookup(0, 1, .text))])
        #expect(plan.filter == .compare(.less, .lookup(0, 2, .timestamptz), Event.at))
        #expect(plan.usedColumns == [1, 8])
    }

    @Test("several tables, one looked up by what another one holds; a key of two columns, one of them a constant")
    func several() throws {
        let plan = try plan(
            """
            SELECT c.name, p.note, sum(c.budget) AS s FROM event
            LEFT JOIN ad ON ad.page = event.page LEFT JOIN campaign c ON ad.campaign = c.campaign
            LEFT JOIN pair p ON p.page = event.page AND 'en' = p.lang GROUP BY c.name, p.note
            """)
        let lookups = try #require(plan.lookups)
        #expect(lookups.map(\.table) == ["ad", "campaign", "pair"] && lookups.allSatisfy { $0.kind == .left })
        #expect(lookups[0].columns.map(\.name) == ["page", "campaign"])
        #expect(lookups[1].keys == [.init(expression: .lookup(0, 1, .int8), column: 0, type: .int8)])
        #expect(
            lookups[2].keys == [
                .init(expression: Event.page, column: 0, type: .text), .init(expression: .text("en"), column: 1, type: .text),
            ])
        #expect(plan.measures[0].argument == .lookup(1, 2, .numeric(precision: 10, scale: 4)))
        #expect(plan.sqlType(of: plan.outputs[0]) == "text")
    }

    @Test("USING: the plain name is the event's; of two types the common one")
    func using() throws {
        let same = try plan("SELECT page, count(*) FROM event LEFT JOIN ad USING (page) GROUP BY page")
        #expect(same.groups == [.init(name: "page", expression: Event.page)])
        let wider = "CREATE TABLE t (duration int PRIMARY KEY, quantity bigint UNIQUE)"
        func wide(_ select: String) throws -> Plan {
            let compilation = compile([
                eventSource, SQLFile(path: "t.sql", text: wider),
                SQLFile(path: "views.sql", text: "CREATE MATERIALIZED VIEW v AS \(select)"),
            ])
            return try #require(compilation.definitions?.views.last).plan
        }
        // As PostgreSQL: the side that has the common type, if both hold the same value; else the left one, cast.
        #expect(
            try wide("SELECT quantity, count(*) FROM event JOIN t USING (quantity) GROUP BY 1").groups[0].expression == .lookup(0, 0, .int8)
        )
        #expect(
            try wide("SELECT quantity, count(*) FROM event LEFT JOIN t USING (quantity) GROUP BY 1").groups[0].expression
                == .cast(Event.quantity, to: .int8))
        #expect(try wide("SELECT duration, count(*) FROM event JOIN t USING (duration) GROUP BY 1").groups[0].expression == Event.duration)
        // Two tables by one name: both are compared with the event's.
        let chain = try plan("SELECT page, count(*) FROM event JOIN ad USING (page) JOIN pair USING (page, lang) GROUP BY page")
        #expect(chain.lookups?[1].keys.map(\.expression) == [Event.page, .lookup(0, 1, .text)])
    }

    @Test("numerics are compared at a scale that holds both")
    func numerics() throws {
        let plan = try plan("SELECT count(*) FROM event JOIN crm.customer c ON c.id = amount")
        #expect(
            plan.lookups?[0].keys == [
                .init(
                    expression: .cast(Event.amount, to: .numeric(precision: 22, scale: 2)), column: 0,
                    type: .numeric(precision: 22, scale: 2))
            ])
    }

    @Test("a name of a table's column goes before the alias of an item, and an event time of USING makes windows")
    func names() throws {
        let plan = try plan("SELECT upper(lang) AS lang, count(*) FROM event JOIN ad ON ad.id = quantity GROUP BY lang")
        #expect(plan.groups[0].expression == .lookup(0, 1, .text))
    }

    @Test("a table that gains a column, and one that is declared before it, leave the version as it is; the join's kind does not")
    func version() throws {
        func version(_ table: String, _ kind: String) throws -> String {
            let select = "SELECT note, count(*) FROM event \(kind) JOIN t ON t.id = quantity GROUP BY note"
            let compilation = compile([
                eventSource, SQLFile(path: "t.sql", text: table), SQLFile(path: "v.sql", text: "CREATE MATERIALIZED VIEW v AS \(select)"),
            ])
            return try #require(compilation.definitions?.views.last).version
        }
        let short = try version("CREATE TABLE t (id int PRIMARY KEY, note text)", "")
        #expect(try version("CREATE TABLE s (a int); CREATE TABLE t (more text, id int, note text, UNIQUE (id))", "INNER") == short)
        #expect(try version("CREATE TABLE t (id int PRIMARY KEY, note text)", "LEFT") != short)
    }

    @Test("over a source that numbers its columns otherwise the events' side of a key follows")
    func rebound() throws {
        let plan = try plan("SELECT lang, count(*) FROM event JOIN ad ON ad.id = quantity GROUP BY lang")
        var form = plan.source
        form.columns.insert(SourceDefinition.Column(name: "more", type: .text), at: 2)
        let rebound = try #require(plan.rebound(to: form))
        #expect(rebound.lookups?[0].keys[0].expression == .column(8, .int4) && rebound.version == plan.version)
    }

    @Test("what plans read of each table")
    func demand() throws {
        let plans = [
            try plan("SELECT lang, count(*) FROM event JOIN ad USING (page) GROUP BY lang"),
            try plan("SELECT campaign, count(*) FROM event JOIN ad USING (page) LEFT JOIN country USING (country) GROUP BY 1"),
        ]
        let demands = DimensionDemand.of(plans)
        #expect(demands.map(\.table) == ["ad", "country"])
        #expect(demands.map { $0.columns.map(\.name) } == [["campaign", "lang", "page"], ["country"]])
    }

    @Test("a CREATE VIEW may read tables, too")
    func overlays() throws {
        let sql =
            "CREATE VIEW o AS SELECT * FROM seen JOIN ad USING (page) JOIN crm.customer c ON c.id = ad.id JOIN dimension.pair USING (page)"
        let compilation = compile([eventSource, Self.tables, SQLFile(path: "o.sql", text: sql)])
        #expect(compilation.definitions?.overlays.first?.reads == ["seen", "ad", "customer", "pair"])
    }
}
