import Foundation
import TestSupport
import Testing

/// What other people's tools make of the API and of the served views: none of them was written with us in mind.
@Suite(.serialized) struct APIConformanceTests {
    private static let toolsTrouble = Python.trouble(importing: "schemathesis, httplint")
    private static let clientsTrouble = Python.trouble(importing: "psycopg, asyncpg, sqlalchemy")

    /// The demo pipeline with batch rows, live rows and rejected records.
    private static func demo() throws -> TestPipeline {
        let pipeline = try TestPipeline.demo()
        for (seed, command) in [("5", ["batch", "run"]), ("6", [])] {
            try pipeline.run("generate", "page_view", "--count", "1000", "--seed", seed)
            try pipeline.run("speed", "--until-caught-up")
            if !command.isEmpty { try pipeline.run(command[0], command[1]) }
        }
        return pipeline
    }

    /// Each operation of the OpenAPI text, with values that it says are right and with wrong ones: no answer is a 500, none says what the text does not,
    /// wrong methods and values are refused.
    @Test(.enabled(if: toolsTrouble == nil, "\(toolsTrouble ?? "")")) func answersAreAsTheOpenAPITextSays() throws {
        let pipeline = try Self.demo()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let said = try Python.run(
            """
            import os, sys, tempfile
            from schemathesis.cli import schemathesis
            # It keeps what it found where it is run.
            folder = tempfile.TemporaryDirectory()
            os.chdir(folder.name)
            # Names of views and columns are data: the text cannot say which are right.
            sys.argv = ["st", "run", "http://\(address)/openapi.json", "--max-examples", "15", "--seed", "20261127", "--generation-deterministic",
                        "--exclude-checks", "positive_data_acceptance", "--exclude-path-regex", "/(live|progress)$", "--no-color",
                        "--request-timeout", "60"]
            try:
                schemathesis()
            except SystemExit as end:
                if end.code: sys.exit(f"schemathesis ended with {end.code}")
            """)
        #expect(said.contains("Fuzzing") && said.contains("Stateful") && !said.contains("❌"), "\(said.suffix(6_000))")
        #expect(try HTTPClient.get(address, "/healthz").status == 200)
    }

    /// Heads as caches and clients read them: nothing that contradicts itself or the standards, on any route and for errors, too.
    @Test(.enabled(if: toolsTrouble == nil, "\(toolsTrouble ?? "")")) func headsAreAsTheStandardsSay() throws {
        let pipeline = try Self.demo()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let rows = "/v1/views/traffic_by_page/rows"
        let requests = [
            "GET /healthz", "GET /readyz", "GET /openapi.json", "HEAD /openapi.json", "GET /v1/status", "GET /v1/views",
            "GET /v1/views/traffic_by_page", "GET \(rows)?limit=5", "HEAD \(rows)?limit=5", "GET \(rows)?format=csv",
            "GET /v1/views/traffic_by_page/changes",
            "GET \(rows) Accept:application/x-ndjson", "GET \(rows) Accept:application/vnd.apache.parquet", "GET /v1/runs",
            "GET /v1/runs/1",
            "GET /v1/runs/1/progress", "GET /v1/sources", "GET /v1/sources/page_view/rejected", "GET /v1/audit", "GET /nothing",
            "DELETE /v1/views", "GET /v1/views/none", "GET \(rows)?limit=x", "GET \(rows) Accept:image/png",
        ]
        let said = try Python.run(
            """
            import http.client, sys, time
            from httplint import HttpResponseLinter
            from httplint.note import levels

            def ask(method, path, headers):
                connection = http.client.HTTPConnection("\(address)", timeout=60)
                connection.request(method, path, headers=headers)
                answer = connection.getresponse()
                return answer, answer.read()

            def lint(request, method, path, headers):
                answer, body = ask(method, path, headers)
                linter = HttpResponseLinter(start_time=time.time())
                linter.process_response_topline(b"HTTP/1.1", str(answer.status).encode(), answer.reason.encode())
                linter.process_headers([(name.encode(), value.encode()) for name, value in answer.getheaders()])
                if method != "HEAD": linter.feed_content(body)
                linter.finish_content(True)
                for note in linter.notes:
                    # A head alone has the length of a body that is not there.
                    if method == "HEAD" and note.subject == "field-content-length": continue
                    # It says of each error that it is one.
                    if type(note).__module__ == "httplint.status": continue
                    if note.level in (levels.BAD, levels.WARN): print(request, answer.status, note.summary)
                return answer

            for request in sys.argv[1:]:
                method, path, *fields = request.split(" ")
                headers = dict(field.split(":", 1) for field in fields)
                answer = lint(request, method, path, headers)
                tag = answer.getheader("etag")
                if tag and method == "GET":
                    again = lint(request + " again", method, path, headers | {"If-None-Match": tag})
                    if again.status != 304: print(request, "is not 304 with its tag:", again.status)
                    if again.getheader("etag") != tag: print(request, "304 has another tag")
            """, requests)
        #expect(said.isEmpty, "\(said)")
    }

