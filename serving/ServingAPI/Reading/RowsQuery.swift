import Catalog
import ParallaxCore
import Postgres
import ServingViews

/// What a request for rows asks, checked against the view: pure, so that what becomes SQL can be read in one place.
///
/// Names in the SQL are those of the view's own columns, quoted; values are parameters.
struct RowsQuery: Sendable {
    struct Order: Sendable, Hashable {
        var column: ServedView.Column
        var isDescending: Bool
    }

    var columns: [ServedView.Column]
    var conditions: [Condition] = []
    var order: [Order]
    /// Rows of a page; nil: all.
    var limit: Int?
    var layer = ServedLayer.merged
    var asOfRun: RunNumber?
    /// The order names every row's place: a page can begin behind a row.
    var isKeyed: Bool
    /// Where the rows come from, if they are not the view's own.
    var rollUp: RollUp.Statement?

    enum Condition: Sendable, Hashable {
        /// At or after, before.
        case from(ServedView.Column, String)
        case to(ServedView.Column, String)
        /// One of these, and null where `orNull`.
        case among(ServedView.Column, [String], orNull: Bool)
    }

    /// The names of the parameters that `init` reads, for the route.
    static let parameters: [Route.Parameter] = [
        .init(name: "columns", words: "The columns to return, with commas between them. All without it."),
        .init(name: "from", schema: .dateTime, words: "Rows whose window begins at or after it; the start of the range."),
        .init(
            name: "to", schema: .dateTime, words: "Rows whose window begins before it; the end of the range, which does not belong to it."),
        .init(name: "filter.{column}", isRepeated: true, words: "Rows whose column has this value; several: one of them."),
        .init(
            name: "null", isRepeated: true, words: "Rows whose column is null; beside `filter.` of the same column: or one of those values."
        ),
        .init(
            name: "order",
            words:
                "Columns to sort by, with commas between them; a `-` before a name: the largest first. Nulls come last. Without it: by window and groups."
        ),
        .init(name: "limit", schema: .whole(1...Int64(APILimits().rowsAtOnce)), words: "Rows of a page."),
        .init(
            name: "layer", schema: .choice(ServedLayer.allCases.map(\.rawValue)),
            words: "merged (what readers of serving.<view> see), batch (published rows alone) or speed (live rows alone)."),
        .init(
            name: "as_of_run", schema: .whole(1...Int64.max),
            words: "The rows of an earlier publication, with what is live since; one that is not kept any more is an error."),
    ]

    init(_ request: APIRequest, _ view: ServedView, defaultLimit: Int?, maxLimit: Int, maxFilterValues: Int) throws(Problem) {
        func column(_ name: String) throws(Problem) -> ServedView.Column {
            guard let column = view.column(name) else { throw Problem.noColumn(name, view) }
            return column
        }

        if let names = request.value("columns") {
            columns = []
            for name in names.split(separator: ",", omittingEmptySubsequences: false) {
                let found = try column(String(name.trimmed))
                guard !columns.contains(found) else {
                    throw Problem(.badRequest, "invalid_value", "the column \"\(found.name)\" stands twice in \"columns\"")
                }
                columns.append(found)
            }
        } else {
            columns = view.columns
        }

        for name in ["from", "to"] {
            guard let text = request.value(name) else { continue }
            guard let time = view.timeColumn.flatMap(view.column) else {
                throw Problem(
                    .badRequest, "invalid_request", "view \"\(view.name)\" has no window to ask \"\(name)\" of",
                    hint: "filter.<column>=… compares other columns")
            }
            let value = Self.time(text)
            conditions.append(name == "from" ? .from(time, value) : .to(time, value))
        }

        for filter in try Self.filters(request, maxValues: maxFilterValues) {
            conditions.append(.among(try column(filter.column), filter.values, orNull: filter.orNull))
        }

        order = []
        for (name, isDescending) in Self.order(request) {
            let found = try column(name)
            if !order.contains(where: { $0.column == found }) { order.append(Order(column: found, isDescending: isDescending)) }
        }
        isKeyed = view.key != nil
        for name in view.key ?? view.columns.map(\.name) {
            guard let found = view.column(name), !order.contains(where: { $0.column == found }), found.isSortable else { continue }
            order.append(Order(column: found, isDescending: false))
        }

        limit = try request.integer("limit", in: 1...Int64(maxLimit)).map { Int($0) } ?? defaultLimit
        layer = try request.choice("layer") ?? .merged
        asOfRun = try request.integer("as_of_run", in: 1...Int64.max).map { RunNumber($0) }
        if view.version == nil, layer != .merged || asOfRun != nil {
            throw Problem(
                .badRequest, "invalid_request", "\"\(view.name)\" is a view on top: it has no layers and no publications of its own",
                hint: "ask the views that it reads: " + view.reads.joined(separator: ", "))
        }
    }

