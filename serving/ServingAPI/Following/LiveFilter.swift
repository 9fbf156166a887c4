import Catalog
import ParallaxCore
import Postgres
import ViewLanguage

/// Which rows and columns of a view a client wants, decided over rows that all clients share.
///
///     a row           fits the conditions    what the client gets
///     upsert          yes                    the row
///     upsert          no, and never did      nothing: the conditions ask what belongs to its key
///     upsert          no                     a delete: it may have the row as it was
///     delete          -                      the delete: whoever has no such row leaves it be
struct LiveFilter: Sendable {
    private enum Condition: Sendable {
        case among(Int, Set<String>, orNull: Bool)
        case from(Int, Int64)
        case to(Int, Int64)
    }

    /// Numbers of the view's columns; nil: all.
    let chosen: [Int]?
    private var conditions: [Condition] = []
    private var isOfTheKey = true
    private let kinds: [ValueKind]
    /// Of the view as it was when the filter was made.
    let columns: RowColumns

    /// Has PostgreSQL read the values: the texts of equal values are equal then.
    init(_ query: RowsQuery, _ view: ServedView, isAllColumns: Bool, _ connection: Connection, until deadline: ContinuousClock.Instant)
        throws
    {
        chosen = isAllColumns ? nil : query.columns.compactMap { view.columns.firstIndex(of: $0) }
        columns = RowColumns(view.columns.map(\.encoded))
        kinds = columns.kinds
        for condition in query.conditions {
            switch condition {
            case .among(let column, let values, let orNull):
                let index = try place(column, view)
                conditions.append(.among(index, Set(try Self.read(values, column, connection, until: deadline)), orNull: orNull))
            case .from(let column, let value):
                conditions.append(.from(try place(column, view), try Self.time(value, column, connection, until: deadline)))
            case .to(let column, let value):
                conditions.append(.to(try place(column, view), try Self.time(value, column, connection, until: deadline)))
            }
        }
    }

    private mutating func place(_ column: ServedView.Column, _ view: ServedView) throws(Problem) -> Int {
        guard let index = view.columns.firstIndex(of: column) else { throw Problem.noColumn(column.name, view) }
        isOfTheKey = isOfTheKey && view.isOfTheKey(column)
        return index
    }

    private static func time(
        _ value: String, _ column: ServedView.Column, _ connection: Connection, until deadline: ContinuousClock.Instant
    )
        throws -> Int64
    {
        let text = try read([value], column, connection, until: deadline).first
        guard let time = text.flatMap({ FollowedTime.microseconds($0, column.encoded.kind) }) else {
            throw Problem(
                .badRequest, "invalid_value", "a stream cannot compare \"\(column.name)\" with \"\(value.prefix(100))\"",
                hint: "years from 1 to 9999, or infinity")
        }
        return time
    }

    private static func read(
        _ values: [String], _ column: ServedView.Column, _ connection: Connection, until deadline: ContinuousClock.Instant
    ) throws -> [String] {
        let text =
            switch column.typeID {
            case TypeID.text, TypeID.varchar: "SELECT v FROM unnest($1::text[]) v"
            case TypeID.bool: "SELECT v::boolean::text::\"char\"::text FROM unnest($1::text[]) v"
            case TypeID.int8, TypeID.int2, TypeID.int4: "SELECT v::bigint::text FROM unnest($1::text[]) v"
            case TypeID.uuid: "SELECT v::uuid::text FROM unnest($1::text[]) v"
            case TypeID.date: "SELECT v::date::text FROM unnest($1::text[]) v"
            case TypeID.timestamp: "SELECT v::timestamp::text FROM unnest($1::text[]) v"
            case TypeID.timestamptz: "SELECT v::timestamptz::text FROM unnest($1::text[]) v"
            default:
                throw Problem(
                    .badRequest, "invalid_request", "a stream cannot compare \"\(column.name)\": its type is \(column.type)",
                    detail: "Equal values of that type may have different texts.",
                    hint: "filter by text, boolean, whole numbers, uuid, dates and times, or pick the rows out of the stream")
            }
        return try connection.queryPrepared(text, [.texts(values)], until: deadline).texts(0)
    }

    /// Nil: nothing for this client.
    func operation(of row: FollowedRow) -> FollowedRow.Operation? {
        guard row.operation != .delete, !conditions.isEmpty else { return row.operation }
        if conditions.allSatisfy({ fits(row, $0) }) { return row.operation }
        return isOfTheKey ? nil : .delete
    }

    private func fits(_ row: FollowedRow, _ condition: Condition) -> Bool {
        switch condition {
        case .among(let index, let values, let orNull): row.values[index].map(values.contains) ?? orNull
        case .from(let index, let time): self.time(row, index).map { $0 >= time } ?? false
        case .to(let index, let time): self.time(row, index).map { $0 < time } ?? false
        }
    }

    private func time(_ row: FollowedRow, _ index: Int) -> Int64? {
        row.values[index].map { FollowedTime.place($0, kinds[index]) }
    }
}

extension ServedView {
    /// Whether all rows that ever have one key have one value here.
    fileprivate func isOfTheKey(_ column: Column) -> Bool {
        guard let plan = version?.plan, let output = plan.outputs.first(where: { $0.name == column.name }) else { return false }
        switch output.value {
        case .group(let index): return plan.groups[index].shownBy == nil
        // A session may begin earlier than it did.
        case .window, .windowEnd: return plan.window?.kind.sessionGap == nil
        case .measure, .finished: return false
        }
    }
}

extension Problem {
    static func changesNotKept(_ since: Int64, _ place: ChangesReader.Place) -> Problem {
        let (name, first, last) = (place.followed.name, place.followed.followedFrom, place.followed.change)
        let isKept = place.keeps(since)
        var problem = Problem(
            .gone, "changes_not_kept",
            isKept
                ? "too much has changed in view \"\(name)\" since \(since) for one answer"
                : "the changes of view \"\(name)\" since \(since) are not kept",
            detail: isKept ? nil : "It can be followed from the changes \(first) to \(last) on.",
            hint: "take a new snapshot: ask without since")
        problem.members = [("followed_from", .int(first)), ("change", .int(last))]
        return problem
    }
}
