import Columns
import ParallaxCore
import Postgres
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// Events joined with tables give the rows of PostgreSQL's own join: matches and none, nulls on both sides, keys of every type.
@Suite struct LookupOracleTests {
    private static let tables = """
        CREATE TABLE by_label (label text PRIMARY KEY, tag text, weight numeric(8,3), next int);
        CREATE TABLE by_small (small bigint UNIQUE, note text, at timestamptz);
        CREATE TABLE by_big (big int UNIQUE, on_day date, mark bool);
        CREATE TABLE by_price (price numeric(14,4) PRIMARY KEY, code uuid);
        CREATE TABLE by_exact (exact numeric(38,10) PRIMARY KEY, note text);
        CREATE TABLE by_ratio (ratio double precision PRIMARY KEY, other double precision);
        CREATE TABLE by_id (id uuid PRIMARY KEY, local timestamp);
        CREATE TABLE by_at (at timestamp PRIMARY KEY, big_note bigint);
        CREATE TABLE pair (label text, flag boolean, note text, UNIQUE (label, flag));
        CREATE TABLE by_code (label varchar(3) UNIQUE, padded char(6), small smallint UNIQUE, loose numeric UNIQUE, note text);
        CREATE TABLE nothing (label text PRIMARY KEY, note text);
        CREATE TABLE by_span (label text PRIMARY KEY, span interval);
        """

    /// About half of the keys that the events have, some that they do not, and rows with null keys where the table takes them.
    private static let rows = """
        INSERT INTO by_label SELECT label, CASE WHEN n % 3 > 0 THEN label || '-' || n END, n / 7.0, CASE WHEN n % 2 = 0 THEN n END
            FROM (SELECT label, row_number() OVER (ORDER BY label COLLATE "C") AS n FROM every_type WHERE label IS NOT NULL GROUP BY label) x WHERE n % 2 = 0;
        INSERT INTO by_label VALUES ('nobody', 'x', 1, 1), ('', NULL, NULL, 2) ON CONFLICT DO NOTHING;
        INSERT INTO by_small SELECT small, 'n' || small, '2024-01-01 00:00:00.000001+00' FROM every_type WHERE small % 2 = 0 GROUP BY small;
        INSERT INTO by_small VALUES (NULL, 'null', NULL), (NULL, 'again', NULL), (9223372036854775807, 'beyond', NULL);
        INSERT INTO by_big SELECT big, '2024-02-29', big % 4 = 0 FROM every_type
            WHERE big BETWEEN -2147483648 AND 2147483647 AND big % 2 = 0 GROUP BY big;
        INSERT INTO by_price SELECT price, CASE WHEN price > 0 THEN '00000000-0000-0000-0000-000000000001'::uuid END
            FROM every_type WHERE price IS NOT NULL AND (price * 100)::bigint % 2 = 0 GROUP BY price;
        INSERT INTO by_exact SELECT exact, 'e' FROM every_type WHERE exact IS NOT NULL AND trunc(exact) % 2 = 0 GROUP BY exact;
        INSERT INTO by_ratio SELECT ratio, -ratio FROM every_type WHERE ratio IS NOT NULL GROUP BY ratio;
        INSERT INTO by_id SELECT id, '0044-03-15 BC' FROM every_type WHERE id::text > '8' GROUP BY id;
        INSERT INTO by_at SELECT at::timestamp, 1 FROM every_type WHERE at IS NOT NULL GROUP BY 1;
        INSERT INTO by_code SELECT left(label, 3), left(label, 2), NULL, NULL, 'l' FROM every_type WHERE label IS NOT NULL GROUP BY 1, 2 ON CONFLICT DO NOTHING;
        INSERT INTO by_code SELECT NULL, NULL, small, NULL, 's' FROM every_type WHERE small BETWEEN -32768 AND 32767 GROUP BY small;
        INSERT INTO by_code SELECT NULL, NULL, NULL, price * 1.000, 'n' FROM every_type WHERE price IS NOT NULL AND price > 0 GROUP BY price ON CONFLICT DO NOTHING;
        INSERT INTO pair SELECT label, flag, 'both' FROM every_type WHERE label > 'a' GROUP BY 1, 2;
        INSERT INTO pair VALUES (NULL, true, 'null label'), ('a', NULL, 'null flag'), ('a', NULL, 'twice') ON CONFLICT DO NOTHING;
        """

