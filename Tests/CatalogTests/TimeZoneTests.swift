import Catalog
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@Suite struct TimeZoneTests {
    /// Window starts are this machine's, ends PostgreSQL's: where their rules differ, it is said.
    @Test func rulesThatDifferFromTheServersAreNamed() throws {
        let text = """
            CREATE FOREIGN TABLE page_view (event_id text, event_time timestamptz)
            SERVER parallax OPTIONS (topic 'page_view', event_id 'event_id', event_time 'event_time', out_of_orderness '5 seconds', lateness '1 hour');
            CREATE MATERIALIZED VIEW daily AS SELECT date_trunc('day', event_time, 'Europe/Berlin') AS day, count(*) AS n FROM page_view GROUP BY day;
            CREATE MATERIALIZED VIEW monthly AS SELECT date_trunc('month', event_time, 'America/New_York') AS m, count(*) AS n FROM page_view GROUP BY m;
            """
        let compiled = compile([SQLFile(path: "views.sql", text: text)])
        let plans = try #require(compiled.definitions, "\(compiled.diagnostics)").views.map(\.plan)
        let dsn = try TestCluster.shared.freshDatabase()
        defer { try? TestCluster.shared.drop(dsn) }
        let connection = try Connection(dsn)
        defer { connection.close() }
        let catalog = Catalog(connection)
        #expect(try catalog.timeZoneDifferences(plans) == [], "the two databases of this machine differ")
        // As if summer time had ended for good in 2025.
        let found = try catalog.timeZoneDifferences(plans) { zone, at in
            guard let offset = TimeZoneRules.named(zone)?.offset(at: at) else { return nil }
            return zone == "Europe/Berlin" && at > 1_750_000_000 ? 3_600 : offset
        }
        #expect(found.count == 1 && found[0].zone == "Europe/Berlin" && found[0].here == 3_600 && found[0].server == 7_200)
        #expect(found.first?.text.contains("UTC+1:00") == true && found.first?.text.contains("UTC+2:00") == true)
    }
}
