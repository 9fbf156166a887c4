import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// How wrong the answers were that the HTTP API gave, by how old their windows were then: answers that were kept, against the rows of the published run.
///
/// A window is compared once it is final: it has ended by the watermark, and all that is known of it lies below the published cut. Then its row in the batch
/// layer is the truth, for as long as no later event comes for it; every comparison takes the rows of now.
///
///     error(number) = |answered − true| / |true|       a null is 0; without bounds where the true one is 0 and the answered one is not
public struct AnswersComparison: Sendable {
    /// From a window's end to the answer.
    public enum Age: Int, Sendable, CaseIterable {
        /// The window had not ended yet.
        case open
        case belowSecond, belowTenSeconds, belowMinute, belowTenMinutes, belowHour, belowDay, older

        /// Seconds at which each but the first begins.
        static let bounds: [Int64] = [0, 1, 10, 60, 600, 3_600, 86_400]

        /// Stable: programs read it.
        public var name: String {
            switch self {
            case .open: "open"
            case .belowSecond: "0-1s"
            case .belowTenSeconds: "1-10s"
            case .belowMinute: "10-60s"
            case .belowTenMinutes: "1-10m"
            case .belowHour: "10-60m"
            case .belowDay: "1-24h"
            case .older: "1d+"
            }
        }
    }

    public struct Output: Sendable, Hashable {
        public var name: String
        /// Answered numbers that have a true one.
        public var values: Int64
        public var exact: Int64
        /// Of those whose error has a bound; nil where none has.
        public var meanError: Double?
        /// Of all of them; infinite where the error has no bound.
        public var medianError: Double
        public var p99Error: Double
        /// Of which the true one is 0, and the answered one is not.
        public var unbounded: Int64
    }

    public struct Bucket: Sendable, Hashable {
        public var age: Age
        public var answers: Int64 = 0
        /// Rows in them.
        public var rows: Int64 = 0
        /// Rows that the answers lacked, of the windows that they had all rows of. Nil where that cannot be told: row security hides rows from the API.
        public var missing: Int64?
        /// Rows in answers that the truth has not.
        public var surplus: Int64 = 0
        public var outputs: [Output] = []
    }

    public var view: String
    /// The version that is served.
    public var version: String
    public var run: RunNumber
    /// Answers of this version that are kept.
    public var answers: Int64 = 0
    /// Answers of other versions: nothing is compared with them.
    public var otherVersions: Int64 = 0
    public var firstServedAt: Instant?
    public var lastServedAt: Instant?
    /// Rows of windows that are not final yet.
    public var waitingRows: Int64 = 0
    /// Those with anything in them, the youngest first.
    public var buckets: [Bucket] = []
}

extension AnswersComparison {
    /// In one transaction; reads as the connection's role, which must see all rows. Throws `.usage` where the view has no answers that could be compared.
    public init(_ connection: Connection, view name: String) throws(ParallaxError) {
        self = try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ") { () throws(ParallaxError) in
            let (source, served, _) = try Catalog(connection).versions(ofView: name)
            guard let served else {
                throw ParallaxError(.usage, "view \"\(name)\" is not served yet", hint: "its first batch run serves it: parallax batch run")
            }
            guard let kind = served.plan.window?.kind, kind.canLeave else {
                throw ParallaxError(
                    .usage, "answers of view \"\(name)\" cannot be compared",
                    detail: served.plan.window == nil
                        ? "it has no window, so no row of it is ever final" : "a session's window changes with its events"
                )
            }
            return try Comparing(connection, served, source.published, kind).comparison()
        }
    }
}

/// The statements. Outputs and groups have generated names, so that nothing that a user wrote enters the joins.
private struct Comparing {
    let connection: Connection
    let version: ViewVersion
    let published: Published
    let kind: Plan.Window.Kind
    let tables: StateTables

    init(_ connection: Connection, _ version: ViewVersion, _ published: Published, _ kind: Plan.Window.Kind) {
        self.connection = connection
        self.version = version
        self.published = published
        self.kind = kind
        tables = StateTables(version)
    }

