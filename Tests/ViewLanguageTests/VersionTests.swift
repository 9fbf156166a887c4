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

    /// A version is stored: the same text must give it in every process, on every machine and after every change of the compiler
    /// that does not change what the view means. Where this fails, all views of all users are rebuilt: is that intended?
    @Test("it is the same in every process")
    func stable() throws {
        let version = try plan(Self.select).version
        #expect(version == "52fe7f22d1b0")
    }
}
