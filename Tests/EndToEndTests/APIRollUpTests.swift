import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

/// Roll-ups over HTTP: what programs get is what PostgreSQL says of the raw events, and each row says how far it is.
@Suite(.serialized) struct APIRollUpTests {
    static let sql = """
        CREATE FOREIGN TABLE ev (id bigint, t timestamptz, k text, c text, u bigint, d bigint)
        SERVER parallax OPTIONS (event_id 'id', event_time 't', out_of_orderness '5 seconds', lateness '1 hour');
        CREATE MATERIALIZED VIEW v WITH (keep_sketches = true) AS
        SELECT tumble(t, '1 minute') AS minute, k, c, count(*) AS events, sum(d) AS total, avg(d) AS mean, count(DISTINCT u) AS users,
               percentile_cont(0.9) WITHIN GROUP (ORDER BY d) AS p90
        FROM ev GROUP BY minute, k, c;
        CREATE MATERIALIZED VIEW plain AS
        SELECT tumble(t, '1 minute') AS minute, k, count(*) AS events, count(DISTINCT u) AS users FROM ev GROUP BY minute, k;
        CREATE MATERIALIZED VIEW unshown AS SELECT tumble(t, '1 minute') AS minute, count(*) AS events FROM ev GROUP BY minute, k;
        CREATE VIEW busy AS SELECT minute, k, events FROM v WHERE events > 1;
        """
    /// Windows of the other kinds, and none.
    static let otherWindows = """
        CREATE MATERIALIZED VIEW days AS SELECT date_trunc('day', t, 'Europe/Berlin') AS day, k, count(*) AS events FROM ev GROUP BY day, k;
        CREATE MATERIALIZED VIEW hops AS SELECT hop(t, '10 minutes', '30 minutes') AS w, k, count(*) AS events FROM ev GROUP BY w, k;
        CREATE MATERIALIZED VIEW uneven AS SELECT hop(t, '20 minutes', '30 minutes') AS w, k, count(*) AS events FROM ev GROUP BY w, k;
        CREATE MATERIALIZED VIEW visits AS SELECT session(t, '20 minutes') AS s, s_end, k, count(*) AS events FROM ev GROUP BY s, k;
        CREATE MATERIALIZED VIEW by_k AS SELECT k, c, count(*) AS events FROM ev GROUP BY k, c;
        """
    static let keys: [String?] = ["a", "b", "é;--", "", nil]

    /// Events of a day and a minute of it.
    private static func events(_ ids: Range<Int>, day: String, from first: Int, minutes: Int) -> [String] {
        ids.map { id in
            let minute = first + (id - ids.lowerBound) * minutes / ids.count
            let time = "\(day)T\(minute / 60 < 10 ? "0" : "")\(minute / 60):\(minute % 60 < 10 ? "0" : "")\(minute % 60):15Z"
            let key = keys[id * 7 % keys.count].map { jsonQuoted($0) } ?? "null"
            return
                #"{"id":\#(id),"t":"\#(time)","k":\#(key),"c":"\#(id % 3 == 0 ? "DE" : "FR")","u":\#(id * 13 % 41),"d":\#(id * 31 % 97)}"#
        }
    }

    private func ingest(_ pipeline: TestPipeline, _ lines: [String]) throws {
        try pipeline.ingest("ev", lines.joined(separator: "\n"))
        // The same events for PostgreSQL.
        try pipeline.connection.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS raw (id bigint, t timestamptz, k text, c text, u bigint, d bigint)")
        try pipeline.connection.query(
            "INSERT INTO raw SELECT * FROM jsonb_populate_recordset(NULL::raw, $1::jsonb)",
            [.text("[" + lines.joined(separator: ",") + "]")])
    }

    /// The week before, a morning that is published, and one that is live beside it.
    ///
    /// - Parameter hasClockChanges: days before that, around the end of the summer time in Berlin, and a day that Samoa never had.
    private func makePipeline(_ sql: String = sql, hasClockChanges: Bool = false) throws -> TestPipeline {
        let pipeline = try TestPipeline(
            sql: sql, configuration: "log:\n  partitions: 2\nspeed:\n  flush_interval: 20ms\nbatch:\n  interval: 0\n")
        if hasClockChanges {
            for (number, day) in ["2011-12-23", "2011-12-24", "2011-12-30"].enumerated() {
                let first = 1_000 + number * 20
                try ingest(pipeline, Self.events(first..<(first + 10 + number), day: day, from: 1_200, minutes: 60))
            }
            try ingest(pipeline, Self.events(1_100..<1_140, day: "2025-10-25", from: 1_290, minutes: 60))
            try ingest(pipeline, Self.events(1_140..<1_180, day: "2025-10-26", from: 1_350, minutes: 60))
        }
        try ingest(pipeline, Self.events(0..<150, day: "2025-12-25", from: 0, minutes: 120))
        try ingest(pipeline, Self.events(150..<500, day: "2026-01-01", from: 0, minutes: 90))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        try ingest(pipeline, Self.events(500..<800, day: "2026-01-01", from: 70, minutes: 110))
        try pipeline.run("speed", "--until-caught-up")
        return pipeline
    }