    private static let selects = [
        "SELECT tag, next, count(*) AS n, sum(weight) AS w, sum(small + next::bigint) AS s FROM every_type JOIN by_label USING (label) GROUP BY tag, next",
        "SELECT tag, count(*) AS n, count(next) AS m, max(d.label) AS k FROM every_type e LEFT JOIN by_label d ON d.label = e.label GROUP BY tag",
        "SELECT label, count(*) AS n FROM every_type LEFT JOIN by_label USING (label) WHERE tag IS NULL OR weight > 3 GROUP BY label",
        "SELECT d.note, d.at, count(*) AS n FROM every_type e JOIN by_small d ON e.small = d.small GROUP BY d.note, d.at",
        "SELECT small, count(*) AS n FROM every_type e LEFT JOIN by_small d USING (small) GROUP BY small",
        "SELECT small, d.note, count(*) AS n FROM every_type e JOIN by_small d USING (small) GROUP BY small, d.note",
        "SELECT on_day, mark, count(*) AS n FROM every_type e LEFT JOIN by_big d USING (big) GROUP BY on_day, mark",
        "SELECT code, count(*) AS n FROM every_type e JOIN by_price d ON d.price = e.price GROUP BY code",
        "SELECT note, count(*) AS n FROM every_type e LEFT JOIN by_exact d ON e.exact = d.exact GROUP BY note",
        "SELECT count(*) AS n, count(other) AS o, min(other) AS s FROM every_type e JOIN by_ratio d ON d.ratio = e.ratio",
        "SELECT local, count(*) AS n FROM every_type e LEFT JOIN by_id d USING (id) GROUP BY local",
        "SELECT big_note, count(*) AS n FROM every_type e LEFT JOIN by_at d ON d.at = e.at GROUP BY big_note",
        "SELECT note, count(*) AS n FROM every_type e LEFT JOIN pair p ON p.label = e.label AND p.flag = e.flag GROUP BY note",
        "SELECT note, count(*) AS n FROM every_type e JOIN pair p ON p.label = e.label AND p.flag = true GROUP BY note",
        "SELECT n.note, tag, p.note AS pn, count(*) AS c FROM every_type e LEFT JOIN nothing n USING (label) LEFT JOIN by_label l USING (label) LEFT JOIN pair p USING (label, flag) GROUP BY n.note, tag, p.note",
        "SELECT s.note, count(*) AS c FROM every_type e JOIN by_label l USING (label) JOIN by_small s ON s.small = l.next + 0 GROUP BY s.note",
        "SELECT note, count(*) AS n, max(padded::text) AS p FROM every_type e JOIN by_code c ON c.label = e.label GROUP BY note",
        "SELECT note, count(*) AS n FROM every_type e JOIN by_code c ON c.label = left(e.label, 3)::varchar(2) GROUP BY note",
        "SELECT c.note, count(*) AS n FROM every_type e LEFT JOIN by_code c ON c.small = e.small GROUP BY c.note",
        "SELECT c.note, count(*) AS n FROM every_type e LEFT JOIN by_code c ON c.loose = e.price GROUP BY c.note",
        "SELECT label, count(*) AS n FROM every_type JOIN nothing USING (label) GROUP BY label",
        "SELECT tumble(e.at, '5 seconds') AS w, tag, count(*) FILTER (WHERE l.next IS NOT NULL) AS n, min(tag) AS a FROM every_type e LEFT JOIN by_label l USING (label) WHERE l.weight IS DISTINCT FROM 1 GROUP BY w, tag",
    ]

    @Test(arguments: [UInt64(21), 22])
    func joins(seed: UInt64) throws {
        let batch = randomEvents(2_000, seed: seed)
        let judge = try Judge(batch)
        try judge.connection.execute(Self.tables + Self.rows)
        let events = EventDecoder(everyType).decode(batch)
        for select in Self.selects {
            let plan = try plan(select)
            let aggregator = ViewAggregator(plan: plan, layer: .batch, dimensions: try dimensions(judge.connection, [plan]))
            #expect(aggregator.addAll(events).isEmpty)
            let found = difference(aggregator.takeRows().copyLines.sorted(), try judge.copyLines(select))
            #expect(found == nil, "\(select), seed \(seed): \(found ?? "")")
        }
    }

    @Test func aKeyInErrorRejectsTheEvent() throws {
        let plan = try plan(
            "SELECT tag, count(*) AS n FROM every_type e LEFT JOIN by_small s ON s.small = 10 / e.small JOIN by_label USING (label) GROUP BY tag"
        )
        let tables = [
            table("by_small", ["small"], [["5"]]), table("by_label", ["label", "tag"], [["x", "X"]]),
        ]
        let aggregator = ViewAggregator(plan: plan, layer: .speed, dimensions: try Dimensions(tables, for: [plan]))
        let events = EventDecoder(everyType).decode(
            records([
                "{\(idAndTime),\"label\":\"x\",\"small\":0}", "{\(idAndTime),\"label\":\"x\",\"small\":2}",
                "{\(idAndTime),\"label\":\"y\",\"small\":0}",
            ]))
        #expect(aggregator.addAll(events).map(\.message) == ["division by zero", "division by zero"])
        #expect(aggregator.takeRows().copyLines == ["X\t1"])
    }