    func comparison() throws(ParallaxError) -> AnswersComparison {
        var result = AnswersComparison(view: version.viewName, version: version.hash, run: published.run)
        let kept = try connection.query(
            """
            SELECT count(*) FILTER (WHERE a.version_id = $1), count(*) FILTER (WHERE a.version_id <> $1),
                   \(Catalog.micros("min(a.served_at) FILTER (WHERE a.version_id = $1)")),
                   \(Catalog.micros("max(a.served_at) FILTER (WHERE a.version_id = $1)"))
            FROM parallax.served_answer a JOIN parallax.view_version v USING (version_id) WHERE v.view_id = $2
            """, [.version(version.id), .view(version.viewID)]
        ).rows[0]
        result.answers = try kept.int(0)
        result.otherVersions = try kept.int(1)
        result.firstServedAt = try kept.optionalInstant(2)
        result.lastServedAt = try kept.optionalInstant(3)
        guard result.answers > 0 else { return result }

        let numbers = try numbers()
        try connection.execute(createTruth(numbers))
        try connection.execute(createServed)
        for table in ["answers_truth", "answers_served"] { try connection.execute("ANALYZE pg_temp.\(table)") }
        result.waitingRows = try connection.query("SELECT count(*) FROM pg_temp.answers_served WHERE NOT is_final").rows[0].int(0)

        var buckets: [AnswersComparison.Age: AnswersComparison.Bucket] = [:]
        func bucket(_ row: QueryResult.Row) throws(ParallaxError) -> AnswersComparison.Age {
            let number = try row.int(0)
            guard let age = AnswersComparison.Age(rawValue: Int(number)) else {
                throw ParallaxError(.internalInconsistency, "there is no age number \(number)")
            }
            if buckets[age] == nil { buckets[age] = AnswersComparison.Bucket(age: age) }
            return age
        }
        for row in try connection.query(rows).rows {
            let age = try bucket(row)
            buckets[age]?.answers = try row.int(1)
            buckets[age]?.rows = try row.int(2)
            buckets[age]?.surplus = try row.int(3)
        }
        if try !hidesRows() {
            for row in try connection.query(missing).rows {
                let age = try bucket(row)
                buckets[age]?.missing = try row.int(1)
            }
            for age in buckets.keys where buckets[age]?.missing == nil { buckets[age]?.missing = 0 }
        }
        if !numbers.isEmpty {
            for row in try connection.query(errors(numbers), [.texts(numbers.map(\.name))]).rows {
                let (age, place) = (try bucket(row), Int(try row.int(1)))
                buckets[age]?.outputs.append(
                    try AnswersComparison.Output(
                        name: numbers[place].name, values: row.int(2), exact: row.int(3), meanError: row.optionalDouble(4),
                        medianError: row.double(5), p99Error: row.double(6), unbounded: row.int(7)))
            }
        }
        result.buckets = buckets.values.sorted { $0.age.rawValue < $1.age.rawValue }
        return result
    }

    private struct Number {
        var name: String
        var value: Plan.Output.Value
        /// PostgreSQL's name of its type.
        var type: String
    }

    private var row: OutputSQL { OutputSQL(version.plan, .batch(alias: "b")) }

    /// The outputs that are numbers: PostgreSQL knows the types of expressions.
    private func numbers() throws(ParallaxError) -> [Number] {
        let outputs = version.plan.outputs.filter { output in
            switch output.value {
            case .measure, .finished: true
            case .window, .windowEnd, .group: false
            }
        }
        guard !outputs.isEmpty else { return [] }
        let list = outputs.map { row.value($0.value) }.joined(separator: ", ")
        let types = try connection.query("SELECT \(list) FROM \(tables.batchTable) b LIMIT 0").types
        return zip(outputs, types).compactMap { output, type in
            Self.typeNames[type].map { Number(name: output.name, value: output.value, type: $0) }
        }
    }

    private static let typeNames = [
        TypeID.int2: "smallint", TypeID.int4: "integer", TypeID.int8: "bigint", TypeID.numeric: "numeric", TypeID.float4: "real",
        TypeID.float8: "double precision",
    ]