    private struct Question {
        var path: String
        /// SELECT list and what follows `FROM raw`.
        var keys: [String]
        var condition = "true"
        init(_ path: String, _ keys: [String], _ condition: String = "true") {
            (self.path, self.keys, self.condition) = (path, keys, condition)
        }
    }

    private static func time(_ sql: String) -> String { "to_char((\(sql)) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')" }
    private static let measures = [
        "count(*)", "sum(d)", "avg(d)", "count(DISTINCT u)", "percentile_cont(0.9) WITHIN GROUP (ORDER BY d)",
    ]

    /// CSV of one answer, without its header line.
    private func lines(_ address: String, _ path: String) throws -> (header: String, lines: [[String]]) {
        let answer = try HTTPClient.get(address, path, ["Accept": "text/csv"])
        guard answer.status == 200, answer.isWhole else { throw HTTPClientError("\(path): \(answer.status) \(answer.text)") }
        let all = answer.text.components(separatedBy: "\r\n").dropLast()
        return (all.first ?? "", all.dropFirst().map { $0.components(separatedBy: ",") })
    }

    private static let questions: [Question] = {
        func bucket(_ length: String) -> String { time("date_bin('\(length)', t, 'epoch')") }
        func unit(_ unit: String, _ zone: String) -> String { time("date_trunc('\(unit)', t, '\(zone)')") }
        return [
            Question("bucket=1h&groups=", [bucket("1 hour")]), Question("bucket=30m&groups=k", [bucket("30 minutes"), "k"]),
            Question("bucket=1%20day&zone=Europe/Berlin&groups=c", [unit("day", "Europe/Berlin"), "c"]),
            Question("bucket=week", [unit("week", "UTC"), "k", "c"]), Question("bucket=month&groups=c", [unit("month", "UTC"), "c"]),
            Question("bucket=all&groups=k", ["k"]), Question("groups=c", [bucket("1 minute"), "c"]),
            Question(
                "bucket=20m&groups=c&from=2026-01-01T00:20:00Z&to=2026-01-01T02:40:00%2B01:00&filter.k=a&filter.k=b&null=k",
                [bucket("20 minutes"), "c"], "t >= '2026-01-01 00:20Z' AND t < '2026-01-01 01:40Z' AND (k IN ('a', 'b') OR k IS NULL)"),
            Question("bucket=1h&groups=&filter.c=DE", [bucket("1 hour")], "c = 'DE'"),
        ]
    }()

