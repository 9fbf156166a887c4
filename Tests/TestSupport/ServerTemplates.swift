import Disk
import Foundation
import Glibc
import ParallaxCore
import PrivatePostgres

/// Where the test processes of one run of `scripts/test` share what `initdb` makes: it costs as much as many a test, and its files are always the same.
public enum ServerTemplates {
    /// Nil for a process that runs alone: it makes its own.
    public static let folder: String? = ProcessInfo.processInfo.environment["PARALLAX_TEST_TEMPLATES"].flatMap { $0.isEmpty ? nil : $0 }

    /// Puts a private PostgreSQL that was never used in `place`: what its first start makes, without a row. Nothing where there are no templates.
    public static func copyPrivatePostgres(to place: String) throws {
        guard let folder else { return }
        let template = folder + "/private"
        try make(template)
        try Disk.makeFolder(Disk.parent(of: place), mode: 0o755)
        let copy = Process()
        copy.executableURL = URL(fileURLWithPath: "/bin/cp")
        // As it is, with its owner.
        copy.arguments = ["-a", "\(template)/postgres", place]
        try copy.run()
        copy.waitUntilExit()
        guard copy.terminationStatus == 0 else { throw ParallaxError(.disk, "cannot copy \(template)/postgres to \(place)") }
    }

    /// By one process; the others wait for it. Nobody changes it afterwards, so copies need no lock.
    private static func make(_ template: String) throws {
        let made = "\(template)/made"
        if access(made, F_OK) == 0 { return }
        try Disk.makeFolder(template, mode: 0o755)
        let lock = try FileLock("\(template)/lock")
        guard try lock.lock(until: .now + .seconds(600), lookingEvery: 10_000) else {
            throw ParallaxError(.busy, "another test process makes \(template) and does not end")
        }
        defer { lock.unlock() }
        if access(made, F_OK) == 0 { return }
        let server = PrivatePostgres(folder: "\(template)/postgres")
        try server.acquire()
        try server.release()
        try Data().write(to: URL(fileURLWithPath: made))
    }
}
