import Glibc
import ParallaxCore
import Postgres
import PrivatePostgres
import Synchronization

/// A PostgreSQL server of this test process's own: started at the first call, shared by all its suites, gone with the process.
///
/// A small shell script in a session of its own owns the server. Its standard input is a pipe whose other end only this process holds:
/// however this process ends (also by kill -9), the script reads the end of the file, stops the server and removes the folder.
public final class TestCluster: Sendable {
    public static let shared = TestCluster()

    private let state = Mutex(State())
    private struct State {
        var started: Result<Running, ParallaxError>?
        var databases = 0
    }
    private struct Running {
        var folder: String
        /// Held open until the process ends; never read.
        var lifeline: Int32
    }

    /// A new, empty database (encoding UTF-8, locale C) whose owner is a superuser. Drop it with `drop`, or leave it to the end of the run.
    public func freshDatabase() throws(ParallaxError) -> String {
        let (folder, name) = try state.withLock { state throws(ParallaxError) in
            if state.started == nil {
                state.started = Result { () throws(ParallaxError) in try Self.start() }
            }
            guard let running = try state.started?.get() else { preconditionFailure("just started") }
            state.databases += 1
            return (running.folder, "test_\(state.databases)")
        }
        let connection = try Connection(Self.dsn(folder, "postgres"))
        try connection.execute("CREATE DATABASE \(Connection.quoteIdentifier(name)) TEMPLATE template0")
        return Self.dsn(folder, name)
    }

    /// Drops a database that `freshDatabase` made, with whoever is still connected to it.
    public func drop(_ dsn: String) throws(ParallaxError) {
        let folder = try state.withLock { state throws(ParallaxError) in try state.started?.get().folder }
        guard let folder, let match = dsn.firstMatch(of: /dbname=(test_\d+)/) else { return }
        let connection = try Connection(Self.dsn(folder, "postgres"))
        try connection.execute("DROP DATABASE IF EXISTS \(Connection.quoteIdentifier(String(match.1))) WITH (FORCE)")
    }

    /// `freshDatabase` for the length of the body.
    public func withFreshDatabase<R>(_ body: (String) throws -> R) throws -> R {
        let dsn = try freshDatabase()
        defer { try? drop(dsn) }
        return try body(dsn)
    }

    private static func dsn(_ folder: String, _ database: String) -> String {
        "host=\(folder) port=5432 user=parallax dbname=\(database) connect_timeout=30"
    }

    private static func start() throws(ParallaxError) -> Running {
        let programs = try ServerPrograms.find()
        let user = try ServerUser.current()
        var template = Array("/tmp/parallax-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw ParallaxError(.disk, "cannot make a folder in /tmp: \(String(cString: strerror(errno)))")
        }
        let folder = String(cString: made)
        chown(folder, user.uid, user.gid)
        let pipe = try makePipe()
        var shell = try user.running(
            "/bin/sh", ["-c", script, "parallax-test-cluster", programs.folder, folder, ServerTemplates.folder ?? ""],
            environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": folder])
        shell.input = pipe.read
        shell.outputFile = nil
        let process = try shell.start()
        close(pipe.read)
        try waitUntilReady(folder, process)
        return Running(folder: folder, lifeline: pipe.write)
    }

    /// $1: PostgreSQL's programs, $2: the folder, $3: where the processes of a run share what initdb makes, or nothing.
    private static let script = """
        trap '' HUP INT TERM
        cd "$2" || exit 1
        exec >"$2/log" 2>&1
        make() { "$1/initdb" --locale=C --encoding=UTF8 -A trust -U parallax --no-sync -D "$2"; }
        share() {
            exec 9>"$3/cluster.lock" && flock 9 || return 1
            test -d "$3/cluster" || { make "$1" "$3/cluster.new" && mv "$3/cluster.new" "$3/cluster"; } || return 1
            exec 9>&-
            cp -a "$3/cluster" "$2/data"
        }
        if test -n "$3"; then share "$@"; else make "$1" "$2/data"; fi || { touch "$2/failed"; exit 1; }
        "$1/postgres" -D "$2/data" -c listen_addresses= -c unix_socket_directories="$2" -c fsync=off -c full_page_writes=off \
            -c shared_buffers=64MB -c max_connections=200 -c jit=off -c autovacuum_naptime=10s -c max_wal_size=1GB &
        server=$!
        cat >/dev/null <&0
        kill -QUIT "$server"
        wait "$server"
        rm -rf "$2"
        """

    private static func waitUntilReady(_ folder: String, _ process: pid_t) throws(ParallaxError) {
        let deadline = ContinuousClock.now + .seconds(60)
        var last: ParallaxError?
        while ContinuousClock.now < deadline && access("\(folder)/failed", F_OK) != 0 {
            do {
                _ = try Connection(dsn(folder, "postgres"))
                return
            } catch {
                last = error
            }
            poll(nil, 0, 20)
        }
        throw ParallaxError(
            .unavailable, "the test server in \(folder) did not start; see its file log", detail: last?.description, isRetriable: false)
    }
}
