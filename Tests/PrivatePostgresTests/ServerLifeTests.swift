import Disk
import Foundation
import ParallaxCore
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import PrivatePostgres

/// Starting, sharing and stopping, each on a real server of its own.
@Suite(.serialized) struct ServerLifeTests {
    @Test func itStartsServesAndStopsWithItsLastUser() throws {
        try TemporaryFolder.with { folder in
            let path = folder.path(".parallax/postgres")
            let first = PrivatePostgres(folder: path)
            let second = PrivatePostgres(folder: path)
            #expect(!first.isRunning)
            #expect(try #require(throws: ParallaxError.self) { try first.dsn() }.code == .missing)
            #expect(try first.stopIfUnused())

            let dsn = try first.acquire()
            #expect(try dsn == first.dsn() && first.isRunning)
            do {
                let connection = try Connection(dsn)
                let row = try connection.query(
                    """
                    SELECT current_database(), current_user, current_setting('server_encoding'), current_setting('lc_collate'),
                      current_setting('listen_addresses'), current_setting('jit'), current_setting('fsync'), current_setting('max_wal_size')
                    """
                ).rows[0]
                #expect(row.values == ["parallax", "parallax", "UTF8", "C", "", "off", "on", "2GB"])
                try PrivatePostgres.checkServer(connection)
                try connection.execute("CREATE TABLE t AS SELECT 1 AS a")
            }

            #expect(try second.acquire() == dsn)
            try first.release()
            #expect(second.isRunning)
            try second.acquire()
            try second.release()
            #expect(second.isRunning)
            try second.release()
            #expect(!second.isRunning)
            try second.release()

            #expect(try Connection(second.acquire()).query("SELECT a FROM t").rows[0].int(0) == 1)
            try second.release()
            #expect(!first.isRunning)
        }
    }

    /// U1 for people: whoever looks with psql keeps the server.
    @Test func aConnectedClientKeepsItRunningUntilItGoes() throws {
        try TemporaryFolder.with { folder in
            let server = PrivatePostgres(folder: folder.path("p"))
            let visitor = try Connection(server.acquire(), applicationName: "visitor")
            try server.release()
            #expect(server.isRunning)
            let error = try #require(throws: ParallaxError.self) { try server.stop(force: false) }
            #expect(error.code == .busy && error.detail?.contains("visitor (process \(visitor.serverProcess))") == true)
            #expect(try !server.stopIfUnused())
            #expect(try visitor.query("SELECT 1").rows.count == 1)
            try server.stop(force: true)
            #expect(!server.isRunning)
            #expect(throws: ParallaxError.self) { try visitor.query("SELECT 1") }
            try server.stop(force: true)
        }
    }

    /// A user that is killed holds its lock no longer; one that lives does.
    @Test func theLockOfAKilledProcessVanishes() throws {
        try TemporaryFolder.with { folder in
            let server = PrivatePostgres(folder: folder.path("p"))
            try server.acquire()
            let output = folder.path("held")
            let other = try ChildProgram("/usr/bin/flock", ["-s", server.folder + ".users", "sh", "-c", "touch \(output); exec sleep 600"])
                .start()
            try waitUntil("the other process holds its lock") { exists(output) }
            try server.release()
            #expect(server.isRunning)
            #expect(try #require(throws: ParallaxError.self) { try server.stop(force: false) }.detail?.contains("parallax") == true)
            kill(-other, SIGKILL)
            ChildProgram.waitForExit(other)
            try waitUntil("its lock is gone") { try server.stopIfUnused() }
            #expect(!server.isRunning)
        }
    }

