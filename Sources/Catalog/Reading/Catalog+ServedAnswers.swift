import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// An answer of the HTTP API as it was given, to be compared with what later runs find.
public struct ServedAnswer: Sendable {
    public struct Row: Sendable, Hashable {
        /// PostgreSQL's text of the column that says which window it is.
        public var window: String
        /// In the order of the plan's groups.
        public var groups: [String?]
        /// In the order of the answer's `numbers`.
        public var numbers: [String?]
        public var isExact: Bool?
        public var isClosed: Bool?

        public init(window: String, groups: [String?], numbers: [String?], isExact: Bool?, isClosed: Bool?) {
            self.window = window
            self.groups = groups
            self.numbers = numbers
            self.isExact = isExact
            self.isClosed = isClosed
        }
    }

    /// Of a window that stands still: its end is known from its start.
    public struct WindowColumn: Sendable, Hashable {
        public var kind: Plan.Window.Kind
        /// The rows say where their windows end, and not where they begin.
        public var isEnd: Bool
    }

    public var version: VersionID
    public var window: WindowColumn
    /// The outputs that are numbers and were asked for.
    public var numbers: [String]
    public var frontier: SourceFrontier
    public var rows: [Row]
    /// It has all rows of a range of windows, of those that had begun by then.
    public var isWhole: Bool
    /// Where the range begins and ends, where the request said so: of what `window` is about.
    public var from: String?
    public var to: String?

    public init(
        version: VersionID, window: WindowColumn, numbers: [String], frontier: SourceFrontier, rows: [Row], isWhole: Bool, from: String?,
        to: String?
    ) {
        self.version = version
        self.window = window
        self.numbers = numbers
        self.frontier = frontier
        self.rows = rows
        self.isWhole = isWhole
        self.from = from
        self.to = to
    }
}

extension ServedAnswer.WindowColumn {
    /// Nil where a row does not say which window it is of, so that no run's row can be told to be the same: views without a window, sessions (whose windows
    /// change), and calendar windows that show their ends alone.
    public init?(_ plan: Plan, shows names: Set<String>) {
        guard let kind = plan.window?.kind, kind.canLeave else { return nil }
        let shown = plan.outputs.filter { names.contains($0.name) }
        let isEnd = !shown.contains { $0.value == .window }
        if isEnd {
            guard shown.contains(where: { $0.value == .windowEnd }) else { return nil }
            if case .calendar = kind { return nil }
        }
        self.init(kind: kind, isEnd: isEnd)
    }

    /// SQL of a window's start.
    fileprivate func start(_ shown: String) -> String {
        switch kind {
        case .tumbling(let size, _) where isEnd, .hopping(_, let size, _) where isEnd: "(\(shown) - \(WindowSQL.length(size)))"
        default: shown
        }
    }
}

/// The sample of answers: what the HTTP API keeps of what it has served.
extension Catalog {
    /// In a transaction of its own.
    public func keep(_ answer: ServedAnswer) throws(ParallaxError) {
        let frontier = answer.frontier
        let rows = JSONText.array(
            answer.rows.map { row in
                .object([
                    ("shown", .string(row.window)), ("groups", .array(row.groups.map { .optional($0) })),
                    ("numbers", .object(zip(answer.numbers, row.numbers).map { ($0, .optional($1)) })),
                    ("is_exact", row.isExact.map { .bool($0) } ?? .null), ("is_closed", row.isClosed.map { .bool($0) } ?? .null),
                ])
            })
        let offsets = JSONText.object(frontier.parts.map { ("\($0.partition)", .int($0.nextOffset.rawValue)) })
        try connection.transaction { () throws(ParallaxError) in
            let id = try connection.queryPrepared(
                """
                INSERT INTO parallax.served_answer (version_id, served_at, run, slice, watermark, offsets)
                VALUES ($1, \(Self.instant("$2")), $3, $4, \(Self.instant("$5")), $6::jsonb) RETURNING answer_id
                """,
                [
                    .version(answer.version), .int(frontier.now.rawValue), .int(frontier.run.rawValue), .int(frontier.slice.rawValue),
                    frontier.watermark.map { .int($0.rawValue) } ?? .null, .text(offsets.text(indentation: nil)),
                ]
            ).rows[0].int(0)
            try connection.queryPrepared(
                """
                INSERT INTO parallax.served_row (answer_id, window_start, window_end, groups, numbers, is_exact, is_closed)
                SELECT $1, q.start, \(WindowSQL.end(answer.window.kind, start: "q.start")), q.groups, q.numbers, q.is_exact, q.is_closed
                FROM (SELECT \(answer.window.start("r.shown")) AS start, r.* FROM jsonb_to_recordset($2::jsonb) AS r (
                    shown timestamptz, groups jsonb, numbers jsonb, is_exact boolean, is_closed boolean)) q
                """, [.int(id), .text(rows.text(indentation: nil))])
            guard answer.isWhole else { return }
            // Windows that had not begun have no rows yet, and lack none.
            try connection.queryPrepared(
                """
                UPDATE parallax.served_answer a SET
                    windows_from = coalesce(\(answer.window.start("$2::timestamptz")), (
                        SELECT min(r.window_start) FROM parallax.served_row r WHERE r.answer_id = a.answer_id)),
                    windows_until = least(\(answer.window.start("$3::timestamptz")), a.served_at)
                WHERE a.answer_id = $1
                """, [.int(id), answer.from.map { .text($0) } ?? .null, answer.to.map { .text($0) } ?? .null])
        }
    }

    /// The oldest go, until no more than so many rows are left. An answer without rows counts as one.
    public func pruneAnswers(toRows limit: Int) throws(ParallaxError) {
        try connection.query(
            """
            DELETE FROM parallax.served_answer WHERE answer_id <= (
                SELECT max(t.answer_id) FROM (
                    SELECT a.answer_id, sum(greatest(1, (SELECT count(*) FROM parallax.served_row r WHERE r.answer_id = a.answer_id)))
                        OVER (ORDER BY a.answer_id DESC) AS rows
                    FROM parallax.served_answer a) t
                WHERE t.rows > $1)
            """, [.int(Int64(limit))])
    }

    /// Those that were served so long ago go, and those of versions that are gone.
    public func pruneAnswers(olderThan age: Duration) throws(ParallaxError) {
        try connection.query(
            """
            DELETE FROM parallax.served_answer a WHERE a.served_at < clock_timestamp() - $1::double precision * interval '1 second'
                OR NOT EXISTS (SELECT FROM parallax.view_version v WHERE v.version_id = a.version_id)
            """, [.double(age.inSeconds)])
    }
}
