import Disk
import Foundation
import ParallaxCore
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import PrivatePostgres

/// Where the server's files and its socket go, who owns them, and who gets in.
@Suite(.serialized) struct ServerPlaceTests {
    static let isRoot = geteuid() == 0

    @Test func aLongOrStrangePathGoesThroughAShortLink() throws {
        for name in [String(repeating: "long-folder-name/", count: 8) + "p", "with space, 'quotes' \"two\" $HOME \\ é/p"] {
            try TemporaryFolder.with { folder in
                let server = PrivatePostgres(folder: folder.path(name))
                let dsn = try server.acquire()
                let host = try #require(dsn.firstMatch(of: /host=(\S+)/)).1
                #expect(host.hasPrefix("/tmp/parallax-") && host.utf8.count < 60)
                #expect(try Connection(dsn).query("SELECT 1").rows.count == 1)
                // What cleans /tmp takes the link away; the next user puts it back.
                unlink(String(host))
                rmdir(Disk.parent(of: String(host)))
                #expect(try Connection(server.acquire()).query("SELECT 1").rows.count == 1)
                try server.release()
                try server.release()
                #expect(!server.isRunning && !exists(Disk.parent(of: String(host))))
            }
        }
    }

    @Test func aShortLinkFolderOfSomebodyElseIsNotUsed() throws {
        try TemporaryFolder.with { folder in
            let path = folder.path(String(repeating: "x", count: 120))
            let user = try ServerUser.current()
            let link = Disk.parent(of: SocketFolder(ServerFolder(path: path, user: user)).path)
            mkdir(link, 0o777)
            chmod(link, 0o777)
            defer { rmdir(link) }
            let error = try #require(throws: ParallaxError.self) { try PrivatePostgres(folder: path).acquire() }
            #expect(error.code == .configuration && error.message.contains(link))
        }
    }

    @Test func onlyItsUserAndRootGetIn() throws {
        try TemporaryFolder.with { folder in
            let server = PrivatePostgres(folder: folder.path("p"))
            try server.acquire()
            defer { try? server.release() }
            let at = try #require(try ServerFolder.existing(server.folder))
            let status = try #require(FileStatus(at.path, following: true))
            #expect(status.mode == 0o700 && status.owner == at.user.uid && at.user.uid != 0)
            // Even where the folder is open, the kernel tells the server who calls.
            guard Self.isRoot, let stranger = getpwnam("nobody")?.pointee.pw_uid, stranger != at.user.uid else { return }
            let socket = "\(at.path)/.s.PGSQL.5432"
            chmod(at.path, 0o755)
            chmod(socket, 0o777)
            let psql = ["--reuid=\(stranger)", "--clear-groups", "psql", "-w", "-c", "SELECT 1", try server.dsn()]
            let result = try ChildProgram("/usr/bin/setpriv", psql).run()
            #expect(result.status != 0 && result.output.contains("Peer authentication failed"), "\(result.output)")
        }
    }

    /// /root is closed to the server's user; its data then lives elsewhere, and a line says so once.
    @Test(.enabled(if: isRoot)) func aPlaceThatTheServersUserCannotEnter() throws {
        try TemporaryFolder.with { folder in
            chmod(folder.path, 0o700)
            let lines = Mutex<[String]>([])
            let server = PrivatePostgres(folder: folder.path("p")) { line in lines.withLock { $0.append(line) } }
            let dsn = try server.acquire()
            let place = try #require(Disk.linkTarget(server.folder))
            defer { try? FileManager.default.removeItem(atPath: place) }
            #expect(place.hasPrefix("/var/lib/parallax/postgres-"))
            #expect(try Connection(dsn).query("SELECT 1").rows.count == 1)
            try server.release()
            try server.acquire()
            try server.release()
            let said = lines.withLock { $0 }
            #expect(said.count == 1 && said.first?.contains(place) == true)

            try FileManager.default.removeItem(atPath: place)
            let error = try #require(throws: ParallaxError.self) { try server.acquire() }
            #expect(error.code == .missing && error.message.contains(place))
        }
    }

    @Test(.enabled(if: isRoot)) func withoutAnUnprivilegedUserRootIsToldWhatToDo() throws {
        let error = try #require(throws: ParallaxError.self) { try ServerUser.current(preferred: ["no-such-user", "root"]) }
        #expect(error.code == .configuration && error.hint?.contains("useradd") == true)
    }

    @Test func tcpIsForThoseWhoKnowThePassword() throws {
        try TemporaryFolder.with { folder in
            let port = try freePort()
            let path = folder.path("p")
            let plain = PrivatePostgres(folder: path)
            let server = PrivatePostgres(folder: path, tcpPort: port)
            try plain.acquire()
            let busy = try #require(throws: ParallaxError.self) { try server.acquire() }
            #expect(busy.code == .busy && plain.isRunning)
            let closed = try #require(throws: ParallaxError.self) { try plain.tcpDSN() }
            #expect(closed.hint?.contains("postgres.tcp_port in parallax.yaml") == true)
            try plain.release()

            let socket = try server.acquire()
            #expect(try Connection(socket).query("SELECT 1").rows.count == 1)
            #expect(try Connection(server.tcpDSN()).query("SHOW listen_addresses").rows[0][0] == "127.0.0.1")
            #expect(try plain.dsn() == socket && plain.acquire() == socket)
            let password = try #require(readFile(server.folder + "/password")).firstLine
            let reader = try Connection(server.tcpDSN(role: PrivatePostgres.readerRole))
            #expect(
                try reader.query("SELECT current_user, current_setting('search_path')").rows[0].values == [
                    "parallax_reader", "serving, public",
                ])
            reader.close()
            #expect(password.count == 64 && FileStatus(server.folder + "/password", following: true)?.mode == 0o600)
            for wrong in ["postgresql://parallax@127.0.0.1:\(port)/parallax", "postgresql://parallax:wrong@127.0.0.1:\(port)/parallax"] {
                #expect(throws: ParallaxError.self) { try Connection(wrong) }
            }
            try plain.release()
            try server.release()

            // Nobody uses it: it is started again with the port.
            try plain.acquire()
            try plain.release()
            try server.acquire()
            #expect(try Connection(server.tcpDSN()).query("SELECT 1").rows.count == 1)
            try server.release()
            #expect(!server.isRunning)
        }
    }

    /// A server that was made before there was a role for readers gets it when it is used again.
    @Test func anOlderServerLetsReadersInToo() throws {
        try TemporaryFolder.with { folder in
            let server = PrivatePostgres(folder: folder.path("p"))
            let connection = try Connection(server.acquire())
            try connection.execute("DROP ROLE parallax_reader")
            connection.close()
            for name in ["pg_hba.conf", "pg_ident.conf"] {
                let path = server.folder + "/data/" + name
                let lines = try #require(readFile(path)).split(separator: "\n").filter { !$0.contains("parallax_reader") }
                try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: false, encoding: .utf8)
            }
            try server.release()
            try server.acquire()
            let reader = try Connection(server.dsn(role: PrivatePostgres.readerRole))
            #expect(
                try reader.query("SELECT current_user, current_setting('default_transaction_read_only')").rows[0].values == [
                    "parallax_reader", "on",
                ])
            reader.close()
            try server.release()
        }
    }
}