    /// I1, I7: the rows are PostgreSQL's; those that may be off say so.
    private func compareWithPostgreSQL(_ pipeline: TestPipeline, _ address: String, isLate: Bool, _ step: String) throws {
        for question in Self.questions {
            let names = question.keys.map { $0.hasPrefix("to_char") ? "minute" : $0 }
            let path =
                "/v1/views/v/rows?\(question.path)&columns=" + (names + ["events", "total", "mean", "users", "p90"]).joined(separator: ",")
            let (header, ours) = try lines(address, path)
            #expect(header == (names + ["events,total,mean,users,p90,is_exact,is_closed,users_error,p90_error"]).joined(separator: ","))
            let by = question.keys.indices.map { "\($0 + 1)" }.joined(separator: ", ")
            let sql =
                "SELECT \((question.keys + Self.measures).joined(separator: ", ")) FROM raw WHERE \(question.condition) GROUP BY \(by) ORDER BY \(by)"
            let theirs = try pipeline.connection.query(sql).rows.map { row in
                // As CSV has them: null is nothing, an empty text two quotes.
                row.values.map { $0.map { $0.isEmpty ? "\"\"" : $0 } ?? "" }
            }
            let note = "\(step), \(question.path)"
            #expect(ours.count == theirs.count && ours.count > 0, "\(note): \(ours.count) and \(theirs.count) rows")
            let (keys, flags) = (names.count, names.count + 5)
            var inexact = 0
            for (mine, expected) in zip(ours, theirs) {
                #expect(Array(mine.prefix(keys)) == Array(expected.prefix(keys)), "\(note)")
                let (users, rank) = (Double(mine[flags + 2]) ?? -1, Double(mine[flags + 3]) ?? -1)
                #expect(users >= 0 && users < 0.02 && rank >= 0 && rank < 0.2, "\(note): \(mine)")
                let isExact = mine[flags] == "true"
                if isExact { #expect(users == 0 && rank == 0, "\(note): \(mine)") } else { inexact += 1 }
                if isLate && !isExact { continue }
                // Few values are a list of hashes, which is as good as the values; many durations are a digest.
                #expect(mine[keys..<(keys + 4)] == expected[keys..<(keys + 4)], "\(note): \(mine), in PostgreSQL \(expected)")
                if rank == 0 { #expect(mine[keys + 4] == expected[keys + 4], "\(note): \(mine), in PostgreSQL \(expected)") }
            }
            if isLate { #expect(inexact > 0, "\(note): nobody said that events are late") }
        }
    }

    /// What a random question asks over HTTP, and of PostgreSQL: the columns that tell rows apart, the measures, and those of the period before.
    private struct RandomQuestion {
        var path: String
        var keys: [String]
        var sql: String
        var isCompared: Bool
    }

    /// Buckets of all sorts, with the periods before that they have.
    private static let lengths = [
        ("1m", "1 minute"), ("7m", "7 minutes"), ("90m", "90 minutes"), ("1h", "1 hour"), ("6h", "6 hours"), ("1d", "1 day"),
        ("7%20days", "7 days"),
    ]
    private static let units = [("day", "7 days"), ("week", "7 days"), ("month", "1 month"), ("quarter", "3 months"), ("year", "1 year")]
    private static let zones: [String?] = [
        nil, "UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
    ]
    private static let begins = ["2011-12-23 20:00Z", "2025-10-25 21:30Z", "2025-12-25 00:00Z", "2026-01-01 00:00Z", "2026-01-01 01:00Z"]

    private static func randomQuestion(mayChoose: Bool, _ random: inout SeededGenerator) -> RandomQuestion {
        func quoted(_ text: String) -> String { Connection.quoteLiteral(text) }
        func parameter(_ text: String) -> String { text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "" }
        func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &random) == 0 }
        let window = "date_bin('1 minute', t, 'epoch')"
        var path: [String] = []
        var start: String? = window
        // How long before, and that taken from an instant.
        var (before, back) = ("7 days", { (instant: String) in "(\(instant) - interval '7 days')" })
        var startBefore = back
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            let (text, length) = lengths.randomElement(using: &random) ?? lengths[0]
            path.append("bucket=\(text)")
            start = "date_bin('\(length)', t, 'epoch')"
        case 1:
            let (unit, period) = units.randomElement(using: &random) ?? units[0]
            let zone = zones.randomElement(using: &random) ?? nil
            path += ["bucket=\(unit)"] + (zone.map { ["zone=\(parameter($0))"] } ?? [])
            let name = quoted(zone ?? "UTC")
            start = "date_trunc('\(unit)', t, \(name))"
            before = period
            back = { "((\($0) AT TIME ZONE \(name) - interval '\(period)') AT TIME ZONE \(name))" }
            startBefore = { [back] in "date_trunc('\(unit)', \(back($0)), \(name))" }
        case 2:
            path.append("bucket=all")
            start = nil
        default: path.append("bucket=window")
        }
        var groups = ["k", "c"]
        if !chance(3) {
            groups = [["k"], ["c"], ["c", "k"], []].randomElement(using: &random) ?? []
            path.append("groups=" + groups.joined(separator: ","))
        }
        var conditions: [String] = []
        if chance(3) {
            let wanted = keys.filter { _ in Bool.random(using: &random) } + [keys[0]]
            path += Set(wanted.compactMap(\.self)).sorted().map { "filter.k=\(parameter($0))" } + (wanted.contains(nil) ? ["null=k"] : [])
            let list = wanted.compactMap(\.self).map(quoted).joined(separator: ", ")
            conditions.append("(k IN (\(list))\(wanted.contains(nil) ? " OR k IS NULL" : ""))")
        }
        if chance(4) {
            path.append("filter.c=FR")
            conditions.append("c = 'FR'")
        }
        // Instants in seconds, as SQL: nil where the range has no end.
        var range: (from: String?, to: String?)
        func instant(_ name: String) -> String {
            let sql =
                "timestamptz '\(begins.randomElement(using: &random) ?? begins[0])' + interval '\(Int.random(in: 0..<10_800, using: &random)) seconds'"
            path.append("\(name)={\(sql)}")
            return "(\(sql))"
        }
        if chance(2) { range.from = instant("from") }
        if range.from != nil, chance(2) {
            // Not before it begins.
            let seconds = Int.random(in: 1..<20_000_000, using: &random)
            range.to = range.from.map { "(\($0) + interval '\(seconds) seconds')" }
            path.append("to={\(range.to ?? "")}")
        }
        func grouped(_ start: String?, _ groups: [String], _ bound: (String) -> String) -> String {
            let all =
                conditions
                + [range.from.map { "\(window) >= \(bound($0))" }, range.to.map { "\(window) < \(bound($0))" }].compactMap(\.self)
            let keys = (start.map { [$0] } ?? []) + groups
            let columns = keys.enumerated().map { "\($1) AS g\($0)" } + measures.enumerated().map { "\($1) AS m\($0)" }
            let by = keys.isEmpty ? "" : " GROUP BY " + keys.indices.map { "\($0 + 1)" }.joined(separator: ", ")
            return "SELECT \(columns.joined(separator: ", ")) FROM raw\(all.isEmpty ? "" : " WHERE " + all.joined(separator: " AND "))\(by)"
        }
        let keyCount = (start == nil ? 0 : 1) + groups.count
        func same(_ one: String, _ other: String, from first: Int) -> [String] {
            (first..<max(first, keyCount)).map { "\(one).g\($0) IS NOT DISTINCT FROM \(other).g\($0 - (other == "best" ? first : 0))" }
        }
        let firstGroup = start == nil ? 0 : 1
        var rows = "(\(grouped(start, groups) { $0 })) n"
        if mayChoose, !groups.isEmpty, chance(3) {
            let (count, by) = (Int.random(in: 1...3, using: &random), Int.random(in: 0..<3, using: &random))
            path += ["top=\(count)", "by=\(["events", "total", "mean"][by])"]
            // Between equal ones the group columns decide, in the view's order.
            let places = ["k", "c"].compactMap(groups.firstIndex).map { $0 + firstGroup }
            if Bool.random(using: &random) {
                let order = (["q.m\(by) DESC NULLS LAST"] + places.map { "q.g\($0)" }).joined(separator: ", ")
                let partition = start == nil ? "" : "PARTITION BY q.g0 "
                rows =
                    "(SELECT * FROM (SELECT q.*, row_number() OVER (\(partition)ORDER BY \(order)) AS place FROM \(rows.dropLast(2)) q) p WHERE place <= \(count)) n"
            } else {
                path.append("top_of=range")
                let order = (["q.m\(by) DESC NULLS LAST"] + places.map { "q.g\($0 - firstGroup)" }).joined(separator: ", ")
                rows +=
                    " JOIN (SELECT * FROM (\(grouped(nil, groups) { $0 })) q ORDER BY \(order) LIMIT \(count)) best ON "
                    + same("n", "best", from: firstGroup).joined(separator: " AND ")
            }
        }
        let isCompared = (start != nil || range.to != nil) && chance(3)
        if isCompared {
            path.append("compare=-\(parameter(before))")
            let isSame = (start == nil ? [] : ["o.g0 = \(startBefore("n.g0"))"]) + same("n", "o", from: firstGroup)
            rows += " LEFT JOIN (\(grouped(start, groups, back))) o ON \(isSame.isEmpty ? "true" : isSame.joined(separator: " AND "))"
        }
        let keys = (0..<keyCount).map { $0 == 0 && start != nil ? time("n.g0") : "n.g\($0)" }
        let list = keys + measures.indices.map { "n.m\($0)" } + (isCompared ? measures.indices.map { "o.m\($0)" } : [])
        return RandomQuestion(
            path: path.joined(separator: "&"), keys: (start == nil ? [] : ["minute"]) + groups,
            sql: "SELECT \(list.joined(separator: ", ")) FROM \(rows)", isCompared: isCompared)
    }