    @Test func manyAtOnceStartOneServer() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("p")
        let processes = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    try await onOwnThread(name: "acquire") {
                        let server = PrivatePostgres(folder: path)
                        let dsn = try server.acquire()
                        let started = try Connection(dsn).query("SELECT pg_postmaster_start_time()").rows[0][0]
                        // Only then does anybody let go: while all hold it there is one server.
                        try waitUntil("all six have it") {
                            try Connection(dsn).query("SELECT pg_try_advisory_lock(1)").rows.count == 1
                                && FileManager.default.createFile(atPath: "\(path).\(ObjectIdentifier(server).hashValue)", contents: nil)
                                && entries(of: folder.path).count { $0.hasPrefix("p.") && $0 != "p.lock" && $0 != "p.users" } == 6
                        }
                        try server.release()
                        return started
                    }
                }
            }
            return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        #expect(processes.count == 1)
        #expect(!PrivatePostgres(folder: path).isRunning)
    }

    @Test func itOutlivesCtrlCAndItsStarterAndInheritsNothing() throws {
        try TemporaryFolder.with { folder in
            let server = PrivatePostgres(folder: folder.path("p"))
            try server.acquire()
            let at = try #require(try ServerFolder.existing(server.folder))
            let process = try #require(ServerProcess.running(in: at)).process
            #expect(getsid(process) != getsid(0) && getpgid(process) != getpgrp())
            let files = entries(of: "/proc/\(process)/fd").compactMap { Disk.linkTarget("/proc/\(process)/fd/\($0)") }
            #expect(!files.contains { $0.hasSuffix(".lock") || $0.hasSuffix(".users") })
            try server.release()
        }
    }

    @Test(arguments: [1, 2])
    func afterKill9ItStartsAgainWithWhatWasCommitted(_ round: Int) throws {
        try TemporaryFolder.with { folder in
            let server = PrivatePostgres(folder: folder.path("p"))
            let connection = try Connection(server.acquire())
            try connection.execute("CREATE TABLE t AS SELECT 7 AS a")
            let at = try #require(try ServerFolder.existing(server.folder))
            let process = try #require(ServerProcess.running(in: at)).process
            kill(process, SIGKILL)
            try waitUntil("the server is gone") { !ServerProcess.isAlive(process) }
            #expect(!server.isRunning)
            if round == 2 {
                // Its number now belongs to somebody else: us.
                let file = "\(at.data)/postmaster.pid"
                let rest = try #require(readFile(file)).drop { $0 != "\n" }
                try writeFile(file, "\(getpid())\(rest)", owner: at.user)
                #expect(!server.isRunning)
            }
            #expect(try Connection(server.acquire()).query("SELECT a FROM t").rows[0].int(0) == 7)
            try server.release()
            #expect(server.isRunning)
            try server.release()
            #expect(!server.isRunning)
        }
    }

    /// A backend that computes does not look whether its server is still there, and holds the shared memory.
    @Test func aBusyBackendOfAKilledServerIsEnded() throws {
        let folder = try TemporaryFolder()
        let lines = Mutex<[String]>([])
        let server = PrivatePostgres(folder: folder.path("p"), log: { line in lines.withLock { $0.append(line) } })
        let dsn = try server.acquire()
        let computing = OwnThread {
            let rows = try? Connection(dsn, applicationName: "computing").query(
                "SELECT max(n) FROM (SELECT generate_series(1, 1000000000000) AS n) AS s")
            return rows != nil
        }
        let watcher = try Connection(dsn)
        try waitUntil("it computes") {
            !(try watcher.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'computing' AND state = 'active'").rows.isEmpty)
        }
        let at = try #require(try ServerFolder.existing(server.folder))
        let process = try #require(ServerProcess.running(in: at)).process
        kill(process, SIGKILL)
        try waitUntil("the server is gone") { !ServerProcess.isAlive(process) }
        #expect(try Connection(server.acquire()).query("SELECT 1").rows.count == 1)
        #expect(lines.withLock { $0 }.count == 1)
        #expect(try !computing.join())
        try server.release()
        try server.release()
        #expect(!server.isRunning)
    }
}

/// Throws after 60 seconds.
func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try !condition() {
        guard ContinuousClock.now < deadline else { throw ParallaxError(.unavailable, "waited in vain until \(what)") }
        pause(milliseconds: 5)
    }
}
