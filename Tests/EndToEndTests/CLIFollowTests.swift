import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

/// `parallax tail` and `parallax role`, as people run them.
@Suite struct CLIFollowTests {
    private static let configuration = "log:\n  partitions: 1\nbatch:\n  interval: 0\n"

    private static func admin(_ pipeline: CLIPipeline) throws -> String {
        try pipeline.run("dsn", "--admin").output.trimmingCharacters(in: .newlines)
    }

    private static func produce(_ pipeline: CLIPipeline, seed: Int, count: Int = 40) throws {
        #expect(try pipeline.run("generate", "page_view", "--count", "\(count)", "--seed", "\(seed)").status == 0)
        let speed = try pipeline.run("speed", "--until-caught-up")
        #expect(speed.status == 0, "\(speed.errors)")
    }

    private static func rows(_ output: String) throws -> [[String: Any]] {
        try output.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    @Test func tailPrintsWhatChanges() throws {
        let pipeline = try CLIPipeline(configuration: Self.configuration)
        #expect(try pipeline.run("up", "--detach").status == 0)
        let connection = try Connection(Self.admin(pipeline))
        defer { connection.close() }
        #expect(try pipeline.run("generate", "page_view", "--count", "40", "--seed", "1").status == 0)
        try waitUntil("the first rows") { try connection.query("SELECT count(*) > 0 FROM serving.traffic_by_page").rows[0].bool(0) }

        let start = try pipeline.run("tail", "traffic_by_page", "--from-start", "--json", "--limit", "3")
        #expect(start.status == 0, "\(start.errors)")
        let first = try Self.rows(start.output)
        #expect(
            first.count == 3 && first.allSatisfy { $0["operation"] as? String == "snapshot" && $0["row"] is [String: Any] },
            "\(start.output)")
        let table = try pipeline.run("tail", "traffic_by_page", "--from-start", "--limit", "2")
        #expect(table.output.split(separator: "\n").count == 3 && table.output.contains("\n=  "), "\(table.output)")

        // From a change on: what comes while it waits is printed.
        let change = try connection.query("SELECT parallax.change('traffic_by_page')").rows[0].int(0)
        let waiting = try CLIProgram([
            "tail", "traffic_by_page", "--since", "\(change)", "--json", "--limit", "1", "--pipeline", pipeline.path,
        ])
        #expect(try pipeline.run("generate", "page_view", "--count", "40", "--seed", "2").status == 0)
        let followed = try waiting.wait()
        #expect(followed.status == 0, "\(followed.errors)")
        let row = try #require(try Self.rows(followed.output).first)
        #expect(row["operation"] as? String == "upsert" && (row["change"] as? Int64 ?? 0) > change, "\(followed.output)")

        // Ctrl-C is how it ends, also after the connection was lost.
        try waitUntil("the end of the others' sessions") {
            try connection.query("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'parallax tail'").rows[0].bool(0)
        }
        let endless = try CLIProgram(["tail", "traffic_by_page", "--pipeline", pipeline.path])
        // A session that ends while it begins is an error: there may be no server.
        let itsSession = """
            FROM pg_stat_activity WHERE state = 'idle' AND application_name = 'parallax tail' AND query NOT LIKE 'SET %' AND query <> ''
            """
        var found: Int64?
        try waitUntil("the session of tail") {
            found = try connection.query("SELECT min(pid) \(itsSession)").rows[0].optionalInt(0)
            return found != nil
        }
        let old = try #require(found)
        try connection.query("SELECT pg_terminate_backend($1::integer)", [.int(old)])
        try waitUntil("its next session") { try connection.query("SELECT count(*) > 0 \(itsSession) AND pid <> \(old)").rows[0].bool(0) }
        endless.process.interrupt()
        let ended = try endless.wait()
        #expect(ended.status == 0 && ended.errors.contains("waiting for it to come back"), "\(ended.status) \(ended.errors)")

        let onTop = try pipeline.run("tail", "top_pages")
        #expect(onTop.status == 64 && onTop.errors.contains("it reads \"traffic_by_page\""), "\(onTop.errors)")
        let unknown = try pipeline.run("tail", "trafic_by_page")
        #expect(unknown.status == 64 && unknown.errors.contains("did you mean \"traffic_by_page\"?"), "\(unknown.errors)")
        let tooOld = try pipeline.run("tail", "traffic_by_page", "--since", "\(change + 10_000_000_000_000)")
        #expect(tooOld.status != 0 && tooOld.errors.contains("has no change"), "\(tooOld.errors)")
    }