    /// Row security keeps rows from the API, which reads under it, and not from us.
    private func hidesRows() throws(ParallaxError) -> Bool {
        try connection.query(
            "SELECT bool_or(relrowsecurity) FROM pg_catalog.pg_class WHERE oid IN ($1::regclass, $2::regclass)",
            [.text(tables.batchTable), .text(tables.speedTable)]
        ).rows[0].bool(0)
    }

    /// Nothing of the window is above the published cut, and nothing is expected any more.
    private func isFinal(_ start: String) -> String {
        let end = "(\(WindowSQL.end(kind, start: start)))"
        let (source, slice) = (version.sourceID, published.slice)
        var conditions = [
            "coalesce(\(end) <= (SELECT w.watermark FROM parallax.watermark w WHERE w.source_id = \(source)), false)",
            """
            NOT EXISTS (SELECT FROM parallax.touched_window t WHERE t.version_id = \(version.id) AND t.slice >= \(slice) AND t.window_start = \(start))
            """,
            // Records that a run took over, and that are not published: nobody knows their windows.
            """
            NOT EXISTS (SELECT FROM parallax.boundary h WHERE h.source_id = \(source) AND h.slice > \(slice) AND h.processed_until < h.first_offset)
            """,
            // What was given up is in no row: that is no truth.
            """
            NOT EXISTS (SELECT FROM parallax.accepted_gap g WHERE g.source_id = \(source) AND g.events_until > \(start) AND g.events_from < \(end))
            """,
        ]
        if let retention = version.plan.retention {
            conditions.append(
                """
                coalesce(\(end) > (SELECT p.cut_watermark FROM parallax.published p WHERE p.source_id = \(source)) - \(WindowSQL.length(retention)), true)
                """)
        }
        return conditions.joined(separator: "\n  AND ")
    }

    private var ofVersion: String { "parallax.served_answer a WHERE a.version_id = \(version.id)" }
    private var groups: Range<Int> { version.plan.groups.indices }
    private var isSame: String {
        "s.window_start = t.window_start AND \(KeyMatch.groups(version.plan, Array(groups), "s.g", "t.g"))"
    }

    private var createServed: String {
        let keys = groups.map { ", (r.groups ->> \($0))::\(version.plan.groups[$0].expression.type.sqlName) AS g\($0)" }.joined()
        return """
            CREATE TEMPORARY TABLE answers_served ON COMMIT DROP AS
            SELECT r.answer_id, a.served_at, r.window_start, r.window_end, r.numbers\(keys), (\(isFinal("r.window_start"))) AS is_final
            FROM parallax.served_row r JOIN parallax.served_answer a USING (answer_id) WHERE a.version_id = \(version.id)
            """
    }

    /// Of the windows that answers were about.
    private func createTruth(_ numbers: [Number]) -> String {
        let keys = groups.map { ", b.g\($0)" }.joined()
        let values = numbers.enumerated().map { ", \(row.value($1.value)) AS c\($0)" }.joined()
        let rows = "parallax.served_row r JOIN parallax.served_answer a USING (answer_id) WHERE a.version_id = \(version.id)"
        return """
            CREATE TEMPORARY TABLE answers_truth ON COMMIT DROP AS
            SELECT b.window_start, (\(WindowSQL.end(kind, of: "b"))) AS window_end\(keys)\(values)
            FROM \(tables.batchTable) b
            WHERE b.from_run <= \(published.run) AND b.until_run > \(published.run)
              AND b.window_start >= least((SELECT min(r.window_start) FROM \(rows)), (SELECT min(a.windows_from) FROM \(ofVersion)))
              AND b.window_start <= greatest((SELECT max(r.window_start) FROM \(rows)), (SELECT max(a.windows_until) FROM \(ofVersion)))
              AND \(isFinal("b.window_start"))\(row.having.map { "\n  AND \($0)" } ?? "")
            """
    }

    private func age(_ servedAt: String, _ end: String) -> String {
        let bounds = AnswersComparison.Age.bounds.map { "\($0)" }.joined(separator: ", ")
        return "width_bucket(extract(epoch FROM \(servedAt) - \(end)), ARRAY[\(bounds)]::numeric[])"
    }

