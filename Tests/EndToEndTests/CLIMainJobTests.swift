import Foundation
import Glibc
import TestSupport
import Testing

/// The main job by hand: up, look, batch, revert, down, on the real thing.
@Suite(.serialized) struct CLIMainJobTests {
    @Test func aNewcomerGetsFromAnEmptyFolderToLiveRowsAndExactOnes() throws {
        let pipeline = try CLIPipeline(
            configuration: "generator:\n  source: page_view\n  rate: 500\nspeed:\n  flush_interval: 50ms\nbatch:\n  interval: off\n")
        let up = try pipeline.run("up", "--detach")
        #expect(up.status == 0, "\(up.errors)")
        #expect(up.output.contains("\\watch 1"))
        #expect(up.output.contains("down --pipeline"))

        // A pipeline is up at most once.
        let second = try pipeline.run("up", "--detach")
        #expect(second.status == 75)
        #expect(second.errors.contains("is up already, in process"))

        // Rows change by themselves.
        func views() throws -> Int {
            let rows = try pipeline.json("query", "--format", "json", "SELECT coalesce(sum(views), 0)::bigint AS n FROM traffic_by_page")
            return (rows as? [[String: Int]])?.first?["n"] ?? 0
        }
        #expect(try becomesTrue { try views() > 100 })
        let before = try views()
        #expect(try becomesTrue { try views() > before })

        let status = try #require(try pipeline.json("status", "--json") as? [String: Any])
        #expect(status["up"] as? Bool == true)
        let source = try #require((status["sources"] as? [[String: Any]])?.first)
        #expect(source["missing"] as? Int == 0)
        let partition = try #require((source["partitions"] as? [[String: Any]])?.first)
        #expect(partition["owned"] as? Bool == true)

        // Exact rows take over below the cut.
        let run = try pipeline.run("batch", "run")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("run 1 of source \"page_view\": published"))
        #expect(try pipeline.run("batch", "list").output.contains("published, current"))
        let shown = try #require(try pipeline.json("batch", "show", "1", "--json") as? [String: Any])
        #expect(shown["current"] as? Bool == true)
        #expect(try pipeline.run("batch", "run", "--json").status == 0)
        #expect(try pipeline.run("batch", "revert", "1").status == 0)
        #expect(try pipeline.run("batch", "revert", "7").status == 64)
        #expect(try pipeline.run("batch", "run", "page_vew").status == 64)

        let psql = try CLIProgram(["psql", "--pipeline", pipeline.path, "--", "-Atc", "SELECT count(*) > 0 FROM top_pages"]).wait()
        #expect(psql.output == "t\n", "\(psql.errors)")

        let down = try pipeline.run("down")
        #expect(down.status == 0, "\(down.errors)")
        #expect(down.output.contains("stopped process"))
        #expect(try pipeline.run("down").output == "nothing was running\n")
        let log = try String(contentsOfFile: "\(pipeline.path)/.parallax/up.log", encoding: .utf8)
        #expect(!log.contains(" error "), "\(log)")
    }

    @Test func everyLayerWorksAloneAndLeavesNothingRunning() throws {
        let pipeline = try CLIPipeline(configuration: "log:\n  partitions: 3\n")
        #expect(try pipeline.run("status").status == 66)
        #expect(try pipeline.run("generate", "page_view", "--count", "5000", "--seed", "3").status == 0)
        let dry = try pipeline.run("apply", "--dry-run")
        #expect(dry.output == "+ source page_view\n+ view traffic_by_page\n+ overlay top_pages\n")
        #expect(try pipeline.run("apply").output.hasSuffix("applied\n"))
        #expect(try pipeline.run("apply").output == "nothing to change\n")
        let speed = try pipeline.run("speed", "--until-caught-up")
        #expect(speed.status == 0, "\(speed.errors)")
        let archived = try pipeline.run("archive", "--until-caught-up")
        #expect(archived.status == 0, "\(archived.errors)")
        #expect(archived.output.hasPrefix("page_view: archived up to {0: "))
        #expect(try pipeline.run("batch", "run", "--full").status == 0)

        // A changed view waits for consent; without a terminal that is --yes.
        let text = try String(contentsOfFile: "\(pipeline.path)/page_view.sql", encoding: .utf8)
        try pipeline.write("page_view.sql", text.replacing("country <> 'ZZ'", with: "country <> 'US'"))
        let refused = try pipeline.run("apply")
        #expect(refused.status == 65)
        #expect(refused.errors.contains("add --yes to agree"))
        #expect(try pipeline.run("apply", "--yes").status == 0)
        #expect(try pipeline.run("status").output.contains("WAITING     view traffic_by_page has a new version"))
        #expect(try pipeline.run("batch", "run").status == 0)
        #expect(try !pipeline.run("status").output.contains("WAITING"))

        // Each command started the server and stopped it again.
        #expect(try pipeline.json("dsn", "--json") as? [String: AnyHashable] != nil)
        #expect(try (pipeline.json("dsn", "--json") as? [String: Any])?["running"] as? Bool == false)
    }

    @Test func queriesAreReadOnlyUnlessAsked() throws {
        let pipeline = try CLIPipeline()
        #expect(try pipeline.run("apply").status == 0)
        let refused = try pipeline.run("query", "CREATE TABLE public.t (a int)")
        #expect(refused.status == 65)
        #expect(refused.errors.contains("add --write to let the statement change things"))
        #expect(try pipeline.run("query", "COMMIT; CREATE TABLE public.t (a int)").status == 65)
        #expect(try pipeline.run("query", "--write", "CREATE TABLE public.t (a int)").status == 0)
        #expect(try pipeline.run("query", "--format", "csv", "SELECT 1 AS a, NULL AS b, '' AS c").output == "a,b,c\n1,,\"\"\n")
        let wrong = try pipeline.run("query", "SELEC 1")
        #expect(wrong.status == 65)
        #expect(wrong.errors.contains("syntax error"))
    }

    @Test func doctorTellsWhatIsThere() throws {
        let pipeline = try CLIPipeline()
        let result = try pipeline.run("doctor")
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output.contains("ok      PostgreSQL extension hll"))
        let broken = try CLIPipeline(configuration: "postgres:\n  url: host=127.0.0.1 port=1 connect_timeout=2 password=s3cret\n")
        let missing = try broken.run("doctor")
        #expect(missing.status == 69)
        #expect(missing.output.contains("MISSING PostgreSQL"))
        // What the connections to Kafka die of: a wrong password looks like a broker that is down, but for this.
        let silent = try CLIPipeline(configuration: "log:\n  kind: kafka\n  kafka:\n    brokers: 127.0.0.1:1\n").run("doctor")
        #expect(silent.output.contains("; The connections say: Local: Broker transport failure"))
        #expect(!missing.output.contains("s3cret"))
    }
}