    /// `filter.<column>` and `null`, a column once.
    static func filters(_ request: APIRequest, maxValues: Int) throws(Problem) -> [(column: String, values: [String], orNull: Bool)] {
        var values: [String: [String]] = [:]
        var names: [String] = []
        for (parameter, value) in request.query where parameter.hasPrefix("filter.") {
            let name = String(parameter.dropFirst("filter.".count))
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(value)
        }
        let nulls = request.values("null")
        var filters: [(column: String, values: [String], orNull: Bool)] = []
        for name in names + nulls where !filters.contains(where: { $0.column == name }) {
            let wanted = values[name] ?? []
            guard wanted.count <= maxValues else {
                throw Problem(.badRequest, "too_large", "filter.\(name) has \(wanted.count) values", hint: "at most \(maxValues)")
            }
            filters.append((name, wanted, nulls.contains(name)))
        }
        return filters
    }

    static func order(_ request: APIRequest) -> [(name: String, isDescending: Bool)] {
        (request.value("order") ?? "").split(separator: ",").map { part in
            let text = part.trimmed
            return text.hasPrefix("-") ? (String(text.dropFirst()), true) : (String(text), false)
        }
    }

    /// A `+` that nobody escaped has become a space: `2026-01-01T00:00:00 02:00`.
    static func time(_ text: String) -> String {
        guard let space = text.lastIndex(of: " "), text.contains("T"),
            text[text.index(after: space)...].allSatisfy({ $0.isNumber || $0 == ":" })
        else {
            return text
        }
        return text.replacingCharacters(at: space, with: "+")
    }

    /// Who asks the same with other pages asks the same.
    var fingerprint: String {
        let parts =
            columns.map(\.name) + conditions.map { "\($0)" } + order.map { ($0.isDescending ? "-" : "+") + $0.column.name } + [
                layer.rawValue
            ] + (rollUp.map { [$0.text] + $0.parameters.map { "\($0)" } } ?? [])
        return StableHash.text(of: parts)
    }

    /// Columns that a cursor needs and that nobody asked for.
    private var keyColumns: [ServedView.Column] {
        isKeyed ? order.map(\.column).filter { key in !columns.contains { $0.name == key.name } } : []
    }

    /// What a row holds: what goes out, and behind it what a cursor needs.
    var selected: [ServedView.Column] { columns + keyColumns }

    /// Where in a row of the answer the values of a cursor stand.
    var keyPlaces: [Int] {
        let names = selected.map(\.name)
        return isKeyed ? order.compactMap { names.firstIndex(of: $0.column.name) } : []
    }

    /// - Parameters:
    ///   - relation: what stands in FROM.
    ///   - page: where it begins.
    ///   - isLimited: with a row more than the limit, which tells whether there are more.
    func sql(from relation: String, after page: PageCursor?) -> (text: String, parameters: [Parameter]) {
        var parameters = rollUp?.parameters ?? []
        func place(_ value: Parameter) -> String {
            parameters.append(value)
            return "$\(parameters.count)"
        }
        func name(_ column: ServedView.Column) -> String { "v.\(Connection.quoteIdentifier(column.name))" }

        var terms = conditions.map { condition -> String in
            switch condition {
            case .from(let column, let value): "\(name(column)) >= \(place(.text(value)))"
            case .to(let column, let value): "\(name(column)) < \(place(.text(value)))"
            case .among(let column, let values, let orNull):
                switch (values.count, orNull) {
                case (0, _): "\(name(column)) IS NULL"
                case (1, false): "\(name(column)) = \(place(.text(values[0])))"
                case (_, false): "\(name(column)) = ANY (\(place(.texts(values))))"
                case (_, true): "(\(name(column)) IS NULL OR \(name(column)) = ANY (\(place(.texts(values)))))"
                }
            }
        }
        if let page, isKeyed {
            // Behind a row, column by column: equal so far, and then further on. Nulls stand last, so nothing stands behind one.
            var equal: [String] = []
            var ways: [String] = []
            for (key, value) in zip(order, page.key) {
                let column = name(key.column)
                guard let value else {
                    equal.append("\(column) IS NULL")
                    continue
                }
                let last = place(.text(value))
                ways.append(
                    (equal + ["(\(column) \(key.isDescending ? "<" : ">") \(last) OR \(column) IS NULL)"]).joined(separator: " AND "))
                equal.append("\(column) = \(last)")
            }
            terms.append(ways.isEmpty ? "false" : "(" + ways.map { "(\($0))" }.joined(separator: " OR ") + ")")
        }
        // What a cursor needs of the last row and is not among the columns goes along behind them.
        var text = "SELECT \(selected.map(name).joined(separator: ", ")) FROM \(relation) v"
        if !terms.isEmpty { text += " WHERE " + terms.joined(separator: " AND ") }
        if !order.isEmpty {
            text += " ORDER BY " + order.map { name($0.column) + ($0.isDescending ? " DESC NULLS LAST" : "") }.joined(separator: ", ")
        }
        if let limit { text += " LIMIT \(place(.int(Int64(limit + 1))))" }
        if let page, !isKeyed { text += " OFFSET \(place(.int(page.offset)))" }
        return (text, parameters)
    }
}

extension ServedView.Column {
    /// Types without an order (json, xid, points) are left out of the order that nobody asked for.
    var isSortable: Bool { ![TypeID.json, 142, 600, 601, 602, 603, 604, 628, 718].contains(typeID) }
}

extension String {
    fileprivate func replacingCharacters(at index: Index, with text: String) -> String {
        self[..<index] + text + self[self.index(after: index)...]
    }
}
