import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// That a column of a view has a value: as text, which PostgreSQL reads as the column's type; nil: null.
public struct RowCondition: Sendable, Hashable {
    public var column: String
    public var value: String?
    public init(_ column: String, _ value: String?) {
        self.column = column
        self.value = value
    }
}

/// One row of a merged view, and what it consists of, all of one snapshot.
public struct ExplainedRow: Sendable {
    /// One layer's values, in the order of the view's outputs.
    public struct Values: Sendable, Hashable {
        public var values: [String?]
        public var isExact: Bool
        public var isClosed: Bool
    }

    public var version: ViewVersion
    public var key: RowKey
    /// PostgreSQL's types of the outputs.
    public var types: [UInt32]
    public var merged: Values
    /// What was published; none where all of the row is live. Of a session that live events joined, several.
    public var batch: [Values]
    /// What the speed layer has seen since the published cut.
    public var live: [Values]
    public var frontier: SourceFrontier
    public var slices: [LiveSlice]
    /// Of them, those that hold a part of this row.
    public var slicesOfRow: [SliceNumber]
    /// Late events that may belong to the row and are in no live row (see `Catalog.lateEvents`).
    public var late: [Int64: Int64]
    /// Of the run that is published, over all rows that it compared.
    public var drift: [OutputDrift]
    /// What that run found of this row; nil where it did not compare it, or the row is not kept.
    public var compared: ComparedRow?

    /// A row of `comparison.<view>`.
    public struct ComparedRow: Sendable, Hashable {
        public var isDifferent: Bool
        public var causes: [String]
        public var late: Int64
        public var duplicates: Int64
        public var healed: Int64
        /// All of it, as a JSON object.
        public var json: String
    }

    /// Gaps whose records may have belonged to the row.
    public var gaps: [AcceptedGap] {
        guard let times = version.plan.eventTimes(of: key) else { return frontier.gaps }
        return frontier.gaps.filter { gap in
            (gap.eventsFrom.map { $0.rawValue < times.upperBound } ?? true)
                && (gap.eventsUntil.map { $0.rawValue > times.lowerBound } ?? true)
        }
    }

    /// Records that a run took over from a speed layer that was down: of no known event time.
    public var waitingRecords: Int64 { frontier.parts.reduce(0) { $0 + $1.waitingRecords } }
}

/// Finds one row of a merged view.
public enum RowLookup {
    /// Rows that an error names where the conditions are true for several.
    static let maxCandidates = 5

    /// The served version of a view. Throws `.usage` for what is none: a view on top is computed by PostgreSQL from rows of other views.
    public static func version(ofView name: String, _ catalog: Catalog) throws(ParallaxError) -> ViewVersion {
        let stamps = try catalog.servedStamps()
        guard let found = stamps.first(where: { $0.name == name }) else {
            throw ParallaxError(
                .usage, "there is no view \"\(name)\"",
                hint: nameHint(for: name, among: stamps.map(\.name), listedAs: "views")
                    ?? "a new view is served after its first batch run")
        }
        guard let id = found.stamp.version, let version = try catalog.version(id) else {
            throw onTop(name, reads: try catalog.mergedViews(readBy: found.stamp).map(\.name))
        }
        return version
    }

    public static func onTop(_ name: String, reads: [String]) -> ParallaxError {
        ParallaxError(
            .usage, "\"\(name)\" is a view on top (CREATE VIEW): PostgreSQL computes its rows from those of other views",
            hint: "explain a row of what it reads: \(reads.joined(separator: ", "))")
    }

