import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// Tables through the binary: loaded from files, all or nothing, and every row that is wrong named by its line.
@Suite(.serialized) struct LoadTests {
    private static let sql = """
        CREATE FOREIGN TABLE click (event_id uuid, event_time timestamptz, ad int) SERVER parallax
            OPTIONS (event_id 'event_id', event_time 'event_time');
        CREATE TABLE ad (id int PRIMARY KEY, name text NOT NULL, price numeric(6,2), code uuid, UNIQUE (code));
        CREATE TABLE keyless (word text);
        CREATE MATERIALIZED VIEW clicks AS SELECT name, count(*) AS n FROM click JOIN ad ON ad.id = click.ad GROUP BY name;
        """

    private func write(_ text: String, _ name: String, _ pipeline: TestPipeline) throws -> String {
        let path = pipeline.path + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func rows(_ pipeline: TestPipeline) throws -> [String] {
        Oracle.lines(try pipeline.connection.query("SELECT id, name, price FROM dimension.ad"))
    }

    @Test func csvAndJSONAreAddedReplacedAndOverwritten() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: "")
        let csv = try write("\u{FEFF}name,id\r\n\"Häuser, \"\"grün\"\"\nund blau\",1\r\n\n\"\",2\r\nx,3", "ads.csv", pipeline)
        #expect(try pipeline.run("load", "ad", csv).output == "ad: 3 rows loaded\n")
        #expect(try rows(pipeline) == ["1|Häuser, \"grün\"\nund blau|∅", "2||∅", "3|x|∅"])
        // Without a header, from standard input; what the file does not say stays.
        let upsert = try Program.run(
            ["load", "ad", "-", "--format", "csv", "--upsert", "--no-header", "--json", "--pipeline", pipeline.path],
            input: Data("3,z,1.005,\n4,new,-7,00000000-0000-0000-0000-000000000001\n".utf8))
        #expect(
            upsert.output.filter { !$0.isWhitespace } == "{\"table\":\"ad\",\"rows\":2,\"removed\":0,\"problems\":[]}", "\(upsert.errors)")
        #expect(try rows(pipeline).suffix(2) == ["3|z|1.01", "4|new|-7.00"])
        let partly = try write("id,price\n3,9\n", "price.csv", pipeline)
        let refused = try pipeline.run("load", "ad", partly, "--upsert", expecting: 65)
        #expect(refused.errors.contains("price.csv:1: error: the file has no column \"name\", which must not be null"))
        let json = try write(
            "{\"id\": 7, \"name\": \"\\u00fc\\t\", \"price\": \"2.5\", \"other\": [1]}\n\n{\"name\": \"e\", \"id\": 8, \"code\": null}\n",
            "ads.ndjson", pipeline)
        #expect(try pipeline.run("load", "ad", json, "--replace").output == "ad: 2 rows loaded, 4 removed\n")
        #expect(try rows(pipeline) == ["7|ü\t|2.50", "8|e|∅"])
        #expect(try pipeline.value("SELECT count(*) FROM pg_stat_user_tables WHERE relname = 'parallax_load'") == 0)
    }

    @Test func intervalsAreReadInAllOfPostgreSQLsForms() throws {
        let sql = "CREATE TABLE plan (name text PRIMARY KEY, term interval, grace interval NOT NULL);\n" + Self.sql
        let pipeline = try TestPipeline(sql: sql, configuration: "")
        let csv = try write("name,term,grace\na,P1M,-1 2:03\nb,,@ 5 minutes ago\n", "plans.csv", pipeline)
        #expect(try pipeline.run("load", "plan", csv).output == "plan: 2 rows loaded\n")
        let json = try write("{\"name\": \"c\", \"term\": \"1-2 3 4:05:06\", \"grace\": \"1.5 weeks\"}\n", "plans.ndjson", pipeline)
        #expect(try pipeline.run("load", "plan", json).output == "plan: 1 row loaded\n")
        let rows = Oracle.lines(try pipeline.connection.query("SELECT * FROM dimension.plan"))
        #expect(rows == ["a|1 mon|-1 days +02:03:00", "b|∅|-00:05:00", "c|1 year 2 mons 3 days 04:05:06|10 days 12:00:00"])
        let wrong = try write("name,term,grace\nd,1 minuet,2147483648 days\n", "wrong.csv", pipeline)
        let errors = try pipeline.run("load", "plan", wrong, expecting: 65).errors
        #expect(errors.contains("wrong.csv:2: error: column \"term\": invalid input syntax for type interval: \"1 minuet\""), "\(errors)")
        #expect(errors.contains("error: column \"grace\": interval field value out of range: \"2147483648 days\""), "\(errors)")
    }

    @Test func aRowThatIsWrongIsNamedAndNothingIsLoaded() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: "")
        func refused(
            _ text: String, _ name: String, _ options: String..., table: String = "ad", says lines: [String],
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let path = try write(text, name, pipeline)
            let result = try Program.run(["load", table, path, "--pipeline", pipeline.path] + options)
            #expect(result.status == 65, "\(result.errors)", sourceLocation: sourceLocation)
            for line in lines {
                #expect(
                    result.errors.contains(line.replacing("FILE", with: path)), "\(line) in\n\(result.errors)",
                    sourceLocation: sourceLocation)
            }
            #expect(result.errors.contains("nothing was loaded") && result.output == "", sourceLocation: sourceLocation)
        }
        let loaded = try write("id,name,code\n1,a,00000000-0000-0000-0000-000000000001\n", "ads.csv", pipeline)
        try pipeline.run("load", "ad", loaded)
        let before = try rows(pipeline)
        try refused(
            "id,name,price\n2,ok,1\nx,bad,99999\n3,,\"1\n2\"\n4\n", "bad.csv",
            says: [
                "FILE:3: error: column \"id\": invalid input syntax for type integer: \"x\"",
                "FILE:3: error: column \"price\": numeric field overflow",
                "FILE:4: error: column \"name\": null value violates not-null constraint",
                "FILE:4: error: column \"price\": invalid input syntax",
                "FILE:6: error: 1 fields, where there are 3 columns",
            ])
        try refused("id,nam\n", "header.csv", says: ["FILE:1: error: the table \"ad\" has no column \"nam\"", "did you mean \"name\"?"])
        try refused("id,id\n", "header.csv", says: ["FILE:1: error: column \"id\" is named twice"])
        try refused("", "empty.csv", says: ["FILE:1: error: the file is empty"])
        try refused("id,name\n2,\"open\n3,b\n", "quote.csv", says: ["FILE:2: error: unterminated quoted field"])
        try refused("id,name\n2,a\"b\n", "quote.csv", says: ["FILE:2: error: a quote inside of a field"])
        try refused(
            "id,name\n2,a\n\n2,b\n", "twice.csv", "--replace",
            says: ["FILE:4: error: (id) = (2) stands in line 2 already", "hint: a key has one row"])
        try refused(
            "id,name\n2,a\n1,b\n", "known.csv", says: ["FILE:3: error: (id) = (1) is in the table already", "hint: --upsert overwrites"])
        try refused(
            "{\"id\": 2, \"name\": \"a\"}\n{\"id\": \"two\", \"name\": \"b\"}\n{\"id\": 3}\nnull\n", "bad.ndjson",
            says: [
                "FILE:2: error: column \"id\": invalid input syntax for type integer: \"two\"",
                "FILE:3: error: column \"name\": null value in column \"name\" violates not-null constraint",
                "FILE:4: error: the payload is not a JSON object",
            ])
        try refused("word\nx\u{0}y\n", "nul.csv", table: "keyless", says: ["FILE:2: error: column \"word\": invalid byte sequence"])
        let many = "id,name\n" + (0..<50_000).map { "x\($0),n\n" }.joined()
        try refused(many, "many.csv", says: ["FILE:21: error: column \"id\"", "the rest is not shown"])
        let asJSON = try Program.run(
            ["load", "ad", "-", "--format", "csv", "--json", "--pipeline", pipeline.path], input: Data("id,name\nx,1\n".utf8))
        #expect(asJSON.status == 65)
        let found = try JSONSerialization.jsonObject(with: Data(asJSON.output.utf8)) as? [String: Any]
        let problem = try #require((found?["problems"] as? [[String: Any]])?.first)
        #expect(found?["rows"] as? Int == 0 && problem["line"] as? Int == 2 && problem["column"] as? String == "id")
        #expect(problem["message"] as? String == "invalid input syntax for type integer: \"x\"")
        #expect(try rows(pipeline) == before)
        // Wrong words on the command line.
        for (arguments, words) in [
            (["load", "add", loaded], "there is no table \"add\""), (["load", "ad", "-"], "add --format csv or --format ndjson"),
            (["load", "ad", loaded, "--replace", "--upsert"], "exclude one another"),
            (["load", "keyless", loaded, "--upsert"], "has no key"),
        ] {
            let result = try Program.run(arguments + ["--pipeline", pipeline.path])
            #expect(result.status == 64 && result.errors.contains(words), "\(result.errors)")
        }
        #expect(try pipeline.run("load", "ad", pipeline.path + "/none.csv", expecting: nil).status == 66)
    }

    /// What an apply says about tables, and what it asks.
    @Test func applyShowsTablesAndAsksBeforeRowsGo() throws {
        let pipeline = try TestPipeline(sql: Self.sql, configuration: "")
        let csv = try write("word\na\nb\n", "words.csv", pipeline)
        try pipeline.run("load", "keyless", csv)
        let file = URL(fileURLWithPath: pipeline.path + "/views.sql")
        try Data(
            Self.sql.replacing("CREATE TABLE keyless (word text);", with: "").replacing(
                "price numeric(6,2),", with: "price numeric(6,2), more date,"
            ).utf8
        )
        .write(to: file)
        let refused = try pipeline.run("apply", expecting: 65)
        #expect(
            refused.output.contains("~ table ad\n") && refused.output.contains("    + more date\n")
                && refused.output.contains("- table keyless, with its 2 rows\n"),
            "\(refused.output)")
        #expect(refused.errors.contains("- table keyless, with its 2 rows"))
        #expect(try pipeline.value("SELECT count(*) FROM dimension.keyless") == 2)
        try pipeline.run("apply", "--yes")
        #expect(try pipeline.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'dimension.ad'::regclass AND attname = 'more'") == 1)
        #expect(try pipeline.connection.query("SELECT to_regclass('dimension.keyless') IS NULL").rows[0].bool(0) == true)
        try Data(Self.sql.replacing("price numeric(6,2)", with: "price int").utf8).write(to: file)
        let changed = try pipeline.run("apply", "--yes", expecting: 65)
        #expect(changed.errors.contains("column \"price\" of \"dimension\".\"ad\" is of type numeric(6,2), declared as integer"))
        #expect(changed.errors.contains("ALTER TABLE"))
    }
}
