import Glibc
import ParallaxCore

/// The operating system user that the server runs as: us, unless we are root, as whom PostgreSQL refuses to run.
package struct ServerUser: Sendable, Hashable {
    package var name: String
    package var uid: uid_t
    package var gid: gid_t

    /// Who may take the place of root, in this order. `postgres` comes with Debian's package.
    package static let preferred = ["postgres", "parallax", "nobody"]

    package static func current(preferred: [String] = preferred) throws(ParallaxError) -> ServerUser {
        guard geteuid() == 0 else { return try named(geteuid()) }
        for candidate in preferred {
            if let user = find({ getpwnam_r(candidate, $0, $1, $2, $3) }), user.uid != 0 { return user }
        }
        throw ParallaxError(
            .configuration, "PostgreSQL refuses to run as root, and there is no unprivileged user to run it as",
            detail: "Looked for: \(preferred.joined(separator: ", ")).",
            hint: "Run: useradd --system parallax   (or run parallax as a user that is not root)")
    }

    /// The owner of an existing folder. Only that user, and root on its behalf, can start a server there.
    static func owning(_ owner: uid_t, folder: String) throws(ParallaxError) -> ServerUser {
        let us = geteuid()
        if owner == 0 && us == 0 {
            throw ParallaxError(
                .configuration, "the private PostgreSQL's folder \(folder) belongs to root, as whom PostgreSQL refuses to run",
                hint: "Give it to another user with chown -R, or remove it to start with an empty database.")
        }
        let user = try named(owner)
        guard us == 0 || us == owner else {
            throw ParallaxError(
                .configuration, "the private PostgreSQL's folder \(folder) belongs to user \(user.name)",
                hint: "Run parallax as \(user.name) or as root, or set postgres.url to a server of yours.")
        }
        return user
    }

    package var isOurselves: Bool { uid == geteuid() }

    /// The program, to be run as this user. Root gives its rights up through setpriv(1) of util-linux, for good and with all groups.
    package func running(_ program: String, _ arguments: [String], environment: [String: String]) throws(ParallaxError) -> ChildProgram {
        guard !isOurselves else { return ChildProgram(program, arguments, environment: environment) }
        let folders = ["/usr/bin", "/bin", "/usr/local/bin"]
        guard let setpriv = folders.map({ "\($0)/setpriv" }).first(where: isExecutable) else {
            throw ParallaxError(
                .notInstalled, "running PostgreSQL as user \(name) needs setpriv, which is not installed",
                hint: "Run: apt-get install util-linux")
        }
        return ChildProgram(
            setpriv,
            ["--reuid=\(uid)", "--regid=\(gid)", "--clear-groups", "--inh-caps=-all", "--no-new-privs", "--", program] + arguments,
            environment: environment)
    }

    /// Tried out as that user, since access control lists and mounts have their say beside the mode.
    func canEnter(_ folder: String) throws(ParallaxError) -> Bool {
        if isOurselves { return access(folder, X_OK) == 0 }
        return try running("/bin/sh", ["-c", "cd \"$0\"", folder], environment: [:]).run().status == 0
    }

    private static func named(_ uid: uid_t) throws(ParallaxError) -> ServerUser {
        guard let user = find({ getpwuid_r(uid, $0, $1, $2, $3) }) else {
            throw ParallaxError(
                .configuration, "user id \(uid) has no name on this system, and PostgreSQL's initdb refuses to work without one",
                hint: "Add an entry for it to /etc/passwd, or set postgres.url to a server of yours.")
        }
        return user
    }

    private typealias LookUp = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    /// The reentrant calls: the plain ones share one buffer among all threads.
    private static func find(_ lookUp: LookUp) -> ServerUser? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        // Directory services may have long entries; passwd(5)'s take some hundred bytes.
        var buffer = [CChar](repeating: 0, count: 65_536)
        return buffer.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress, lookUp(&entry, start, buffer.count, &found) == 0, found != nil, let name = entry.pw_name
            else { return nil }
            return ServerUser(name: String(cString: name), uid: entry.pw_uid, gid: entry.pw_gid)
        }
    }
}
