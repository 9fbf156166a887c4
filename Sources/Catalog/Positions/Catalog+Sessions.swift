import ParallaxCore
import Postgres

/// Who lives, and what becomes of those who do not.
///
///     alive(owner)  ⇔  its session holds the advisory lock of its number, and now < alive_until
///
/// The lock vanishes with the session: after kill -9 or a lost machine nobody waits for the lease. `alive_until` runs out where the process stands still
/// (SIGSTOP, swapping, a network that is cut without a word), also in the midst of a transaction: it is moved on by a heartbeat that waits for nothing.
/// Both are readable for every role, other than pg_stat_activity, which hides the sessions of others.
///
/// I5 protects what is written: whoever takes over raises the epoch. A dead process whose transaction is open may hold locks nevertheless; who needs
/// them ends its session (`endDeadSessions`). A slow process lives, and is waited for.
extension Catalog {
    /// A set of the numbers of sessions that exist, for `owner_session::bigint IN (…)`: asked once a statement.
    static let sessionNumbers = """
        (SELECT l.objid::bigint FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 \
        AND l.classid = \(LockClass.session) \
        AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()))
        """

    /// Over a row of `partition_position` under the alias p.
    static let ownerLives = """
        (p.owner IS NOT NULL AND coalesce(p.owner_session::bigint IN \(sessionNumbers), false) \
        AND EXISTS (SELECT FROM parallax.worker w WHERE w.worker_id = p.owner AND w.alive_until > clock_timestamp()))
        """

    /// For SET in `partition_position`: nobody owns the partition.
    static let unowned = "owner = NULL, owner_session = NULL"

    /// The number of this connection's session; the first call takes one, and its lock.
    func sessionNumber() throws(ParallaxError) -> Int64 {
        if let held = connection.sessionNumber { return held }
        let number = try connection.query("SELECT nextval('parallax.session')").rows[0].int(0)
        try connection.execute("SELECT pg_advisory_lock(\(LockClass.session), \(number))")
        connection.sessionNumber = number
        return number
    }

    /// Enters this process, with this connection's session, as alive for as long as the lease; or says that it still is.
    public func registerWorker(_ worker: WorkerID, layer: String, host: String, pid: Int32, lease: Duration) throws(ParallaxError) {
        try connection.query(
            """
            INSERT INTO parallax.worker (worker_id, layer, host, pid, session, alive_until)
            VALUES ($1::uuid, $2, $3, $4, $5, clock_timestamp() + $6::double precision * interval '1 second')
            ON CONFLICT (worker_id) DO UPDATE
            SET layer = excluded.layer, host = excluded.host, pid = excluded.pid, session = excluded.session,
                alive_until = excluded.alive_until, heartbeat_at = clock_timestamp()
            """,
            [.text(worker.text), .text(layer), .text(host), .int(Int64(pid)), .int(try sessionNumber()), .double(lease.inSeconds)])
    }

    /// A sign of life, from any connection. Nothing happens where the worker is not entered.
    public func beat(_ worker: WorkerID, lease: Duration) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.worker SET heartbeat_at = clock_timestamp(),
                   alive_until = clock_timestamp() + $2::double precision * interval '1 second' WHERE worker_id = $1::uuid
            """, [.text(worker.text), .double(lease.inSeconds)])
    }

    /// Forgets the worker of a process that ends in order.
    public func forgetWorker(_ worker: WorkerID) throws(ParallaxError) {
        try connection.query("DELETE FROM parallax.worker WHERE worker_id = $1::uuid", [.text(worker.text)])
    }
}

/// A process that was taken for dead while its session held what others need.
public struct DeadSession: Sendable, Hashable {
    public var layer: String
    public var host: String
    public var pid: Int64
    public var backend: Int64
    /// Why its session could not be ended; nil: it was.
    public var refusal: ParallaxError?

    /// For people.
    public var text: String {
        let who = "the \(layer) process \(pid) on \(host) has not answered for longer than its lease"
        guard refusal != nil else { return "\(who): its session (process \(backend) of PostgreSQL) was ended" }
        return "\(who), holds what others need in its session (process \(backend) of PostgreSQL), and this role may not end that: "
            + "end either of the two processes, or GRANT pg_signal_backend to this role"
    }
}

extension Catalog {
    /// What a dead process must hold to be in somebody's way.
    public enum Hindrance: Sendable {
        /// A transaction that has written something.
        case writing
        /// Any lock.
        case anything
        /// The lock of the run of a source.
        case runOf(source: SourceID)
    }

    /// Ends the sessions of processes whose lease has run out and that hold something. Outside a transaction that one of them could hold up.
    ///
    /// Not those of the living, however slow; not those that hold nothing: they find out by themselves.
    @discardableResult
    public func endDeadSessions(holding hindrance: Hindrance) throws(ParallaxError) -> [DeadSession] {
        let what =
            switch hindrance {
            case .writing: "o.locktype = 'transactionid'"
            case .anything: "(o.locktype <> 'advisory' OR o.classid <> l.classid)"
            case .runOf(let source): "o.locktype = 'advisory' AND o.classid = \(LockClass.run) AND o.objid = \(source)"
            }
        let rows = try connection.query(
            """
            SELECT w.layer, w.host, w.pid, l.pid FROM parallax.worker w
            JOIN pg_catalog.pg_locks l ON l.objid::bigint = w.session::bigint
            WHERE w.alive_until < clock_timestamp() AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
              AND l.classid = \(LockClass.session) AND l.pid <> pg_backend_pid()
              AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
              AND EXISTS (SELECT FROM pg_catalog.pg_locks o WHERE o.pid = l.pid AND o.granted AND \(what))
            """
        ).rows
        var dead: [DeadSession] = []
        for row in rows {
            var session = try DeadSession(layer: row.text(0), host: row.text(1), pid: row.int(2), backend: row.int(3))
            do { try connection.query("SELECT pg_terminate_backend($1::integer)", [.int(session.backend)]) } catch {
                // 42501: the session is another role's.
                guard error.sqlState == SQLState.insufficientPrivilege else { throw error }
                session.refusal = error
            }
            dead.append(session)
        }
        return dead
    }
}
