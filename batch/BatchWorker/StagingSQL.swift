import Catalog
import Columns
import MergeLaw
import ViewLanguage

/// Which rows of a state table a run adds and closes, as SQL. Nothing that a user wrote enters these texts: columns have generated names.
///
///     visible(base) − closed + added = visible(run)
///
/// A row whose exact states are what the run found stays as it is (and keeps its sketch, which holds the same values).
struct StagingSQL {
    let tables: StateTables
    /// Temporary tables of one transaction.
    let staged: String
    let touched: String
    let change: String
    /// What `staged` and the base's rows are together, where the base's are added to.
    let together: String
    /// Temporary tables for a view of sessions: the sessions of the new events alone, and those that they reach. They live as long as the connection,
    /// over several transactions.
    let newSessions: String
    let reached: String
    let base: Int64
    let run: Int64

    init(_ view: RunView, base: Int64, run: Int64) {
        tables = view.tables
        staged = "pg_temp.staged_\(view.version.id)"
        touched = "pg_temp.touched_\(view.version.id)"
        change = "pg_temp.change_\(view.version.id)"
        together = "pg_temp.together_\(view.version.id)"
        newSessions = "pg_temp.new_sessions_\(view.version.id)"
        reached = "pg_temp.reached_\(view.version.id)"
        self.base = base
        self.run = run
    }

    private var columns: String { tables.batch.columns.map(\.name).joined(separator: ", ") }

    /// Straight into the table: for a version of which the base has no row.
    var copyIntoTable: String { "COPY \(tables.batchTable) (from_run, \(columns)) FROM STDIN" }

    var createStaged: String {
        "CREATE TEMPORARY TABLE \(Self.local(staged)) (\(tables.batch.columnDefinitions)) ON COMMIT DROP"
    }
    var copyIntoStaged: String { "COPY \(staged) (\(columns)) FROM STDIN" }

    /// Window starts as days and microseconds since 1970: PostgreSQL multiplies intervals in doubles, which hold neither factor's product
    /// beyond the year 2255 exactly, but both factors.
    var createTouched: String {
        "CREATE TEMPORARY TABLE \(Self.local(touched)) (days integer NOT NULL, microseconds bigint NOT NULL) ON COMMIT DROP"
    }
    var copyIntoTouched: String { "COPY \(touched) (days, microseconds) FROM STDIN" }
    private var touchedWindows: String {
        "SELECT 'epoch'::timestamptz + days * interval '1 day' + microseconds * interval '1 microsecond' FROM \(touched)"
    }

    /// Which of the base's rows a run has computed anew; all others stay as they are.
    enum Computed {
        case all
        /// Those of the touched windows.
        case windows
        /// Those within the sessions that new events reach.
        case sessions
        /// Those that have a row in `together`.
        case added
    }

    /// Pairs of row addresses: `old` is to be closed, `new` to be added; a changed row has both.
    func createChange(_ computed: Computed) -> String {
        let isAdded = computed == .added
        let restriction =
            switch computed {
            case .all, .added: ""
            case .windows: " AND window_start IN (\(touchedWindows))"
            case .sessions: " AND \(isReached("b"))"
            }
        let differs = (["b.tid IS NULL", "s.tid IS NULL"] + tables.batch.states.compactMap { StateSQL.differs($0, plan: tables.plan) })
            .joined(separator: " OR ")
        return """
            CREATE TEMPORARY TABLE \(Self.local(change)) ON COMMIT DROP AS
            SELECT b.tid AS old, s.tid AS new
            FROM (SELECT ctid AS tid, \(columns) FROM \(tables.batchTable) b WHERE \(isVisible)\(restriction)) b
            \(isAdded ? "RIGHT" : "FULL") JOIN (SELECT ctid AS tid, \(isAdded ? "base_row, " : "")\(columns) FROM \(source(computed))) s \
            ON \(isAdded ? "b.tid = s.base_row" : KeyMatch.condition(tables, "b", "s"))
            WHERE \(differs)
            """
    }

    private func source(_ computed: Computed) -> String { computed == .added ? together : staged }
    private var isVisible: String { "from_run <= \(base) AND until_run > \(base)" }

