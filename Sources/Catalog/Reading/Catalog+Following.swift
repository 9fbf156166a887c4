import ParallaxCore
import Postgres
import ViewLanguage

/// What a program needs to follow a view: where its changes are read from, and what announces them.
public struct FollowedView: Sendable, Hashable {
    public var name: String
    public var source: String
    /// Flushes that touched its rows, publications and reverts are announced here.
    public var channel: String
    /// Everything that happens to the source, also what moves its watermark alone.
    public var sourceChannel: String
    /// What the snapshot contains.
    public var change: Int64
    /// It cannot be followed from an earlier one.
    public var followedFrom: Int64
    public var changesName: String { ViewDefinition.changesName(of: name) }
}

/// Rows that have changed, all of one snapshot.
public struct ViewChanges: Sendable {
    /// Where to go on from.
    public var change: Int64
    /// The columns of `serving.<view>_changes`: the number, the operation and the key come first.
    public var rows: QueryResult
    /// What was asked from is not kept: the rows are those of the whole view.
    public var isReset = false
}

extension Catalog {
    public func followedView(_ name: String, until deadline: ContinuousClock.Instant? = nil) throws(ParallaxError) -> FollowedView {
        let row = try connection.queryPrepared(
            "SELECT view, source, channel, source_channel, change, followed_from FROM parallax.followed_view WHERE view = $1",
            [.text(name)], until: deadline
        ).rows.first
        guard let row else { throw try notFollowed(name) }
        return try FollowedView(
            name: row.text(0), source: row.text(1), channel: row.text(2), sourceChannel: row.text(3), change: row.int(4),
            followedFrom: row.int(5))
    }

    /// What has changed since a change; nil: all rows of the view, without a number. One snapshot, in a transaction of its own.
    ///
    /// - Parameter following: what comes instead where the change is not kept: all rows, or an error with the state PLX01.
    public func changes(of view: String, since change: Int64?, orAllRows following: Bool) throws(ParallaxError) -> ViewChanges {
        try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { () throws(ParallaxError) in
            let followed = try followedView(view)
            let relation = "serving.\(Connection.quoteIdentifier(followed.changesName))"
            guard let change, !following || (followed.followedFrom...max(followed.followedFrom, followed.change)).contains(change) else {
                return ViewChanges(
                    change: followed.change, rows: try connection.query("SELECT * FROM \(relation) WHERE change IS NULL"),
                    isReset: change != nil)
            }
            if !following { _ = try connection.query("SELECT parallax.can_follow($1, $2)", [.text(view), .int(change)]) }
            let number = try firstColumn(of: relation)
            return ViewChanges(
                change: followed.change,
                rows: try connection.query(
                    "SELECT * FROM \(relation) WHERE \(Connection.quoteIdentifier(number)) > $1 ORDER BY 1, 3", [.int(change)]))
        }
    }

    /// The number's name: a view that has a column of that name keeps it.
    private func firstColumn(of relation: String) throws(ParallaxError) -> String {
        let found = try connection.query(
            "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass($1) AND attnum = 1", [.text(relation)])
        // Made anew since the snapshot was taken: the relation itself says what that means.
        guard let row = found.rows.first else { return try connection.query("SELECT * FROM \(relation) LIMIT 0").columns[0] }
        return try row.text(0)
    }

    private func notFollowed(_ name: String) throws(ParallaxError) -> ParallaxError {
        if let reads = try viewsRead(by: name) {
            return ParallaxError(
                .usage, "\"\(name)\" is a view on top of others: it has no changes of its own",
                detail: reads.isEmpty ? nil : "it reads \(reads.map { "\"\($0)\"" }.joined(separator: ", "))",
                hint: reads.first.map { "follow what it reads, and ask it again when that changes: parallax tail \($0)" })
        }
        let rows = try connection.query("SELECT name, active_version_id IS NOT NULL FROM parallax.view ORDER BY name").rows
        if rows.contains(where: { $0[0] == name }) {
            return ParallaxError(.missing, "view \"\(name)\" is not served yet", hint: "its first batch run serves it: parallax batch run")
        }
        return ParallaxError(
            .usage, "there is no view \"\(name)\"",
            hint: nameHint(for: name, among: rows.compactMap { $0[0] }, listedAs: "the views are"))
    }

    /// The merged views that one of the pipeline's own views reads, over any number of levels; nil where it is none.
    private func viewsRead(by name: String) throws(ParallaxError) -> [String]? {
        guard try !connection.query("SELECT FROM parallax.overlay WHERE name = $1", [.text(name)]).rows.isEmpty else { return nil }
        return try connection.query(
            """
            WITH RECURSIVE read AS (
                SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = 'serving'::regnamespace AND c.relname = $1
                UNION
                SELECT d.refobjid FROM read JOIN pg_catalog.pg_rewrite r ON r.ev_class = read.oid
                JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass)
            SELECT w.name FROM parallax.view w JOIN pg_catalog.pg_class c ON c.relname = w.name AND c.relnamespace = 'serving'::regnamespace
            JOIN read ON read.oid = c.oid ORDER BY w.name
            """, [.text(name)]
        ).texts(0)
    }
}
