import Disk
import Glibc
import ParallaxCore

/// The folder by which server and clients name the socket: the server's own, or a short link to it.
///
/// A Unix socket's path takes at most 107 bytes, and both PostgreSQL and libpq read commas and quotes in it as a list. Such paths go
/// through `/tmp/parallax-<uid>-<hash>/s`, in a folder that only the server's user (and root) can enter or change.
struct SocketFolder {
    static let maxPathBytes = 107
    /// `/.s.PGSQL.` and a port of five digits.
    private static let nameBytes = 15

    /// What `host=` and `unix_socket_directories` get.
    var path: String
    private var linkFolder: String?
    private var folder: ServerFolder

    init(_ folder: ServerFolder) {
        self.folder = folder
        let isPlain = folder.path.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "/._-+~".utf8.contains(byte)
        }
        if isPlain && folder.path.utf8.count + Self.nameBytes <= Self.maxPathBytes {
            path = folder.path
        } else {
            let short = "/tmp/parallax-\(folder.user.uid)-\(Self.hash(folder.path))"
            linkFolder = short
            path = "\(short)/s"
        }
    }

    /// Makes the link where one is needed and missing (programs that clean /tmp take it away).
    func prepare() throws(ParallaxError) {
        guard let linkFolder else { return }
        if mkdir(linkFolder, 0o700) == 0 {
            guard folder.user.isOurselves || lchown(linkFolder, folder.user.uid, folder.user.gid) == 0 else {
                throw systemError("give \(linkFolder) to user \(folder.user.name)")
            }
        } else if errno != EEXIST {
            throw systemError("make the folder \(linkFolder)")
        }
        guard let status = FileStatus(linkFolder, following: false), status.kind == .folder, status.owner == folder.user.uid,
            status.mode & 0o077 == 0
        else {
            throw ParallaxError(
                .configuration,
                "\(linkFolder), which is to hold a short link to the PostgreSQL socket, is not a private folder of user \(folder.user.name)",
                hint: "Remove it; if it comes back, find out who makes it.")
        }
        guard Disk.linkTarget(path) != folder.path else { return }
        unlink(path)
        guard symlink(folder.path, path) == 0 || Disk.linkTarget(path) == folder.path else { throw systemError("make the link \(path)") }
    }

    func remove() {
        guard let linkFolder else { return }
        unlink(path)
        rmdir(linkFolder)
    }

    /// The same name in every process. Not a secret; the folder's owner and mode protect it.
    private static func hash(_ text: String) -> String {
        var hash = FNV1a()
        hash.add(text)
        return String(hash.value, radix: 16)
    }
}
