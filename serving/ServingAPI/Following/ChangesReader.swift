import Catalog
import ParallaxCore
import Postgres
import ServingViews
import ViewLanguage

/// Reads `serving.<view>_changes`, inside the caller's snapshot.
struct ChangesReader: Sendable {
    let views: ServedViews

    /// A view of one snapshot, and where it stands in it.
    struct Place: Sendable {
        var view: ServedView
        var version: ViewVersion
        var followed: FollowedView
        var frontier: AnswerFrontier
        var columns: RowColumns

        /// Whether all that came after a change is known.
        func keeps(_ since: Int64) -> Bool { since >= followed.followedFrom && since <= followed.change }

        var standing: Standing {
            let source = frontier.sources.first
            return Standing(
                run: source?.run.rawValue ?? 0, watermark: source?.watermark?.rawValue, freshnessSeconds: source?.freshness?.inSeconds)
        }
    }

    struct Rows: Sendable {
        var rows: [FollowedRow]
        /// All changes up to it are in the rows.
        var to: Int64
        var hasMore: Bool
    }

    /// A view on top is a problem: it has no changes.
    private func place(of view: ServedView, _ catalog: Catalog, until deadline: ContinuousClock.Instant) throws -> Place {
        guard let version = view.version else {
            throw Problem(
                .badRequest, "invalid_request", "\"\(view.name)\" is a view on top of others: it has no changes of its own",
                hint: "follow what it reads, and ask it again when that changes: " + view.reads.joined(separator: ", "))
        }
        return Place(
            view: view, version: version, followed: try catalog.followedView(view.name, until: deadline),
            frontier: AnswerFrontier(
                sources: try catalog.frontiers(ofSources: view.sources, until: deadline), approximate: view.approximate, asOfRun: nil),
            columns: RowColumns(view.columns.map(\.encoded)))
    }

    /// The view that a request's path names.
    func place(of request: APIRequest, _ catalog: Catalog, until deadline: ContinuousClock.Instant) throws -> Place {
        try place(of: try views.view(of: request, catalog, until: deadline), catalog, until: deadline)
    }

    /// Rows that have changed since, each key once, as it is now.
    ///
    /// - Parameters:
    ///   - limit: the rows end with the change in which the limit is reached.
    ///   - maxRows: of one change; nil is returned where there are more.
    func changes(_ place: Place, since: Int64, limit: Int, maxRows: Int, _ connection: Connection, until deadline: ContinuousClock.Instant)
        throws(ParallaxError) -> Rows?
    {
        guard since < place.followed.change else { return Rows(rows: [], to: since, hasMore: false) }
        let leading = ChangesColumns.leading(place.version.plan).map { "c.\(Connection.quoteIdentifier($0))" }
        let columns = place.view.columns.map { "c.\(Connection.quoteIdentifier($0.name))" }
        var found: [FollowedRow] = []
        var count = 0
        try connection.visit(
            """
            SELECT \((leading + columns).joined(separator: ", ")) FROM serving.\(Connection.quoteIdentifier(place.followed.changesName)) c
            WHERE \(leading[0]) > $1 ORDER BY \(leading[0]) FETCH FIRST ($2::bigint) ROWS WITH TIES
            """, [.int(since), .int(Int64(limit))], until: deadline
        ) { _ throws(ParallaxError) in
        } row: { row throws(ParallaxError) in
            count += 1
            guard count <= maxRows else { return }
            func text(_ column: Int) -> String? { row[column].map { String(decoding: $0, as: UTF8.self) } }
            guard let change = text(0).flatMap({ Int64($0) }), let operation = text(1).flatMap(FollowedRow.Operation.init),
                let key = text(2)
            else {
                throw ParallaxError(
                    .internalInconsistency, "a row of \"\(place.followed.changesName)\" has no number, operation or key",
                    detail: "\(text(0) ?? "null"), \(text(1) ?? "null"), \(text(2) ?? "null")")
            }
            found.append(
                FollowedRow(
                    key: key, change: change, operation: operation, values: columns.indices.map { text($0 + 3) }, place.columns))
        }
        guard count <= maxRows else { return nil }
        // A key may come once for each of several changes, always with the same row.
        var last: [String: Int] = [:]
        for (index, row) in found.enumerated() { last[row.key] = index }
        let rows = found.enumerated().filter { last[$0.element.key] == $0.offset }.map(\.element)
        // With a change that was reached by the limit come all its rows, and none of later ones.
        let hasMore = count >= limit
        return Rows(rows: rows, to: hasMore ? found.last?.change ?? since : place.followed.change, hasMore: hasMore)
    }