    @Test func anotherVersionServesTheRowsFromThenOn() throws {
        let plan = try plan("SELECT tag, count(*) AS n FROM every_type JOIN by_label USING (label) GROUP BY tag")
        let event = EventDecoder(everyType).decode(records(["{\(idAndTime),\"label\":\"Ünï\"}"]))
        let aggregator = ViewAggregator(
            plan: plan, layer: .speed, dimensions: try Dimensions([table("by_label", ["label", "tag"], [])], for: [plan]))
        _ = aggregator.addAll(event)
        aggregator.use(try Dimensions([table("by_label", ["tag", "label"], [["a", "Ünï"], ["b", "Üni"]])], for: [plan]))
        _ = aggregator.addAll(event)
        aggregator.use(try Dimensions([table("by_label", ["label", "tag"], [["Ünï", nil]])], for: [plan]))
        _ = aggregator.addAll(event)
        #expect(aggregator.takeRows().copyLines == ["a\t1", "\\N\t1"])
    }

    @Test func twoRowsOfOneKeyAndUnreadableValuesAreErrors() throws {
        let plan = try plan("SELECT d.at, count(*) AS n FROM every_type JOIN by_small d USING (small) GROUP BY 1")
        let twice = #expect(throws: ParallaxError.self) {
            _ = try Dimensions([table("by_small", ["small", "at"], [["1", nil], [nil, nil], ["1", nil]])], for: [plan])
        }
        #expect(twice?.message == "table \"by_small\" has several rows with (small) = (1): a join must not multiply events")
        let infinite = #expect(throws: ParallaxError.self) {
            _ = try Dimensions([table("by_small", ["small", "at"], [["1", "infinity"]])], for: [plan])
        }
        #expect(
            infinite?.message.hasPrefix("table \"by_small\" holds a value that Parallax cannot compute with, in column \"at\": ") == true)
        #expect(twice?.isRetriable == true && infinite?.isRetriable == true)
    }

    /// PostgreSQL's text of the least number of microseconds, which no cast reads.
    @Test func theLeastIntervalsAreRead() throws {
        let plan = try plan("SELECT label, max(span::text) AS s FROM every_type JOIN by_span USING (label) GROUP BY label")
        let rows: [[String?]] = [
            ["a", "-2562047788:00:54.775808"], ["b", "1 mon -3 days -2562047788:00:54.775808"], ["c", nil], ["d", "1 day"],
        ]
        let dimensions = try Dimensions([table("by_span", ["label", "span"], rows)], for: [plan])
        let aggregator = ViewAggregator(plan: plan, layer: .speed, dimensions: dimensions)
        let events = EventDecoder(everyType).decode(records(["a", "b", "c", "d"].map { "{\(idAndTime),\"label\":\"\($0)\"}" }))
        #expect(aggregator.addAll(events).isEmpty)
        #expect(
            aggregator.takeRows().copyLines.sorted() == [
                "a\t-2562047788:00:54.775808", "b\t1 mon -3 days -2562047788:00:54.775808", "c\t\\N", "d\t1 day",
            ])
    }

    // Support

    private func plan(_ select: String) throws -> Plan {
        let source = """
            CREATE FOREIGN TABLE every_type (id uuid, at timestamptz, label text, small integer, big bigint, price numeric(12,2),
                exact numeric(38,10), ratio double precision, flag boolean)
            SERVER parallax OPTIONS (topic 'every_type', event_id 'id', event_time 'at', out_of_orderness '5 seconds', lateness '1 hour');
            """
        let compilation = compile([SQLFile(path: "v.sql", text: source + Self.tables + "CREATE MATERIALIZED VIEW v AS \(select);")])
        return try #require(compilation.definitions?.views.first, "\(compilation.diagnostics.map(\.rendered))").plan
    }

    /// Read as PostgreSQL writes the values.
    private func dimensions(_ connection: Connection, _ plans: [Plan]) throws -> Dimensions {
        let tables = try DimensionDemand.of(plans).map { demand in
            let names = demand.columns.map(\.name)
            let list = names.map { "\(Connection.quoteIdentifier($0))::text" }.joined(separator: ", ")
            let rows = try connection.query("SELECT \(list) FROM oracle.\(demand.table)").rows
            return table(demand.table, names, rows.map(\.values))
        }
        return try Dimensions(tables, for: plans)
    }

    private func table(_ name: String, _ columns: [String], _ rows: [[String?]]) -> TextTable {
        TextTable(
            name: name, rowCount: rows.count,
            columns: columns.indices.map { index in
                var values = ByteColumn()
                for row in rows { if let value = row[index] { values.append(Array(value.utf8)) } else { values.appendNull() } }
                return TextTable.TextColumn(name: columns[index], values: values)
            })
    }
}