    /// In the caller's transaction, which is to have one snapshot (REPEATABLE READ). Throws `.usage` for a column that tells no row, `.missing` where there
    /// is none, and `.input` where there are several.
    public static func find(
        _ version: ViewVersion, _ conditions: [RowCondition], _ catalog: Catalog, until deadline: ContinuousClock.Instant? = nil
    ) throws(ParallaxError) -> ExplainedRow {
        let sql = ExplainedRowSQL(version)
        let found = try candidates(sql, conditions, catalog.connection, until: deadline)
        guard let row = found.rows.first else { throw noRow(version, conditions) }
        guard found.rows.count == 1 else { throw severalRows(version, conditions, found, sql) }
        let key = try sql.key(row)
        guard let frontier = try catalog.frontiers(ofSources: [version.sourceID], until: deadline).first else {
            throw ParallaxError(.missing, "the source of view \"\(version.viewName)\" is gone", hint: "ask again", isRetriable: true)
        }
        func layer(_ layer: ServedLayer) throws(ParallaxError) -> [ExplainedRow.Values] {
            let (text, parameters) = sql.rows(of: layer, key)
            return try catalog.connection.queryPrepared(text, parameters, until: deadline).rows.map { row throws(ParallaxError) in
                try sql.values(row)
            }
        }
        let merged = try sql.values(row)
        let (text, parameters) = sql.slices(key, from: frontier.slice)
        let slices = try catalog.connection.queryPrepared(text, parameters, until: deadline).rows
        return ExplainedRow(
            version: version, key: key, types: Array(found.types[sql.outputPlaces]), merged: merged,
            batch: try layer(.batch), live: try layer(.speed), frontier: frontier,
            slices: try catalog.liveSlices(of: frontier, until: deadline),
            slicesOfRow: try slices.map { row throws(ParallaxError) in SliceNumber(try row.int(0)) },
            late: try catalog.lateEvents(of: version, from: frontier.slice, reaching: key, until: deadline),
            drift: frontier.run == .none ? [] : try catalog.drift(run: frontier.run, version: version.id).map(\.drift),
            compared: try compared(version, merged, frontier.run, catalog, until: deadline))
    }

    /// Values are compared as PostgreSQL shows them in this session, in which it showed the row's.
    private static func compared(
        _ version: ViewVersion, _ row: ExplainedRow.Values, _ run: RunNumber, _ catalog: Catalog, until deadline: ContinuousClock.Instant?
    ) throws(ParallaxError) -> ExplainedRow.ComparedRow? {
        guard run != .none, try catalog.comparisonViews()[version.viewName] != nil else { return nil }
        var conditions = ["c.run = $1"]
        var parameters: [Parameter] = [.int(run.rawValue)]
        for (output, value) in zip(version.plan.outputs, row.values) where output.namesRow {
            parameters.append(value.map { .text($0) } ?? .null)
            conditions.append("c.\(Connection.quoteIdentifier(output.name))::text IS NOT DISTINCT FROM $\(parameters.count)::text")
        }
        let found = try catalog.connection.queryPrepared(
            """
            SELECT c.is_different, array_to_string(c.causes, ','), c.late, c.duplicates, c.healed, to_jsonb(c)::text
            FROM \(ComparisonViewSQL.place(version.viewName)) c WHERE \(conditions.joined(separator: " AND ")) LIMIT 2
            """, parameters, until: deadline
        ).rows
        // Where the view does not show what tells rows apart, nobody knows which of several it is.
        guard found.count == 1 else { return nil }
        return ExplainedRow.ComparedRow(
            isDifferent: try found[0].bool(0), causes: try found[0].text(1).split(separator: ",").map(String.init),
            late: try found[0].int(2),
            duplicates: try found[0].int(3), healed: try found[0].int(4), json: try found[0].text(5))
    }