    /// All rows that a query asks for, each with its key, one after the other. The body may block.
    func snapshot(_ place: Place, _ query: RowsQuery, _ connection: Connection, _ body: (FollowedRow) throws(ParallaxError) -> Void)
        throws(ParallaxError)
    {
        let leading = ChangesColumns.leading(place.version.plan)
        var query = query
        let columns = RowColumns(query.columns.map(\.encoded))
        query.columns = [ServedView.Column(name: leading[2], type: "text", typeID: TypeID.text, role: .expression)] + query.columns
        (query.order, query.isKeyed) = ([], false)
        let relation = Connection.quoteIdentifier(place.followed.changesName)
        let (text, parameters) = query.sql(
            from: "(SELECT * FROM serving.\(relation) c WHERE c.\(Connection.quoteIdentifier(leading[0])) IS NULL)", after: nil)
        // As long as the client takes rows.
        try connection.queryPrepared(Snapshots.limit, [.text("0")])
        try connection.visit(text, parameters, rows: .oneByOne) { _ throws(ParallaxError) in
        } row: { row throws(ParallaxError) in
            func text(_ column: Int) -> String? { row[column].map { String(decoding: $0, as: UTF8.self) } }
            guard let key = text(0) else {
                throw ParallaxError(.internalInconsistency, "a row of \"\(place.followed.changesName)\" has no key")
            }
            try body(
                FollowedRow(
                    key: key, change: place.followed.change, operation: .snapshot, values: (0..<columns.count).map { text($0 + 1) }, columns
                ))
        }
    }

    /// What a feed gets to know. Nil where the view is gone.
    func look(_ name: String, since: Int64?, maxRows: Int, _ catalog: Catalog, until deadline: ContinuousClock.Instant) throws -> (
        update: ViewUpdate, channel: String
    )? {
        guard let view = try views.view(name, catalog, until: deadline) else { return nil }
        let place = try place(of: view, catalog, until: deadline)
        var update = ViewUpdate(
            from: since ?? place.followed.change, to: place.followed.change, columns: place.columns, standing: place.standing,
            frontier: place.frontier.json)
        guard let since else { return (update, place.followed.sourceChannel) }
        guard place.keeps(since),
            let found = try changes(place, since: since, limit: maxRows / 4, maxRows: maxRows, catalog.connection, until: deadline)
        else {
            update.isReset = true
            return (update, place.followed.sourceChannel)
        }
        (update.rows, update.to, update.hasMore) = (found.rows, found.to, found.hasMore)
        update.closed = closed(found.rows, place)
        return (update, place.followed.sourceChannel)
    }

    /// The windows of rows that are closed. Sessions have none of their own: each row says it of itself.
    private func closed(_ rows: [FollowedRow], _ place: Place) -> [ClosedWindow] {
        guard let length = place.version.plan.window?.kind.longest,
            let index = place.view.columns.firstIndex(where: { $0.name == place.view.timeColumn && $0.role == .window }),
            place.version.plan.outputs.contains(where: { $0.name == place.view.timeColumn && $0.value == .window }),
            let flag = place.view.columns.lastIndex(where: { $0.name == "is_closed" })
        else { return [] }
        var windows: Set<ClosedWindow> = []
        for row in rows where row.operation == .upsert && row.values[flag] == "t" {
            guard let text = row.values[index], let start = FollowedTime.microseconds(text, place.view.columns[index].encoded.kind) else {
                continue
            }
            windows.insert(ClosedWindow(start: place.columns.text(text, index), latestEnd: start + length))
        }
        return windows.sorted { $0.latestEnd < $1.latestEnd }
    }
}

extension Plan.Window.Kind {
    /// From a window's start to its end at most, in microseconds: days of a clock that is put back have more hours. Nil for sessions.
    fileprivate var longest: Int64? {
        switch self {
        case .tumbling(let size, _), .hopping(_, let size, _): return size
        case .session: return nil
        case .calendar(let unit, _): return unit.longest
        }
    }
}

/// PostgreSQL's texts of times, as numbers that can be compared.
enum FollowedTime {
    /// Nil for years before Christ and beyond 9999, and what is no time.
    static func microseconds(_ text: String, _ kind: ValueKind) -> Int64? {
        if text == "infinity" { return .max }
        if text == "-infinity" { return .min }
        var text = text
        return text.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            return switch kind {
            case .timestamptz, .timestamp: PostgresTime.microseconds(bytes)
            case .date: PostgresTime.day(bytes).map { $0 * 86_400_000_000 }
            default: nil
            }
        }
    }

    /// Where a row's time stands among those that have a number: one before Christ before all of them, one beyond 9999 behind.
    static func place(_ text: String, _ kind: ValueKind) -> Int64 {
        microseconds(text, kind) ?? (text.hasSuffix("BC") ? .min + 1 : .max - 1)
    }
}
