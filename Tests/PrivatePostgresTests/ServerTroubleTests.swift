import Disk
import Foundation
import ParallaxCore
import Postgres
import TestSupport
import Testing

@testable import PrivatePostgres

/// What is missing, damaged or in the way, and what the error says.
@Suite(.serialized) struct ServerTroubleTests {
    @Test func missingProgramsAreNamedWithTheCommandThatBringsThem() throws {
        try TemporaryFolder.with { folder in
            let error = try #require(throws: ParallaxError.self) { try ServerPrograms.find(path: folder.path, debianRoot: folder.path) }
            #expect(error.code == .notInstalled && error.hint?.contains("apt-get install postgresql-15") == true)
            let wanted = try #require(throws: ParallaxError.self) { try ServerPrograms.find(version: 99) }
            #expect(wanted.code == .notInstalled && wanted.hint?.contains("postgresql-99") == true)
            #expect(wanted.detail?.contains("/bin (version ") == true)
            let server = PrivatePostgres(
                folder: folder.path("p"),
                findPrograms: { version throws(ParallaxError) in try ServerPrograms.find(path: "", debianRoot: "") })
            #expect(try #require(throws: ParallaxError.self) { try server.acquire() }.code == .notInstalled)
            #expect(!server.isRunning && !exists(server.folder))
        }
    }

    @Test func theNewestVersionWinsAndOldOnesAreNamed() throws {
        try TemporaryFolder.with { folder in
            func install(_ version: Int) throws {
                let bin = folder.path("\(version)/bin")
                try Disk.makeFolder(bin, mode: 0o755)
                for program in ["initdb", "pg_ctl", "postgres"] {
                    try "#!/bin/sh\necho 'postgres (PostgreSQL) \(version).1'\n".write(
                        toFile: "\(bin)/\(program)", atomically: false, encoding: .utf8)
                    chmod("\(bin)/\(program)", 0o755)
                }
            }
            try install(9)
            try install(14)
            let error = try #require(throws: ParallaxError.self) { try ServerPrograms.find(path: "", debianRoot: folder.path) }
            #expect(error.detail?.contains("14/bin (version 14)") == true)
            try install(16)
            try install(15)
            #expect(try ServerPrograms.find(path: "", debianRoot: folder.path).version == 16)
            #expect(try ServerPrograms.find(version: 15, path: "", debianRoot: folder.path).folder == folder.path("15/bin"))
        }
    }

    @Test func aMissingExtensionIsNamedWithItsPackage() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            try PrivatePostgres.checkServer(connection, extensions: [])
            let error = try #require(throws: ParallaxError.self) {
                try PrivatePostgres.checkServer(connection, extensions: ["plpgsql", "nosuch"])
            }
            #expect(error.code == .notInstalled && error.message.contains("nosuch") && !error.message.contains("plpgsql"))
            #expect(error.hint?.contains("postgresql-15-nosuch") == true)
        }
    }

    @Test func aBrokenDataFolderShowsTheServersLastWords() throws {
        try TemporaryFolder.with { folder in
            let server = PrivatePostgres(folder: folder.path("p"))
            try server.acquire()
            try server.release()
            let at = try #require(try ServerFolder.existing(server.folder))
            let control = "\(at.data)/global/pg_control"
            try FileManager.default.moveItem(atPath: control, toPath: control + ".away")
            let error = try #require(throws: ParallaxError.self) { try server.acquire() }
            #expect(error.code == .unavailable && !error.isRetriable && error.detail?.contains("pg_control") == true, "\(error)")
            #expect(!server.isRunning)
            try FileManager.default.moveItem(atPath: control + ".away", toPath: control)
            try server.acquire()
            try server.release()

            unlink("\(at.data)/PG_VERSION")
            #expect(try #require(throws: ParallaxError.self) { try server.acquire() }.code == .corrupt)
        }
    }

    /// A killed initdb leaves its half beside the place, and a killed parallax its lock files: neither is in the way.
    @Test func leftoversAreNotInTheWay() throws {
        try TemporaryFolder.with { folder in
            let path = folder.path("p")
            let user = try ServerUser.current()
            for file in ["\(path).lock", "\(path).users"] { try Data("stale".utf8).write(to: URL(fileURLWithPath: file)) }
            mkdir(path, 0o700)
            if !user.isOurselves { chown(path, user.uid, user.gid) }
            mkdir("\(path)/data.new", 0o700)
            if !user.isOurselves { chown("\(path)/data.new", user.uid, user.gid) }
            try Data("half".utf8).write(to: URL(fileURLWithPath: "\(path)/data.new/PG_VERSION"))
            let server = PrivatePostgres(folder: path)
            try server.acquire()
            #expect(!exists("\(path)/data.new"))
            try server.release()
        }
    }

    @Test func aStartThatSomebodyElseNeverEndsIsBusy() throws {
        try TemporaryFolder.with { folder in
            let server = PrivatePostgres(folder: folder.path("p"), patience: .milliseconds(50))
            let held = try FileLock.exclusive(server.folder + ".lock", owner: ServerUser.current(), until: .now)
            let error = try #require(throws: ParallaxError.self) { try server.acquire() }
            #expect(error.code == .busy && error.isRetriable)
            held.unlock()
        }
    }

    @Test func aFileInTheFoldersPlaceIsSaidToBeOne() throws {
        try TemporaryFolder.with { folder in
            try Data().write(to: URL(fileURLWithPath: folder.path("p")))
            let error = try #require(throws: ParallaxError.self) { try PrivatePostgres(folder: folder.path("p")).acquire() }
            #expect(error.code == .configuration && error.message.contains("is a file"))
        }
    }

    @Test func aChildThatCannotRunIsAnError() throws {
        #expect(try #require(throws: ParallaxError.self) { try ChildProgram("/no/such/program", []).run() }.code == .notInstalled)
        let result = try ChildProgram("/bin/sh", ["-c", "echo out; echo err >&2; kill -TERM $$"]).run()
        #expect(result.status == 128 + SIGTERM && result.output == "out\nerr\n")
    }
}