    private static func candidates(
        _ sql: ExplainedRowSQL, _ conditions: [RowCondition], _ connection: Connection, until deadline: ContinuousClock.Instant?
    ) throws(ParallaxError) -> QueryResult {
        let plan = sql.version.plan
        for condition in conditions {
            guard let output = plan.outputs.first(where: { $0.name == condition.column }) else {
                throw ParallaxError(
                    .usage, "view \"\(sql.version.viewName)\" has no column \"\(condition.column)\"",
                    hint: nameHint(for: condition.column, among: plan.namingColumns, listedAs: "columns that name a row"))
            }
            guard output.namesRow else {
                throw ParallaxError(
                    .usage, "column \"\(condition.column)\" of view \"\(sql.version.viewName)\" is a result, and names no row",
                    hint: plan.namingColumns.isEmpty
                        ? "the view has one row: ask without conditions"
                        : "columns that name a row: \(plan.namingColumns.joined(separator: ", "))")
            }
        }
        let (text, parameters) = sql.candidates(conditions, limit: maxCandidates + 1)
        do { return try connection.queryPrepared(text, parameters, until: deadline) } catch {
            // The values are the user's.
            guard error.code == .database, let state = error.sqlState, state.hasPrefix("22") else { throw error }
            var error = error
            error.code = .input
            error.detail = nil
            throw error
        }
    }

    private static func noRow(_ version: ViewVersion, _ conditions: [RowCondition]) -> ParallaxError {
        ParallaxError(
            .missing, "view \"\(version.viewName)\" has no row with \(words(conditions))",
            detail: version.plan.having == nil ? nil : "The view shows only groups for which its HAVING is true.",
            hint: "parallax query \(version.viewName) prints its rows")
    }

    private static func severalRows(
        _ version: ViewVersion, _ conditions: [RowCondition], _ found: QueryResult, _ sql: ExplainedRowSQL
    ) -> ParallaxError {
        let outputs = version.plan.outputs
        let naming = outputs.indices.filter { outputs[$0].namesRow }
        let shown = found.rows.prefix(maxCandidates).map { row in
            naming.map { "\(outputs[$0].name) = \(row.values[sql.outputPlaces.lowerBound + $0].map { "'\($0)'" } ?? "null")" }
                .joined(separator: ", ")
        }
        let more = found.rows.count > maxCandidates ? ["and more"] : []
        let lacking = naming.map { outputs[$0].name }.filter { name in !conditions.contains { $0.column == name } }
        return ParallaxError(
            .input, "several rows of view \"\(version.viewName)\" have \(words(conditions))",
            detail: (shown + more).joined(separator: "\n"),
            hint: lacking.isEmpty
                ? "the view does not show all columns that it groups by: name them in its SELECT list"
                : "say \(lacking.joined(separator: ", "))\(lacking.count > 1 ? ", as far as it takes" : ""), too")
    }

    private static func words(_ conditions: [RowCondition]) -> String {
        conditions.isEmpty
            ? "any values" : conditions.map { "\($0.column) = \($0.value.map { "'\($0)'" } ?? "null")" }.joined(separator: ", ")
    }
}

extension Plan {
    /// The columns of the view that tell a row from others.
    public var namingColumns: [String] { outputs.filter(\.namesRow).map(\.name) }
}

extension Plan.Output {
    /// Its value belongs to the row's key.
    public var namesRow: Bool {
        switch value {
        case .window, .windowEnd, .group: true
        case .measure, .finished: false
        }
    }
}

/// The statements of a lookup. Names in them are generated; values are parameters.
struct ExplainedRowSQL {
    let version: ViewVersion
    private let tables: StateTables
    private let texts: [ServedLayer: String]

    init(_ version: ViewVersion) {
        self.version = version
        tables = StateTables(version)
        let merged = MergedViewSQL(version, form: .explained)
        texts = Dictionary(uniqueKeysWithValues: ServedLayer.allCases.map { ($0, merged.layerText($0)) })
    }

    private var groups: Range<Int> { version.plan.groups.indices }
    private static let window = "k_window"
    private static let sessionLast = "k_last"

    /// What `MergedViewSQL` selects before the outputs.
    static func keyColumns(_ plan: Plan, row: String) -> [String] {
        (plan.window == nil ? [] : ["\(row).window_start AS \(window)"])
            + (plan.window?.kind.sessionGap == nil ? [] : ["\(row).session_last AS \(sessionLast)"])
            + plan.groups.indices.map { "\(row).g\($0) AS k\($0)" }
    }