    var countChange: String { "SELECT count(new), count(old) FROM \(change)" }

    var close: String {
        "UPDATE \(tables.batchTable) b SET until_run = \(run) FROM \(change) c WHERE b.ctid = c.old"
    }

    /// In key order, so that rows that are read together lie together.
    func add(_ computed: Computed) -> String {
        let keys = tables.batch.keys.map { "s.\($0.name)" }
        return """
            INSERT INTO \(tables.batchTable) (from_run, \(columns))
            SELECT \(run), \(tables.batch.columns.map { "s.\($0.name)" }.joined(separator: ", "))
            FROM \(source(computed)) s JOIN \(change) c ON s.ctid = c.new\(keys.isEmpty ? "" : " ORDER BY " + keys.joined(separator: ", "))
            """
    }

    /// together(group) = base(group) + staged(group), for the groups that are staged; with the address of the base's row, which `createChange` needs
    var createTogether: String {
        let keys = tables.batch.keys.map { "s.\($0.name)" }
        let states = tables.batch.states.map { column in
            "CASE WHEN b.tid IS NULL THEN s.\(column.name) ELSE \(StateSQL.added(column, plan: tables.plan, to: "b", "s")) END AS \(column.name)"
        }
        return """
            CREATE TEMPORARY TABLE \(Self.local(together)) ON COMMIT DROP AS
            SELECT \((["b.tid AS base_row"] + keys + states).joined(separator: ",\n       "))
            FROM \(staged) s LEFT JOIN (SELECT ctid AS tid, \(columns) FROM \(tables.batchTable) WHERE \(isVisible)) b
            ON \(KeyMatch.condition(tables, "b", "s"))
            """
    }

    func createNewSessions(_ layout: StateLayout) -> [String] {
        [
            "DROP TABLE IF EXISTS \(newSessions), \(reached)",
            "CREATE TEMPORARY TABLE \(Self.local(newSessions)) (\(layout.columnDefinitions))",
        ]
    }
    func copyIntoNewSessions(_ layout: StateLayout) -> String {
        "COPY \(newSessions) (\(layout.columns.map(\.name).joined(separator: ", "))) FROM STDIN"
    }
    func createReached(gap: Int64) -> String {
        "CREATE TEMPORARY TABLE \(Self.local(reached)) AS "
            + SessionSQL.reached(tables, gap: gap, by: newSessions, visible: "b.from_run <= \(base) AND b.until_run > \(base)")
    }
    var reachedTimes: String { "SELECT \(Catalog.micros("window_start")), \(Catalog.micros("session_last")) FROM \(reached)" }
    /// Events of other sessions lie in the same times: what they make is a part of a session, or of one that no new event reaches.
    var dropUnreached: String { "DELETE FROM \(staged) s WHERE NOT \(isReached("s"))" }
    var dropNewSessions: String { "DROP TABLE IF EXISTS \(newSessions), \(reached)" }

    private func isReached(_ row: String) -> String {
        """
        EXISTS (SELECT FROM \(reached) r WHERE \(KeyMatch.groups(tables, "r", row)) \
        AND \(row).window_start >= r.window_start AND \(row).session_last <= r.session_last)
        """
    }

    /// Rows that the base sees and whose windows have left the view. `condition` is over `b`.
    func closeExpired(_ condition: String) -> String {
        """
        UPDATE \(tables.batchTable) b SET until_run = \(run)
        WHERE b.from_run <= \(base) AND b.until_run = \(StateTables.openRun) AND \(condition)
        """
    }

    /// Rows that were computed although their windows have left: an event may be in several, and the last of them stays.
    func dropExpired(from table: String, run: Int64?) -> (String) -> String {
        { condition in "DELETE FROM \(table) b WHERE \(run.map { "b.from_run = \($0) AND " } ?? "")\(condition)" }
    }

    var dropTemporary: String { "DROP TABLE IF EXISTS \(staged), \(touched), \(change), \(together)" }

    private static func local(_ name: String) -> String { String(name.dropFirst("pg_temp.".count)) }
}
