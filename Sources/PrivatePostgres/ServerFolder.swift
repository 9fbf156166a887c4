import Disk
import Glibc
import ParallaxCore

/// Where a private server keeps its things, and as whom it runs.
///
///     <folder>              0700, of the server's user; or a link to a folder below /var/lib/parallax
///     <folder>/data         PostgreSQL's data folder
///     <folder>/log          its log, one file a weekday, each overwritten after a week
///     <folder>/password     for TCP, where that was asked for; 0600. <folder>/reader.password is the readers' role's
///     <folder>/.s.PGSQL.*   its socket
///     <folder>.lock         held while someone starts or stops the server
///     <folder>.users        held (shared) by every process that uses it
struct ServerFolder: Sendable {
    /// For pipelines in places that the server's user cannot enter.
    static let elsewhere = "/var/lib/parallax"

    /// Without links.
    var path: String
    var user: ServerUser

    var data: String { "\(path)/data" }
    var log: String { "\(path)/log" }
    /// What the server says before its log is open.
    var startLog: String { "\(path)/start.log" }
    var password: String { "\(path)/password" }
    var readerPassword: String { "\(path)/reader.password" }

    func password(of role: String) -> String { role == PrivatePostgres.readerRole ? readerPassword : password }

    /// Finds the folder; nil where it was never made.
    static func existing(_ folder: String) throws(ParallaxError) -> ServerFolder? {
        guard let link = FileStatus(folder, following: false) else { return nil }
        guard let status = FileStatus(folder, following: true), let path = Disk.realPath(folder) else {
            throw ParallaxError(
                .missing, "the private PostgreSQL's folder \(folder) leads to \(Disk.linkTarget(folder) ?? "nowhere"), which is not there",
                hint: "Bring that folder back, or remove the link to start with an empty database.")
        }
        guard status.kind == .folder else {
            throw ParallaxError(.configuration, "\(folder) is \(link.kind == .link ? "a link to a file" : "a file"), not a folder")
        }
        return ServerFolder(path: path, user: try ServerUser.owning(status.owner, folder: folder))
    }

    /// Makes the folder. The caller holds the start lock.
    static func make(_ folder: String, user: ServerUser, log: (String) -> Void) throws(ParallaxError) -> ServerFolder {
        try makeOwned(folder, user)
        if try user.canEnter(folder) {
            guard let path = Disk.realPath(folder) else { throw systemError("find \(folder)") }
            return ServerFolder(path: path, user: user)
        }
        // Only root comes here: anybody else is the server's user and has just made the folder.
        rmdir(folder)
        try Disk.makeFolder(elsewhere, mode: 0o755)
        // Its own name each time: a pipeline that is deleted and made again must not find the old one's rows.
        var template = Array("\(elsewhere)/postgres-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw systemError("make a folder in \(elsewhere)") }
        let path = String(cString: made)
        guard lchown(path, user.uid, user.gid) == 0 else { throw systemError("give \(path) to user \(user.name)") }
        guard try user.canEnter(path), symlink(path, folder) == 0 else {
            rmdir(path)
            throw ParallaxError(
                .configuration, "user \(user.name), as whom PostgreSQL runs, can enter neither \(folder) nor \(elsewhere)",
                hint: "Allow it to enter (chmod o+x) one of the two and all folders above it.")
        }
        log("user \(user.name), as whom PostgreSQL runs, cannot enter \(Disk.parent(of: folder)): the database is kept in \(path)")
        return ServerFolder(path: path, user: user)
    }

    private static func makeOwned(_ path: String, _ user: ServerUser) throws(ParallaxError) {
        guard mkdir(path, 0o700) == 0 else { throw systemError("make the folder \(path)") }
        guard user.isOurselves || lchown(path, user.uid, user.gid) == 0 else { throw systemError("give \(path) to user \(user.name)") }
    }

    /// The last lines of the newest log files: people see there why the server is not there.
    func lastLogLines(_ count: Int = 12) -> String? {
        var texts: [String] = []
        // A server that came as far as opening its log wrote its last words there.
        let newest = entries(of: log).map { "\(log)/\($0)" }.max { modified($0) < modified($1) }
        for file in [newest, startLog].compactMap(\.self) where texts.isEmpty || modified(file) >= modified(texts[0]) {
            texts.append(file)
        }
        let lines = texts.compactMap { readFile($0) }.joined(separator: "\n").split(separator: "\n")
        return lines.isEmpty ? nil : lines.suffix(count).joined(separator: "\n")
    }

    private func modified(_ path: String) -> Int64 {
        FileStatus(path)?.modified ?? 0
    }
}