    /// Reflection, types, plans that a session keeps over publications, notifications: as people's own programs use them.
    @Test(.enabled(if: clientsTrouble == nil, "\(clientsTrouble ?? "")")) func clientsOfPostgreSQLReadServedViews() throws {
        let pipeline = try Self.demo()
        let said = try Python.run(
            """
            import asyncio, datetime, decimal, subprocess, sys
            import asyncpg, psycopg, sqlalchemy
            from sqlalchemy import MetaData, Table, func, inspect, select

            folder, *publish = sys.argv[1:]
            def run(): subprocess.run(publish, check=True, capture_output=True)

            # SQLAlchemy: columns and their types by reflection, and a question made of them.
            engine = sqlalchemy.create_engine(f"postgresql+psycopg://parallax_reader@/parallax?host={folder}")
            view = Table("traffic_by_page", MetaData(schema="serving"), autoload_with=engine)
            kinds = {column.name: type(column.type).__name__ for column in view.columns}
            expected = {"minute": "TIMESTAMP", "page": "TEXT", "views": "BIGINT", "revenue": "NUMERIC", "average_ms": "NUMERIC", "is_exact": "BOOLEAN"}
            assert {name: kinds[name] for name in expected} == expected and view.c.minute.type.timezone, kinds
            assert {"traffic_by_page", "top_pages"} <= set(inspect(engine).get_view_names(schema="serving"))
            with engine.connect() as connection:
                total = sum(row[1] for row in connection.execute(select(view.c.page, func.sum(view.c.views)).group_by(view.c.page)))
            assert total > 1800, total

            # psycopg: a plan that the server keeps, and the notification of each publication.
            with psycopg.connect(host=folder, user="parallax_reader", dbname="parallax", autocommit=True, prepare_threshold=0) as connection:
                channel, = connection.execute("SELECT channel FROM parallax.followed_view WHERE view = 'traffic_by_page'").fetchone()
                connection.execute(f'LISTEN "{channel}"')
                since = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
                for turn in range(2):
                    found, newest = connection.execute("SELECT sum(views), max(minute) FROM traffic_by_page WHERE minute >= %s", (since,)).fetchone()
                    assert isinstance(found, decimal.Decimal) and found >= total and newest.tzinfo is not None, (found, total, newest)
                    run()
                    print(next(connection.notifies(timeout=60)).payload)

            # asyncpg: binary values, a prepared statement over a publication, a cursor in a snapshot.
            async def main():
                connection = await asyncpg.connect(host=folder, user="parallax_reader", database="parallax")
                statement = await connection.prepare(
                    "SELECT minute, page, views, revenue, is_exact FROM traffic_by_page WHERE views > $1 ORDER BY views DESC, minute, page LIMIT 3")
                first = await statement.fetch(0)
                await asyncio.to_thread(run)
                assert [tuple(row) for row in await statement.fetch(0)] == [tuple(row) for row in first]
                assert isinstance(first[0]["views"], int) and isinstance(first[0]["minute"], datetime.datetime)
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    assert len([row async for row in connection.cursor("SELECT * FROM traffic_by_page")]) > 100
                await connection.close()
            asyncio.run(main())
            """, [pipeline.path + "/.parallax/postgres", Program.path, "batch", "run", "--full", "--pipeline", pipeline.path])
        let lines = said.split(separator: "\n")
        #expect(lines.count == 2 && lines.allSatisfy { $0.contains("\"publication\"") }, "\(said)")
    }
}