    private static func refusal(_ connection: Connection, _ sql: String) -> String? {
        do { _ = try connection.query(sql) } catch { return error.sqlState }
        return nil
    }

    @Test func aReadersRoleSeesItsViewsAndNothingElse() throws {
        let pipeline = try CLIPipeline(configuration: Self.configuration)
        #expect(try pipeline.run("up", "--detach").status == 0)
        try pipeline.write("shop.password", "s3cret\n")
        let made = try pipeline.run(
            "role", "create", "reader", "shop", "--view", "traffic_by_page", "--password-file", "\(pipeline.path)/shop.password")
        #expect(made.status == 0 && made.output == "role shop reads traffic_by_page\n", "\(made.errors)")
        #expect(try pipeline.run("role", "create", "reader", "everybody", "--password-file", "\(pipeline.path)/shop.password").status == 0)
        let again = try pipeline.run("role", "create", "reader", "shop")
        #expect(again.status == 64 && again.errors.contains("has a role \"shop\" already"), "\(again.errors)")
        let unknown = try pipeline.run("role", "create", "reader", "other", "--view", "top_page")
        #expect(unknown.status == 64 && unknown.errors.contains("did you mean \"top_pages\"?"), "\(unknown.errors)")

        let admin = try Self.admin(pipeline)
        func connect(_ role: String) throws -> Connection {
            try Connection(admin.replacing("user=parallax", with: "user=\(role)") + " password=s3cret")
        }
        func expectReads() throws {
            let shop = try connect("shop")
            defer { shop.close() }
            _ = try shop.query("SELECT views FROM traffic_by_page")
            _ = try shop.query(
                "SELECT change, operation, key FROM traffic_by_page_changes WHERE change > parallax.change('traffic_by_page')")
            #expect(try shop.query("SELECT view FROM parallax.followed_view").texts(0) == ["traffic_by_page"])
            _ = try shop.query("SELECT parallax.freshness('traffic_by_page')")
            for sql in [
                "SELECT * FROM top_pages", "SELECT * FROM parallax.frontier", "SELECT * FROM parallax.view",
                "SELECT * FROM parallax.change",
                "DELETE FROM traffic_by_page",
            ] { #expect(["42501", "25006", "55000"].contains(Self.refusal(shop, sql)), "\(sql)") }
            #expect(Self.refusal(shop, "SELECT parallax.change('top_pages')") == "42P01")
        }
        try expectReads()

        // A column goes, so the view is made anew, by the run that publishes its new version.
        let text = try String(contentsOfFile: "\(pipeline.path)/page_view.sql", encoding: .utf8)
        try pipeline.write("page_view.sql", text + "\nCREATE VIEW pages AS SELECT DISTINCT page FROM traffic_by_page;\n")
        #expect(try pipeline.run("apply", "--yes").status == 0)
        let other = text.replacing("count(*) AS views", with: "count(*) + 0 AS views")
        #expect(other != text)
        try pipeline.write("page_view.sql", other)
        let applied = try pipeline.run("apply", "--yes")
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(try pipeline.run("generate", "page_view", "--count", "40", "--seed", "3").status == 0)
        let run = try pipeline.run("batch", "run")
        #expect(run.status == 0, "\(run.errors)")
        try expectReads()
        let everybody = try connect("everybody")
        _ = try everybody.query("SELECT * FROM top_pages, parallax.frontier")
        everybody.close()

        let listed = try pipeline.run("role", "list")
        #expect(listed.output.contains("everybody  all\n") && listed.output.contains("shop       traffic_by_page\n"), "\(listed.output)")
        for role in ["shop", "everybody"] {
            let dropped = try pipeline.run("role", "drop", role)
            #expect(dropped.status == 0, "\(dropped.errors)")
        }
        #expect(try pipeline.run("role", "list", "--json").output == "[]\n")
        let foreign = try pipeline.run("role", "drop", "parallax_reader")
        #expect(foreign.status == 64 && foreign.errors.contains("no readers' role that Parallax made"), "\(foreign.errors)")
    }
}