    /// Places of the outputs in a row of the answer; `is_exact` and `is_closed` come behind them.
    var outputPlaces: Range<Int> {
        let first = 2 + groups.count
        return first..<(first + version.plan.outputs.count)
    }

    private func select(_ layer: ServedLayer) -> String {
        let plan = version.plan
        let key =
            [
                plan.window == nil ? "NULL::bigint" : InstantSQL.microseconds("v.\(Self.window)"),
                plan.window?.kind.sessionGap == nil ? "NULL::bigint" : InstantSQL.microseconds("v.\(Self.sessionLast)"),
            ] + groups.map { "v.k\($0)" }
        let outputs = plan.outputs.indices.map { "v.o\($0)" }
        return """
            SELECT \((key + outputs + ["v.is_exact", "v.is_closed"]).joined(separator: ", "))
            FROM (\(texts[layer] ?? "")) v
            """
    }

    func candidates(_ conditions: [RowCondition], limit: Int) -> (text: String, parameters: [Parameter]) {
        var parameters: [Parameter] = []
        let terms = conditions.compactMap { condition -> String? in
            guard let output = version.plan.outputs.firstIndex(where: { $0.name == condition.column }) else { return nil }
            guard let value = condition.value else { return "v.o\(output) IS NULL" }
            parameters.append(.text(value))
            return "v.o\(output) = $\(parameters.count)"
        }
        parameters.append(.int(Int64(limit)))
        let filter = terms.isEmpty ? "" : " WHERE " + terms.joined(separator: " AND ")
        return (select(.merged) + filter + " LIMIT $\(parameters.count)", parameters)
    }

    /// A layer's rows that are in the row of this key.
    func rows(of layer: ServedLayer, _ key: RowKey) -> (text: String, parameters: [Parameter]) {
        var parameters: [Parameter] = []
        let terms = condition(key, window: "v.\(Self.window)", group: { "v.k\($0)" }, &parameters)
        return (select(layer) + " WHERE " + terms, parameters)
    }

    /// The slices that hold live states of the row.
    func slices(_ key: RowKey, from slice: SliceNumber) -> (text: String, parameters: [Parameter]) {
        var parameters: [Parameter] = [.int(slice.rawValue)]
        let start = version.plan.window?.kind.sessionGap == nil ? "s.window_start" : "s.session_first"
        let terms = condition(key, window: start, group: { "s.g\($0)" }, &parameters)
        return ("SELECT DISTINCT s.slice FROM \(tables.speedTable) s WHERE s.slice >= $1 AND \(terms) ORDER BY s.slice", parameters)
    }

    private func condition(_ key: RowKey, window: String, group: (Int) -> String, _ parameters: inout [Parameter]) -> String {
        var terms: [String] = []
        if let start = key.window {
            parameters.append(.int(start))
            if let last = key.sessionLast {
                terms.append("\(window) >= \(InstantSQL.instant("$\(parameters.count)"))")
                parameters.append(.int(last))
                terms.append("\(window) <= \(InstantSQL.instant("$\(parameters.count)"))")
            } else {
                terms.append("\(window) = \(InstantSQL.instant("$\(parameters.count)"))")
            }
        }
        for (index, text) in key.groups.enumerated() {
            guard let text else {
                terms.append("\(group(index)) IS NULL")
                continue
            }
            parameters.append(.text(text))
            terms.append("\(group(index)) = $\(parameters.count)::\(version.plan.groups[index].expression.type.stateSQLName)")
        }
        return terms.isEmpty ? "true" : terms.joined(separator: " AND ")
    }

    func key(_ row: QueryResult.Row) throws(ParallaxError) -> RowKey {
        RowKey(window: try row.optionalInt(0), sessionLast: try row.optionalInt(1), groups: groups.map { row[2 + $0] })
    }

    func values(_ row: QueryResult.Row) throws(ParallaxError) -> ExplainedRow.Values {
        let end = outputPlaces.upperBound
        return ExplainedRow.Values(
            values: outputPlaces.map { row[$0] }, isExact: try row.bool(end), isClosed: try row.bool(end + 1))
    }
}
