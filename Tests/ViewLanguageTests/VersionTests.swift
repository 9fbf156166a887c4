import Testing

@testable import ViewLanguage

@Suite("A version names a plan's content")
struct VersionTests {
    private static let select = "SELECT page, count(*) FROM event WHERE ok GROUP BY page"

    @Test("white space, comments, the view's name, and other ways to write the same do not change it")
    func same() throws {
        let version = try plan(Self.select).version
        #expect(version.count == 12 && version.allSatisfy(\.isHexDigit))
        for same in [
            "SELECT page,count( * )FROM event -- by page\nWHERE ok GROUP BY page",
            "SELECT e.page, count(*) FROM event e WHERE e.ok GROUP BY 1",
        ] { #expect(try plan(same).version == version) }
    }

    @Test("everything that changes a result changes it")
    func different() throws {
        let selects = [
            Self.select, "SELECT page, count(*) FROM event WHERE NOT ok GROUP BY page", "SELECT page, count(*) FROM event GROUP BY page",
            "SELECT country AS page, count(*) FROM event WHERE ok GROUP BY country",
            "SELECT page, count(*) AS n FROM event WHERE ok GROUP BY page",
            "SELECT count(*), page FROM event WHERE ok GROUP BY page", "SELECT page, count(page) FROM event WHERE ok GROUP BY page",
            "SELECT page, tumble(at, '1 day'), count(*) FROM event WHERE ok GROUP BY page, tumble(at, '1 day')",
            "SELECT page, tumble(at, '1 hour'), count(*) FROM event WHERE ok GROUP BY page, tumble(at, '1 hour')",
        ]
        #expect(Set(try selects.map { try plan($0).version }).count == selects.count)
    }

    private static func source(_ columns: String, options: String = "event_id 'id', event_time 'at'") -> String {
        "CREATE FOREIGN TABLE event (\(columns)) SERVER parallax OPTIONS (\(options));"
    }
    private static let columns = "id uuid, at timestamptz, page text, country text NOT NULL, amount numeric(12,2)"
    private static let byPage =
        "SELECT tumble(at, '1 minute') AS minute, page, sum(amount) FROM event WHERE page <> '' GROUP BY minute, page"

    private static func definitions(_ source: String, _ select: String = byPage) throws -> Definitions {
        let compilation = compile([SQLFile(path: "v.sql", text: "\(source) CREATE MATERIALIZED VIEW v AS \(select)")])
        return try #require(compilation.definitions, "\(compilation.diagnostics.map(\.rendered).joined(separator: "\n"))")
    }

    @Test(
        "what a source declares beside the columns that a view reads does not change it",
        arguments: [
            source(columns, options: "event_id 'id', event_time 'at', lateness '3 days', out_of_orderness '1 minute'"),
            source(columns, options: "event_id 'id', event_time 'at', append_time 'arrival'"),
            source(columns + ", referrer text"), source("referrer text, \(columns)"),
            source("amount numeric(12,2), page text, at timestamptz, id uuid"),
            source("id uuid, at timestamptz, page text, country integer, amount numeric(12,2)"),
        ])
    func sourceChanges(source: String) throws {
        let old = try Self.definitions(Self.source(Self.columns))
        let new = try Self.definitions(source)
        #expect(old.views[0].version == new.views[0].version)
        // The stored plan goes on over the new form, and means the same there as the one that is compiled for it.
        #expect(old.views[0].plan.rebound(to: new.sources[0]) == new.views[0].plan)
        #expect(new.views[0].plan.rebound(to: old.sources[0]) == old.views[0].plan)
        #expect((old.sources[0].form == new.sources[0].form) == (source.contains("lateness") || source.contains("append_time")))
    }

    @Test(
        "what a view reads does",
        arguments: [
            source("id uuid, at timestamptz, page text, country text, amount numeric(14,2)"),
            source("id uuid, at timestamptz, page text NOT NULL, country text, amount numeric(12,2)"),
            source("id text, at timestamptz, page text, country text, amount numeric(12,2)"),
            source(columns + ", seen timestamptz", options: "event_id 'id', event_time 'seen'"),
            source(columns, options: "topic 'other', event_id 'id', event_time 'at'"),
        ])
    func readChanges(source: String) throws {
        let old = try Self.definitions(Self.source(Self.columns))
        let select = source.contains("'seen'") ? Self.byPage.replacing("tumble(at", with: "tumble(seen") : Self.byPage
        let new = try Self.definitions(source, select)
        #expect(old.views[0].version != new.views[0].version)
        #expect(old.views[0].plan.rebound(to: new.sources[0]) == nil)
    }

    @Test("a form is the columns in any order, and not how late events may be")
    func forms() throws {
        let form = try Self.definitions(Self.source(Self.columns)).sources[0].form
        let reordered = Self.columns.split(separator: ", ").reversed().joined(separator: ", ")
        #expect(try Self.definitions(Self.source(reordered)).sources[0].form == form)
        #expect(try Self.definitions(Self.source(Self.columns + ", referrer text")).sources[0].form != form)
        #expect(try Self.definitions(Self.source(Self.columns.replacing(" NOT NULL", with: ""))).sources[0].form != form)
    }

    /// Where the plan's expressions stand in every place that they may have.
    @Test("renumbering meets every expression")
    func renumbering() throws {
        let select = """
            SELECT tumble(at, '1 hour') AS hour, coalesce(page, country) AS p, CASE WHEN ok THEN quantity ELSE -quantity END AS q,
                   count(*) FILTER (WHERE amount BETWEEN 1 AND 2 OR country IN ('DE', page)), sum(amount + amount) AS s,
                   first(page, received), percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio), max(total), count(DISTINCT lower(page) || country) AS d
            FROM event WHERE NOT (ok IS TRUE) AND page IS NOT NULL AND (ratio IS NULL OR ratio::integer > duration)
            GROUP BY hour, p, q HAVING count(*) > 1
            """
        let plan = try plan(select)
        var form = plan.source
        form.columns.reverse()
        form.columns.insert(SourceDefinition.Column(name: "new", type: .text), at: 3)
        form.eventIDColumn = form.columns.firstIndex { $0.name == "id" } ?? 0
        form.eventTimeColumn = form.columns.firstIndex { $0.name == "at" } ?? 0
        let moved = try #require(plan.rebound(to: form))
        #expect(moved.usedColumns != plan.usedColumns)
        #expect(Set(moved.usedColumns.map { form.columns[$0].name }) == Set(plan.usedColumns.map { plan.source.columns[$0].name }))
        #expect(moved.rebound(to: plan.source) == plan)
        #expect(moved.version == plan.version)
    }

    /// A version is stored: the same text must give it in every process, on every machine and after every change of the compiler
    /// that does not change what the view means. Where this fails, all views of all users are rebuilt: is that intended?
    @Test("it is the same in every process")
    func stable() throws {
        let version = try plan(Self.select).version
        #expect(version == "dacb0abbfb16")
    }
}
