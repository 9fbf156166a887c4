import Glibc
import ParallaxCore

/// The operating system user that the server runs as: us, unless we are root, as whom PostgreSQL refuses to run.
package struct ServerUser: Sendable, Hashable {
    package var name: String
    package var uid: uid_t
    package var gid: gid_t

    /// Who may take the place of root, in this order. `postgres` comes with Debian's package.
    package static let preferred = ["postgres", "parallax", "nobody"]

    package static func current() throws(ParallaxError) -> ServerUser {
        let uid = geteuid()
        guard uid == 0 else { return ServerUser(name: name(of: uid) ?? String(uid), uid: uid, gid: getegid()) }
        for candidate in preferred {
            if let user = lookUp(candidate) { return user }
        }
        throw ParallaxError(
            .configuration, "PostgreSQL refuses to run as root, and there is no unprivileged user to run it as",
            detail: "Looked for: \(preferred.joined(separator: ", ")).",
            hint: "Run: useradd --system parallax   (or run parallax as a user that is not root)")
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

    private static func lookUp(_ name: String) -> ServerUser? {
        guard let entry = getpwnam(name), entry.pointee.pw_uid != 0 else { return nil }
        return ServerUser(name: name, uid: entry.pointee.pw_uid, gid: entry.pointee.pw_gid)
    }

    private static func name(of uid: uid_t) -> String? { getpwuid(uid).map { String(cString: $0.pointee.pw_name) } }
}
