import Catalog
import ParallaxCore
import Postgres
import ViewLanguage

/// How far a view's live rows were from the exact ones at a run: the figures that the run recorded, why, where, and the rows themselves.
public struct LayerComparison: Sendable {
    public struct Question: Sendable {
        public var view: String
        /// Nil: the newest that compared the view.
        public var run: RunNumber?
        /// Bounds of the window's start, as PostgreSQL reads them; from inclusive, to exclusive.
        public var from: String?
        public var to: String?
        public var limit: Int
        /// Also rows in which the layers agree.
        public var withEqual: Bool
        public init(view: String, run: RunNumber? = nil, from: String? = nil, to: String? = nil, limit: Int, withEqual: Bool = false) {
            self.view = view
            self.run = run
            self.from = from
            self.to = to
            self.limit = limit
            self.withEqual = withEqual
        }
    }

    public var view: String
    public var version: String
    public var source: String
    public var run: RunStatus
    /// False where the speed layer had no rows of it: then nothing was compared.
    public var hasLiveRows: Bool
    /// A share of 1; nil: there is no limit.
    public var maxDrift: Double?
    public var outputs: [OutputDrift]
    public var causes: [DriftCause]
    public var groups: [Catalog.DriftGroup]
    public var windows: [Catalog.DriftWindow]
    /// Rows that the run compared, and how many of those are kept.
    public var compared: Int64
    public var kept: Int64
    public var different: Int64
    /// Rows of `comparison.<view>` that were asked for, those that differ most first.
    public var rows: QueryResult
    /// The same rows as JSON objects.
    public var rowObjects: [String]

    /// Windows that one answer holds.
    static let mostWindows = 1_000

    /// The outputs whose drift is beyond the limit.
    public func beyond(_ limit: Double?) -> [OutputDrift] {
        guard let limit else { return [] }
        return outputs.filter { ($0.share ?? 0) > limit }
    }

    /// In one transaction. Throws `.usage` where there is no such view, or the run compared none of it.
    public init(_ connection: Connection, _ question: Question) throws(ParallaxError) {
        self = try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") {
            () throws(ParallaxError) -> LayerComparison in
            try LayerComparison(reading: connection, question)
        }
    }

    /// Inside the caller's snapshot.
    public init(reading connection: Connection, _ question: Question) throws(ParallaxError) {
        let catalog = Catalog(connection)
        let (source, served, _) = try catalog.versions(ofView: question.view)
        guard let served else {
            throw ParallaxError(
                .usage, "view \"\(question.view)\" is not served yet", hint: "its first batch run serves it: parallax batch run")
        }
        let asked: RunNumber? = if let run = question.run { run } else { try catalog.newestComparison(of: served.id) }
        guard let number = asked, let run = try catalog.runs(number: number, limit: 1).first
        else {
            guard let run = question.run else {
                throw ParallaxError(
                    .usage, "no run has compared the layers of view \"\(question.view)\" yet",
                    hint: "a batch run does, where the speed layer has read what it publishes: parallax batch run")
            }
            throw ParallaxError(.usage, "there is no run \(run)", hint: "parallax batch list shows those that there are")
        }
        let drift = try catalog.drift(run: number, version: served.id)
        guard let first = drift.first else {
            throw ParallaxError(
                .usage, "run \(number) has not compared the layers of view \"\(question.view)\" as it is served now",
                detail:
                    "a run compares where the speed layer has read all that it publishes, and a version that has rows of the publication before",
                hint: try catalog.newestComparison(of: served.id).map { "the newest that has is run \($0)" } ?? "no run has yet")
        }
        view = question.view
        version = served.hash
        self.source = source.name
        self.run = run
        hasLiveRows = first.hasLiveRows ?? (first.drift.groups > 0)
        maxDrift = try catalog.maxDrifts(ofSource: source.id)[question.view]
        outputs = drift.map(\.drift)
        causes = try catalog.driftCauses(run: number, version: served.id)
        groups = try catalog.driftGroups(run: number, version: served.id)
        windows = try catalog.driftWindows(run: number, version: served.id, limit: Self.mostWindows)
        compared = first.drift.groups
        (kept, different) = try catalog.comparedRows(run: number, version: served.id)
        let (from, parameters) = try Self.rows(question, number, served)
        do {
            rows = try connection.query("SELECT c.* \(from)", parameters)
            rowObjects = try connection.query("SELECT to_jsonb(c)::text \(from)", parameters).texts(0)
        } catch {
            // The bounds are the only values that PostgreSQL reads here.
            guard error.sqlState?.hasPrefix("22") == true else { throw error }
            throw ParallaxError(.usage, error.message, hint: "a time as PostgreSQL reads it, such as 2026-03-01T12:00:00Z")
        }
    }

    /// FROM and what follows it, over `c`.
    private static func rows(
        _ question: Question, _ run: RunNumber, _ version: ViewVersion
    ) throws(ParallaxError) -> (sql: String, parameters: [Parameter]) {
        var conditions = ["c.run = $1"]
        var parameters: [Parameter] = [.int(run.rawValue), .int(Int64(question.limit))]
        let window = version.plan.outputs.first { $0.value == .window }?.name ?? "window_start"
        for (bound, comparison) in [(question.from, ">="), (question.to, "<")] {
            guard let bound else { continue }
            guard version.plan.window != nil else {
                throw ParallaxError(.usage, "view \"\(question.view)\" has no window: its rows have no time to ask for")
            }
            parameters.append(.text(bound))
            conditions.append("c.\(Connection.quoteIdentifier(window)) \(comparison) $\(parameters.count)::timestamptz")
        }
        if !question.withEqual { conditions.append("c.is_different") }
        let place = ComparisonViewSQL.place(question.view)
        return ("FROM \(place) c WHERE \(conditions.joined(separator: " AND ")) ORDER BY c.place LIMIT $2", parameters)
    }
}

extension LayerComparison {
    /// As `parallax compare --format json` and the HTTP API say it.
    public func json(limit: Double?) -> JSONText {
        .object([
            ("view", .string(view)), ("version", .string(version)), ("source", .string(source)), ("run", .int(run.number.rawValue)),
            ("state", .string(run.state)), ("is_compared", .bool(hasLiveRows)), ("max_drift", .optional(limit)),
            ("within_max_drift", .bool(beyond(limit).isEmpty)),
            ("outputs", .array(outputs.map { $0.json })),
            (
                "causes",
                .array(
                    causes.map {
                        .object([
                            ("cause", .string($0.cause.rawValue)), ("rows", .int($0.groups)), ("records", .optional($0.records)),
                        ])
                    })
            ),
            (
                "groups",
                .array(
                    groups.map {
                        .object([
                            ("output", .string($0.output)), ("column", .string($0.column)), ("value", .optional($0.value)),
                            ("rows", .int($0.groups)), ("difference", .optional($0.difference)), ("share", .optional($0.share)),
                        ])
                    })
            ),
            (
                "windows",
                .array(
                    windows.map {
                        $0.drift.json.adding("window_start", .string($0.start.text))
                    })
            ),
            ("rows_compared", .int(compared)), ("rows_kept", .int(kept)), ("rows_different", .int(different)),
            ("rows", .array(rowObjects.map { .number($0) })),
        ])
    }
}