    /// I1, I7: as above, with buckets, groups, ranges, filters, tops and periods before that nobody chose.
    private func compareAtRandom(
        _ pipeline: TestPipeline, _ address: String, isLate: Bool, _ step: String, _ random: inout SeededGenerator
    ) throws {
        let outputs = ["events", "total", "mean", "users", "p90"]
        var (compared, before) = (0, 0)
        for _ in 0..<25 {
            var question = Self.randomQuestion(mayChoose: !isLate, &random)
            // Instants are told as PostgreSQL writes them.
            while let open = question.path.firstIndex(of: "{"), let close = question.path.firstIndex(of: "}") {
                let sql = question.path[question.path.index(after: open)..<close]
                let text = try pipeline.connection.query("SELECT \(Self.time(String(sql)))").rows[0].text(0)
                question.path.replaceSubrange(open...close, with: text)
            }
            let note = "\(step), \(question.path)"
            let (header, lines) = try lines(
                address, "/v1/views/v/rows?\(question.path)&columns=" + (question.keys + outputs).joined(separator: ","))
            let place = Dictionary(uniqueKeysWithValues: header.split(separator: ",").enumerated().map { (String($1), $0) })
            func key(_ row: [String]) -> String { row.prefix(question.keys.count).joined(separator: "|") }
            let theirs = Dictionary(
                try pipeline.connection.query(question.sql).rows.map { row in
                    let values = row.values.map { $0.map { $0.isEmpty ? "\"\"" : $0 } ?? "" }
                    return (key(values), values)
                }
            ) { first, _ in first }
            let ours = Dictionary(lines.map { (key($0), $0) }) { first, _ in first }
            #expect(ours.count == lines.count, "\(note): rows that are there twice")
            if !isLate { #expect(Set(ours.keys) == Set(theirs.keys), "\(note): \(ours.count) and \(theirs.count) rows") }
            for (key, row) in ours {
                func value(_ name: String) throws -> String { row[try #require(place[name], "\(note): no \(name)")] }
                let isExact = try value("is_exact") == "true"
                guard let expected = theirs[key] else {
                    #expect(isLate && !isExact, "\(note): only ours: \(key)")
                    continue
                }
                if isExact { #expect(try value("users_error") == "0" && value("p90_error") == "0", "\(note), \(key)") }
                func check(_ suffix: String, _ isTrue: Bool, from first: Int) throws {
                    guard isTrue else { return }
                    for (index, output) in outputs.enumerated() {
                        if output == "p90", let error = Double(try value("p90_error" + suffix)), error > 0 { continue }
                        let mine = try value(output + suffix)
                        #expect(
                            mine == expected[first + index],
                            "\(note), \(key): \(output)\(suffix) is \(mine), in PostgreSQL \(expected[first + index])")
                    }
                    (compared, before) = (compared + 1, before + (suffix.isEmpty || expected[first].isEmpty ? 0 : 1))
                }
                try check("", isExact || !isLate, from: question.keys.count)
                if question.isCompared {
                    try check("_before", try !isLate || value("is_exact_before") == "true", from: question.keys.count + outputs.count)
                }
            }
        }
        #expect(compared > 100, "\(step): only \(compared) rows were compared")
        if !isLate { #expect(before > 0, "\(step): no period before had anything") }
    }

    @Test(arguments: [UInt64(1), 2]) func I1_I7_rollUpsOverHTTPAreThoseOfTheRawEvents(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pipeline = try makePipeline(hasClockChanges: true)
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        try compareWithPostgreSQL(pipeline, address, isLate: false, "live beside published")
        try compareAtRandom(pipeline, address, isLate: false, "seed \(seed), live beside published", &random)

        // The 30th that Samoa passed over: the 31st is beside the 24th, and there once.
        let samoa = try HTTPClient.get(
            address,
            "/v1/views/v/rows?bucket=day&zone=Pacific/Apia&groups=&compare=7d&columns=minute,events&from=2011-12-20T00:00:00Z&to=2012-01-10T00:00:00Z"
        ).rows.map { "\($0["minute"] ?? "") \($0["events"] ?? "") \($0["events_before"] ?? "")" }
        #expect(samoa == ["2011-12-23T10:00:00Z 10 <null>", "2011-12-24T10:00:00Z 11 <null>", "2011-12-30T10:00:00Z 12 11"], "\(samoa)")

        // Exact measures of rows that nothing is wrong with are exact; the frontier says which columns are not.
        let exact = try HTTPClient.get(address, "/v1/views/v/rows?bucket=1h&groups=&columns=minute,events,total&from=2025-12-01T00:00:00Z")
        #expect(exact.rows.count == 5 && exact.rows.allSatisfy { $0["is_exact"] as? Bool == true }, "\(exact.text)")
        #expect((exact.object["frontier"] as? [String: Any]).map { ($0["approximate"] as? [Any])?.isEmpty } == true)
        let estimates = try HTTPClient.get(address, "/v1/views/v/rows?bucket=1h&groups=&columns=users")
        let approximate = (estimates.object["frontier"] as? [String: Any])?["approximate"] as? [[String: Any]] ?? []
        #expect(approximate.first?["column"] as? String == "users")
        #expect(
            approximate.first?["bound"] as? [String: String] == ["kind": "relative_standard_error", "column": "users_error"],
            "\(estimates.text.prefix(600))")

        // Late: of an hour that the speed layer takes no more. What counts without them says so, until a run has them.
        try ingest(pipeline, Self.events(800..<806, day: "2026-01-01", from: 10, minutes: 5))
        try pipeline.run("speed", "--until-caught-up")
        try compareWithPostgreSQL(pipeline, address, isLate: true, "late")
        try compareAtRandom(pipeline, address, isLate: true, "seed \(seed), late", &random)
        let hours = try HTTPClient.get(address, "/v1/views/v/rows?bucket=1h&groups=&columns=minute,events&from=2026-01-01T00:00:00Z")
        #expect(hours.rows.map { $0["is_exact"] as? Bool } == [false, true, true], "\(hours.text)")
        try pipeline.run("batch", "run")
        try compareWithPostgreSQL(pipeline, address, isLate: false, "published again")
        try compareAtRandom(pipeline, address, isLate: false, "seed \(seed), published again", &random)
    }

    /// Windows of the calendar, that overlap, that events make, and none: what fits them is PostgreSQL's, and what does not is told what would.
    @Test func windowsOfEveryKindSayWhatFitsThem() throws {
        let pipeline = try makePipeline(Self.sql + Self.otherWindows, hasClockChanges: true)
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let week = "date_trunc('week', t, 'Europe/Berlin')"
        let answers: [(path: String, sql: String)] = [
            ("days/rows?bucket=week&groups=", "SELECT \(Self.time(week)), count(*) FROM raw GROUP BY 1 ORDER BY 1"),
            ("days/rows?bucket=7d&groups=k", "SELECT \(Self.time(week)), k, count(*) FROM raw GROUP BY 1, 2 ORDER BY 1, 2"),
            (
                "days/rows?bucket=1d&zone=Europe/Berlin&groups=&from=2025-10-25T00:00:00Z",
                "SELECT \(Self.time("date_trunc('day', t, 'Europe/Berlin')")), count(*) FROM raw WHERE t >= '2025-10-25 22:00Z' GROUP BY 1 ORDER BY 1"
            ),
            (
                "hops/rows?bucket=1h&groups=",
                "SELECT \(Self.time("date_bin('1 hour', t, 'epoch')")), count(*) FROM raw GROUP BY 1 ORDER BY 1"
            ),
            (
                "hops/rows?bucket=month&groups=k&top=1&by=events&top_of=range",
                "SELECT \(Self.time("date_trunc('month', t, 'UTC')")), k, count(*) FROM raw WHERE k IS NOT DISTINCT FROM (SELECT k FROM raw GROUP BY k ORDER BY count(*) DESC, k LIMIT 1) GROUP BY 1, 2 ORDER BY 1"
            ),
            ("by_k/rows?groups=c", "SELECT c, count(*) FROM raw GROUP BY c ORDER BY c"),
            ("by_k/rows?bucket=all&groups=", "SELECT count(*) FROM raw"),
            ("by_k/rows?groups=k&top=2&by=events", "SELECT k, count(*) FROM raw GROUP BY k ORDER BY count(*) DESC, k LIMIT 2"),
        ]
        for (path, sql) in answers {
            let (header, ours) = try lines(address, "/v1/views/" + path)
            #expect(header.hasSuffix("events,is_exact,is_closed"), "\(path): \(header)")
            let theirs = try pipeline.connection.query(sql).rows.map { row in
                row.values.map { $0.map { $0.isEmpty ? "\"\"" : $0 } ?? "" }
            }
            #expect(ours.map { Array($0.dropLast(2)) } == theirs && !ours.isEmpty, "\(path): \(ours), in PostgreSQL \(theirs)")
        }
        // Sessions of all groups together are those of all events.
        let sessions = try lines(address, "/v1/views/visits/rows?groups=").lines
        let visits = try pipeline.connection.query(
            """
            SELECT \(Self.time("min(t)")), \(Self.time("max(t) + interval '20 minutes'")), count(*)
            FROM (SELECT t, count(*) FILTER (WHERE begins) OVER (ORDER BY t) AS number
                  FROM (SELECT t, t - lag(t) OVER (ORDER BY t) >= interval '20 minutes' IS NOT FALSE AS begins FROM raw) a) s
            GROUP BY number ORDER BY min(t)
            """
        ).rows.map { $0.values.map { $0 ?? "" } }
        #expect(sessions.map { Array($0.prefix(3)) } == visits && visits.count > 3, "\(sessions), in PostgreSQL \(visits)")

        let refused: [(path: String, says: [String])] = [
            ("days/rows?bucket=1h", ["no one length", "day, week, month, quarter, year"]),
            ("days/rows?bucket=week&zone=UTC", ["those of Europe/Berlin", "leave the time zone out"]),
            ("hops/rows?bucket=20m", ["multiple of 30 minutes"]), ("uneven/rows?bucket=1h", ["overlap", "leave the bucket out"]),
            ("visits/rows?bucket=1h", ["sessions do not fit", "groups can be left out"]),
            ("visits/rows?bucket=all", ["sessions do not fit"]), ("visits/rows?groups=&compare=-1d", ["stand still"]),
            ("visits/rows?top=1&by=events", ["sessions of one group", "limit"]),
            ("by_k/rows?bucket=1h", ["no windows", "leave the bucket out"]),
            ("by_k/rows?groups=&from=2026-01-01", ["a range means nothing"]), ("by_k/rows?groups=&compare=-1d", ["stand still"]),
            ("v/rows?bucket=day&zone=Asia/Kathmandu&from=2026-01-01T00:00:00Z", []),
        ]
        for (path, says) in refused {
            let answer = try HTTPClient.get(address, "/v1/views/" + path)
            if says.isEmpty {
                #expect(answer.status == 200, "\(path): \(answer.text)")
            } else {
                #expect(answer.status == 400 && answer.code == "invalid_request", "\(path): \(answer.status) \(answer.text)")
                for words in says { #expect(answer.text.contains(words), "\(path): \(answer.text)") }
            }
        }
        #expect(try HTTPClient.get(address, "/v1/views/uneven/rows?groups=").status == 200)
    }

    @Test func pagesFormatsAndCachesAreThoseOfRows() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        func pages(_ path: String, limit: Int) throws -> [[String: Any]] {
            var rows: [[String: Any]] = []
            var cursor: String?
            repeat {
                let answer = try HTTPClient.get(address, path + "&limit=\(limit)" + (cursor.map { "&cursor=\($0)" } ?? ""))
                guard answer.status == 200, answer.rows.count <= limit else { throw HTTPClientError("\(answer.status) \(answer.text)") }
                rows += answer.rows
                cursor = answer.object["next"] as? String
            } while cursor != nil
            return rows
        }
        func shown(_ rows: [[String: Any]], _ columns: [String]) -> [String] {
            rows.map { row in columns.map { row[$0] is NSNull ? "" : "\(row[$0] ?? "missing")" }.joined(separator: ",") }
        }
        func truth(_ sql: String) throws -> [String] {
            try pipeline.connection.query(sql).rows.map { $0.values.map { $0 ?? "" }.joined(separator: ",") }
        }

        let path = "/v1/views/v/rows?bucket=10m&groups=k"
        let whole = try lines(address, path)
        #expect(whole.header == "minute,k,events,total,mean,users,p90,is_exact,is_closed,users_error,p90_error")
        for limit in [3, 50, 10_000] { #expect(try pages(path, limit: limit).count == whole.lines.count, "pages of \(limit)") }
        // Sorted by what is not shown, key by key, nulls and all.
        let sorted = try truth(
            "SELECT count(*), k FROM raw GROUP BY date_bin('10 minutes', t, 'epoch'), k ORDER BY sum(d) DESC, k DESC NULLS LAST, date_bin('10 minutes', t, 'epoch')"
        )
        #expect(shown(try pages(path + "&columns=events,k&order=-total,-k", limit: 4), ["events", "k"]) == sorted)
        // Where no column tells rows apart, too.
        let unshown = try pages("/v1/views/unshown/rows?bucket=1h", limit: 2)
        #expect(unshown.reduce(0) { $0 + ($1["events"] as? Int ?? 0) } == 800 && unshown.count > 5)

        let ndjson = try HTTPClient.get(address, path, ["Accept": "application/x-ndjson"])
        #expect(ndjson.isWhole && ndjson.text.split(separator: "\n").count == whole.lines.count)
        #expect(ndjson.headers["parallax-frontier"]?.contains("users_error") == true)
        let parquet = try HTTPClient.get(address, path + "&format=parquet")
        #expect(parquet.isWhole && parquet.body.prefix(4) == Data("PAR1".utf8) && parquet.body.suffix(4) == Data("PAR1".utf8))
        if Python.parquetTrouble == nil {
            let folder = try TemporaryFolder()
            try parquet.body.write(to: URL(fileURLWithPath: folder.path("v.parquet")))
            let script = """
                import sys, json, pyarrow.parquet as q
                t = q.read_table(sys.argv[1])
                f = json.loads(t.schema.metadata[b'parallax.frontier'])
                print(t.num_rows, sum(t['events'].to_pylist()), t['minute'].type, t['users_error'].type, t['k'].null_count > 0, f['approximate'][0]['bound']['column'])
                """
            let seen = try Python.run(script, [folder.path("v.parquet")]).trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(seen == "\(whole.lines.count) 800 timestamp[us, tz=UTC] double True users_error", "\(seen)")
        }

        let tag = try #require(try HTTPClient.get(address, path).headers["etag"])
        #expect(try HTTPClient.get(address, path, ["If-None-Match": tag]).status == 304)
        #expect(try HTTPClient.get(address, path, method: "HEAD").headers["etag"] == tag)
        #expect(try HTTPClient.get(address, path.replacing("10m", with: "20m"), ["If-None-Match": tag]).status == 200)
        // Another publication between two pages: the states of the first are not put together any more.
        let cursor = try #require(try HTTPClient.get(address, path + "&limit=2").object["next"] as? String)
        #expect(try HTTPClient.get(address, path.replacing("10m", with: "20m") + "&limit=2&cursor=\(cursor)").code == "invalid_cursor")
        try pipeline.run("batch", "run")
        let changed = try HTTPClient.get(address, path + "&limit=2&cursor=\(cursor)")
        #expect(changed.status == 409 && changed.code == "publication_changed", "\(changed.text)")
        #expect(try HTTPClient.get(address, path, ["If-None-Match": tag]).status == 200)

        // Tops, and the week before.
        let top = """
            SELECT w, k, n FROM (SELECT \(Self.time("date_bin('1 hour', t, 'epoch')")) AS w, k, count(*) AS n,
                row_number() OVER (PARTITION BY date_bin('1 hour', t, 'epoch') ORDER BY count(*) DESC, k) AS place FROM raw GROUP BY date_bin('1 hour', t, 'epoch'), k) q
            WHERE place <= 2 ORDER BY w, n DESC, k
            """
        let ofBuckets = "/v1/views/v/rows?bucket=1h&groups=k&top=2&by=events&columns=minute,k,events"
        #expect(shown(try pages(ofBuckets, limit: 3), ["minute", "k", "events"]) == (try truth(top)))
        let best = try truth("SELECT k FROM raw GROUP BY k ORDER BY count(*) DESC, k LIMIT 2")
        let ofRange = try pages(ofBuckets + "&top_of=range", limit: 100)
        #expect(Set(shown(ofRange, ["k"])) == Set(best) && ofRange.count == 10)
        let compared = try HTTPClient.get(
            address,
            "/v1/views/v/rows?bucket=1h&groups=&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&compare=-7d&columns=minute,events,users")
        let before = try truth(
            """
            SELECT count(*), (SELECT nullif(count(*), 0) FROM raw b WHERE date_bin('1 hour', b.t, 'epoch') = a.w - interval '7 days')
            FROM (SELECT date_bin('1 hour', t, 'epoch') AS w FROM raw WHERE t >= '2026-01-01Z') a GROUP BY w ORDER BY w
            """)
        #expect(shown(compared.rows, ["events", "events_before"]) == before && before.count == 3, "\(compared.text)")
        #expect(compared.rows.first.map { Set($0.keys) }?.isSuperset(of: ["users_error", "users_error_before", "is_exact_before"]) == true)
    }

    @Test func whatARollUpCannotSayIsRefused() throws {
        let pipeline = try makePipeline()
        let (process, address) = try pipeline.serve()
        defer { process.kill(SIGKILL) }
        let cases: [(query: String, status: Int, code: String, says: String)] = [
            ("bucket=90s", 400, "invalid_request", "multiple of 1 minute"), ("bucket=soon", 400, "invalid_request", "such as 1h"),
            ("bucket=2%20months", 400, "invalid_request", "unit of the calendar"),
            ("bucket=day&zone=Nowhere/City", 400, "invalid_request", "not recognized"), ("zone=UTC", 400, "invalid_request", "bucket"),
            ("bucket=all&zone=UTC", 400, "invalid_request", "no place for a time zone"),
            ("bucket=1h&from=-infinity", 400, "invalid_value", "leave it out"),
            ("bucket=1h&filter.k=a%27%20OR%20true--&groups=nope%22", 400, "invalid_request", "none of its group columns"),
            ("groups=,", 400, "invalid_request", "none of its group columns"),
            ("bucket=1h&groups=k&limit=0", 400, "invalid_value", "whole number"), ("bucket=1h&cursor=e30", 400, "invalid_cursor", ""),
            ("bucket=1h&top=10001&by=events", 400, "invalid_value", "10000"), ("bucket=1h&max_staleness=5", 400, "invalid_value", "5s"),
            ("bucket=1h&groups=pages", 400, "invalid_request", "none of its group columns"),
            ("bucket=1h&filter.events=1", 400, "invalid_request", "none of its group columns"),
            ("bucket=1h&columns=eventz", 400, "unknown_column", "events"), ("bucket=1h&columns=", 400, "unknown_column", ""),
            ("bucket=1h&columns=k,k", 400, "invalid_value", "twice"), ("bucket=1h&order=nope", 400, "unknown_column", ""),
            ("bucket=all&columns=minute", 400, "invalid_request", "left out"), ("bucket=1h&layer=batch", 400, "invalid_request", "layer"),
            ("bucket=1h&as_of_run=1", 400, "invalid_request", "as_of_run"), ("top=3", 400, "invalid_request", "by"),
            ("by=events", 400, "invalid_request", "top"), ("top=0&by=events", 400, "invalid_value", "whole number"),
            ("top=3&by=k", 400, "invalid_request", "no measure"),
            ("bucket=1h&top=3&by=events&groups=", 400, "invalid_request", "needs groups"),
            ("bucket=1h&compare=soon", 400, "invalid_request", ""), ("bucket=1h&compare=90s", 400, "invalid_request", "multiple"),
            ("bucket=1h&from=yesterdaz", 400, "invalid_value", "yesterdaz"),
            ("bucket=1h&from=2026-01-02&to=2026-01-01", 400, "invalid_request", "before it begins"),
        ]
        for (query, status, code, says) in cases {
            let answer = try HTTPClient.get(address, "/v1/views/v/rows?\(query)")
            #expect(
                answer.status == status && answer.code == code && (says.isEmpty || answer.text.contains(says)),
                "\(query): \(answer.status) \(answer.text)")
        }
        #expect(try HTTPClient.get(address, "/v1/views/v/rows?bucket=1h&layer=merged").status == 200)
        #expect(try HTTPClient.get(address, "/v1/views/v/rows?bucket=1h&filter.k=a%27%20OR%20true--").rows.isEmpty)
        let flags = try HTTPClient.get(address, "/v1/views/v/rows?bucket=all&groups=&columns=is_exact")
        #expect(flags.rows.count == 1 && Set(flags.rows[0].keys) == ["is_exact", "is_closed"], "\(flags.text)")
        let stale = try HTTPClient.get(address, "/v1/views/v/rows?bucket=1h&max_staleness=0s")
        #expect(stale.status == 503 && stale.code == "stale", "\(stale.text)")
        let top = try HTTPClient.get(address, "/v1/views/busy/rows?bucket=1h")
        #expect(top.status == 400 && top.text.contains("view on top") && top.text.contains("reads: v"))

        // The sketches of closed windows are gone where the view does not keep them: an error for what needs them, in every format, and for nothing else.
        try ingest(pipeline, Self.events(900..<910, day: "2026-01-01", from: 600, minutes: 10))
        try pipeline.run("speed", "--until-caught-up")
        try pipeline.run("batch", "run")
        for accept in ["application/json", "text/csv", "application/vnd.apache.parquet"] {
            let gone = try HTTPClient.get(address, "/v1/views/plain/rows?bucket=1h&groups=", ["Accept": accept])
            #expect(gone.status == 422 && gone.code == "no_sketches", "\(accept): \(gone.status) \(gone.text)")
            #expect(gone.text.contains("\\\"users\\\"") && gone.text.contains("columns") && gone.text.contains("keep_sketches"))
        }
        let rest = try HTTPClient.get(address, "/v1/views/plain/rows?bucket=1h&groups=&columns=minute,events")
        #expect(rest.rows.reduce(0) { $0 + ($1["events"] as? Int ?? 0) } == 810, "\(rest.text)")
        #expect(try HTTPClient.get(address, "/v1/views/v/rows?bucket=1h&groups=").status == 200)
    }
}
