import Foundation
import Postgres
import TestSupport
import Testing

/// What `parallax dsn` gives to programs: a role that reads the views, by their names, and nothing else.
@Suite struct CLIReaderTests {
    private static func dsn(_ pipeline: CLIPipeline, _ flags: String...) throws -> String {
        let result = try CLIProgram(["dsn", "--pipeline", pipeline.path] + flags).wait()
        #expect(result.status == 0, "\(result.errors)")
        return result.output.trimmingCharacters(in: .newlines)
    }

    private static func refusal(_ connection: Connection, _ sql: String) -> String? {
        do { _ = try connection.query(sql) } catch { return error.sqlState }
        return nil
    }

    @Test func theConnectionStringIsForAReader() throws {
        let pipeline = try CLIPipeline(configuration: "log:\n  partitions: 1\nbatch:\n  interval: 0\n")
        #expect(try pipeline.run("up", "--detach").status == 0)
        let plain = try Self.dsn(pipeline)
        let url = try Self.dsn(pipeline, "--url")
        #expect(plain.contains("user=parallax_reader "))
        let folder = plain.split(separator: " ").first?.dropFirst("host=".count) ?? ""
        #expect(url.hasPrefix("postgresql://parallax_reader@/parallax?host=") && url.contains(folder.replacing("/", with: "%2F")), "\(url)")
        for text in [plain, url] {
            let reader = try Connection(text)
            defer { reader.close() }
            #expect(try reader.query("SELECT page, views FROM top_pages").columns == ["page", "views"])
            #expect(try reader.query("SELECT is_exact FROM traffic_by_page").columns == ["is_exact"])
            #expect(try reader.query("SELECT source, late_waiting FROM parallax.frontier").rows.map { $0[0] } == ["page_view"])
            _ = try reader.query("SELECT * FROM parallax.rejected, parallax.late_window")
            #expect(try reader.query("SELECT views FROM traffic_by_page_rollup('1 hour', '{}', outputs => '{views}')").columns == ["views"])
            #expect(Self.refusal(reader, "CREATE TABLE public.t (a integer)") == "25006")
            try reader.execute("SET default_transaction_read_only = off")
            let table =
                try Connection(Self.dsn(pipeline, "--admin")).query("SELECT tablename FROM pg_tables WHERE schemaname = 'batch'").rows[0][0]
                ?? ""
            for sql in [
                "SELECT * FROM parallax.rejected_record", "SELECT * FROM parallax.view", "SELECT * FROM batch.\(table)",
                "DELETE FROM traffic_by_page",
                "CREATE TABLE public.t (a integer)", "CREATE VIEW serving.t AS SELECT 1", "UPDATE parallax.published SET run = 7",
                "CREATE ROLE boss SUPERUSER", "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('/etc/passwd')",
            ] { #expect(["42501", "55000"].contains(Self.refusal(reader, sql)), "\(sql)") }
        }

        // Views that come later are for it, too; what is taken from it stays taken.
        let admin = try Connection(Self.dsn(pipeline, "--admin"))
        defer { admin.close() }
        #expect(
            try admin.query("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").rows.map(\.values) == [
                ["parallax", "t"]
            ])
        try admin.execute("REVOKE SELECT ON serving.top_pages FROM parallax_reader")
        let text = try String(contentsOfFile: "\(pipeline.path)/page_view.sql", encoding: .utf8)
        try pipeline.write(
            "page_view.sql", text + "\nCREATE VIEW pages AS SELECT DISTINCT page FROM traffic_by_page;\n")
        #expect(try pipeline.run("apply").status == 0)
        let reader = try Connection(plain)
        defer { reader.close() }
        #expect(try reader.query("SELECT * FROM pages").columns == ["page"])
        #expect(Self.refusal(reader, "SELECT * FROM top_pages") == "42501")

        let tcp = try CLIProgram(["dsn", "--tcp", "--pipeline", pipeline.path]).wait()
        #expect(tcp.status == 78 && tcp.errors.contains("postgres.tcp_port in parallax.yaml"), "\(tcp.errors)")
    }

    /// On a server of the user's own roles are the user's.
    @Test func aServerOfOnesOwnNeedsTheRole() throws {
        let dsn = try TestCluster.shared.freshDatabase()
        defer { try? TestCluster.shared.drop(dsn) }
        let pipeline = try CLIPipeline(configuration: "postgres:\n  url: \(dsn) password=s3cret\nlog:\n  partitions: 1\n")
        #expect(try pipeline.run("apply").status == 0)
        let missing = try pipeline.run("dsn")
        #expect(missing.status == 66 && missing.errors.contains("CREATE ROLE parallax_reader LOGIN"), "\(missing.errors)")
        #expect(try pipeline.run("dsn", "--admin").output.contains("s3cret"))
        let owner = try Connection(dsn)
        defer { owner.close() }
        try owner.execute("CREATE ROLE parallax_reader LOGIN")
        defer { _ = try? owner.execute("DROP OWNED BY parallax_reader; DROP ROLE parallax_reader") }
        #expect(try pipeline.run("apply").status == 0)
        let text = try pipeline.run("dsn").output
        #expect(text.contains("user=parallax_reader") && !text.contains("s3cret"), "\(text)")
        let privileges = try owner.query(
            "SELECT has_table_privilege('parallax_reader', 'serving.top_pages', 'SELECT'), has_table_privilege('parallax_reader', 'parallax.rejected_record', 'SELECT')"
        ).rows.map(\.values)
        #expect(privileges == [["t", "f"]])
    }

    @Test func aSourceThatIsAskedExplainsItself() throws {
        let pipeline = try CLIPipeline(configuration: "log:\n  partitions: 1\n")
        #expect(try pipeline.run("apply").status == 0)
        for flags in [[], ["--frontier"]] {
            let asked = try CLIProgram(["query", "--pipeline", pipeline.path] + flags + ["SELECT * FROM page_view"]).wait()
            #expect(asked.status == 65)
            #expect(
                asked.errors.contains("\"page_view\" is a source: its events are not rows of a table")
                    && asked.errors.contains("traffic_by_page"),
                "\(asked.errors)")
        }
    }

    /// A column that a view of the pipeline does not have: found without a server, with its place; and what only PostgreSQL finds has one, too.
    @Test func mistakesInViewsOnTopHaveAPlace() throws {
        let pipeline = try CLIPipeline(configuration: "log:\n  partitions: 1\n")
        let text = try String(contentsOfFile: "\(pipeline.path)/page_view.sql", encoding: .utf8)
        try pipeline.write("page_view.sql", text + "\nCREATE VIEW pages AS\nSELECT t.pge\nFROM traffic_by_page t;\n")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count
        for command in ["check", "apply"] {
            let found = try pipeline.run(command)
            #expect(found.status == 65)
            #expect(found.errors.contains("page_view.sql:\(lines + 2):8: error: column t.pge does not exist"), "\(found.errors)")
            #expect(found.errors.contains("hint: did you mean \"page\"?"))
        }
        try pipeline.write(
            "page_view.sql", text + "\nCREATE VIEW pages AS\nSELECT page,\n       upper(views) AS ü\nFROM traffic_by_page t;\n")
        #expect(try pipeline.run("check").status == 0)
        let refused = try pipeline.run("apply")
        #expect(refused.status == 65)
        #expect(refused.errors.contains("page_view.sql:\(lines + 3):8: error: function upper(bigint) does not exist"), "\(refused.errors)")
        #expect(refused.errors.contains("       upper(views) AS ü\n"), "\(refused.errors)")
    }
}
