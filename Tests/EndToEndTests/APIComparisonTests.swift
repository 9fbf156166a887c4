import Foundation
import Glibc
import ParallaxCore
import TestSupport
import Testing

/// `GET /v1/views/{view}/comparison`: what `parallax compare` prints, for who may read the view.
@Suite struct APIComparisonTests {
    private static let sql = """
        CREATE FOREIGN TABLE ev (id bigint, t timestamptz, k text) SERVER parallax OPTIONS (event_id 'id', event_time 't', lateness '1 hour');
        CREATE MATERIALIZED VIEW v WITH (max_drift = '100%') AS SELECT tumble(t, '1 minute') AS minute, k, count(*) AS events FROM ev GROUP BY minute, k;
        CREATE MATERIALIZED VIEW other AS SELECT count(*) AS events FROM ev;
        CREATE VIEW newest AS SELECT minute, k, events FROM v WHERE events > 1;
        """

    private static func lines(_ ids: Range<Int>, hour: Int) -> String {
        ids.map { #"{"id":\#($0),"t":"2026-01-01T\#(hour < 10 ? "0" : "")\#(hour):0\#($0 % 3):30Z","k":"k\#($0 % 2)"}"# }.joined(
            separator: "\n")
    }

    @Test func theComparisonIsServed() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: CLIChangeTests.configuration)
        try pipeline.ingest("ev", Self.lines(0..<60, hour: 12))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        try pipeline.ingest("ev", Self.lines(100..<104, hour: 3))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")

        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let printed = try #require(
            try JSONSerialization.jsonObject(with: Data(try pipeline.run("compare", "v", "--format", "json").output.utf8)) as? NSDictionary)
        let answer = try HTTPClient.get(address, "/v1/views/v/comparison?limit=10")
        #expect(answer.status == 200)
        let served = try #require(try answer.json as? NSDictionary)
        #expect(served == printed, "\(answer.text)")
        #expect(served["run"] as? Int == 2, "\(answer.text)")
        #expect(served["run"] as? Int == 2 && served["rows_different"] as? Int == 4 && (served["rows"] as? [Any])?.count == 4)
        #expect((served["causes"] as? [NSDictionary]) == [["cause": "late", "rows": 4, "records": 4]])

        func rows(_ query: String) throws -> Int {
            let answer = try HTTPClient.get(address, "/v1/views/v/comparison?\(query)")
            return answer.status == 200 ? answer.rows.count : -answer.status
        }
        #expect(try rows("from=2026-01-01T03:01:00Z&to=2026-01-01T03:02:00Z") == 2)
        #expect(try rows("run=1&equal=true") == 6 && rows("run=1") == 0 && rows("limit=0") == 0)
        #expect(try rows("run=77") == -400 && rows("from=nonsense") == -400 && rows("limit=-1") == -400 && rows("equal=perhaps") == -400)
        #expect(try HTTPClient.get(address, "/v1/views/nothing/comparison").status == 404)
        #expect(try HTTPClient.get(address, "/v1/views/newest/comparison").text.contains("no_layers"))

        // Who may read another view may not know this one.
        let token = try pipeline.run("token", "create", "--name", "narrow", "--view", "other").output.trimmingCharacters(in: .newlines)
        let header = ["Authorization": "Bearer \(token)"]
        #expect(becomesTrue { (try? HTTPClient.get(address, "/v1/views").status) == 401 })
        #expect(try HTTPClient.get(address, "/v1/views/v/comparison", header).status == 404)
        #expect(try HTTPClient.get(address, "/v1/views/other/comparison", header).status == 200)
    }
}