    /// By age: answers, their rows, and those that the truth has not.
    private var rows: String {
        """
        SELECT \(age("s.served_at", "s.window_end")), count(DISTINCT s.answer_id), count(*), count(*) FILTER (WHERE t.window_start IS NULL)
        FROM pg_temp.answers_served s LEFT JOIN pg_temp.answers_truth t ON \(isSame) WHERE s.is_final GROUP BY 1
        """
    }

    /// By age: rows that answers lacked which should have had them.
    private var missing: String {
        """
        SELECT \(age("a.served_at", "t.window_end")), count(*)
        FROM parallax.served_answer a JOIN pg_temp.answers_truth t ON t.window_start >= a.windows_from AND t.window_start < a.windows_until
        WHERE a.version_id = \(version.id)
          AND NOT EXISTS (SELECT FROM pg_temp.answers_served s WHERE s.answer_id = a.answer_id AND \(isSame)) GROUP BY 1
        """
    }

    /// By age and number. `$1`: the outputs' names.
    private func errors(_ numbers: [Number]) -> String {
        let values = numbers.enumerated().map { place, number in
            let text = "s.numbers ->> ($1::text[])[\(place + 1)]"
            return """
                (\(place), s.numbers ? ($1::text[])[\(place + 1)], (\(text))::\(number.type) IS NOT DISTINCT FROM t.c\(place), \
                (\(text))::numeric, t.c\(place)::numeric)
                """
        }
        return """
            SELECT q.age, q.place, count(*), count(*) FILTER (WHERE q.is_same), avg(q.error) FILTER (WHERE q.error < 'Infinity'),
                   percentile_disc(0.5) WITHIN GROUP (ORDER BY q.error), percentile_disc(0.99) WITHIN GROUP (ORDER BY q.error),
                   count(*) FILTER (WHERE q.error = 'Infinity')
            FROM (
                SELECT \(age("s.served_at", "s.window_end")) AS age, v.place, v.is_same,
                       CASE WHEN v.is_same OR coalesce(v.answered, 0) = coalesce(v.truth, 0) THEN 0
                            WHEN coalesce(v.truth, 0) = 0 OR v.truth IN ('NaN', 'Infinity', '-Infinity')
                                OR v.answered IN ('NaN', 'Infinity', '-Infinity') THEN 'Infinity'
                            -- What a double can hold.
                            ELSE least(abs(coalesce(v.answered, 0) - v.truth) / abs(v.truth), 1e300)::double precision END AS error
                FROM pg_temp.answers_served s JOIN pg_temp.answers_truth t ON \(isSame)
                CROSS JOIN LATERAL (VALUES \(values.joined(separator: ",\n    "))) v (place, is_asked, is_same, answered, truth)
                WHERE s.is_final AND v.is_asked) q
            GROUP BY q.age, q.place ORDER BY q.age, q.place
            """
    }
}

extension AnswersComparison {
    /// As `parallax compare --answers --format json` and the HTTP API say it. Names are stable: programs read them.
    public var json: JSONText {
        .object([
            ("view", .string(view)), ("version", .string(version)), ("run", .int(run.rawValue)), ("answers", .int(answers)),
            ("first_served_at", .optional(firstServedAt?.text)), ("last_served_at", .optional(lastServedAt?.text)),
            ("other_versions", .int(otherVersions)), ("waiting_rows", .int(waitingRows)), ("ages", .array(buckets.map(\.json))),
        ])
    }
}

extension AnswersComparison.Bucket {
    fileprivate var json: JSONText {
        .object([
            ("age", .string(age.name)), ("answers", .int(answers)), ("rows", .int(rows)), ("missing", .optional(missing)),
            ("surplus", .int(surplus)), ("outputs", .array(outputs.map(\.json))),
        ])
    }
}

extension AnswersComparison.Output {
    public var exactShare: Double { values > 0 ? Double(exact) / Double(values) : 1 }

    fileprivate var json: JSONText {
        .object([
            ("output", .string(name)), ("values", .int(values)), ("exact_share", .optional(exactShare)),
            ("mean_error", .optional(meanError)),
            ("p50_error", .optional(medianError)), ("p99_error", .optional(p99Error)), ("unbounded", .int(unbounded)),
        ])
    }
}
