import Glibc
import ParallaxCore

/// Files and folders whose contents and names outlive a power failure. Every error names the path.
public enum Disk {
    /// Nil where there is no such file, or where it is no ordinary one.
    public static func size(ofFile path: String) -> Int? {
        guard let status = FileStatus(path), status.kind == .file else { return nil }
        return status.bytes
    }

    public static func isFolder(_ path: String) -> Bool { FileStatus(path)?.kind == .folder }

    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Names in a folder, sorted, without `.` and `..`; none where the folder is not there.
    public static func names(in folder: String) throws(ParallaxError) -> [String] { try namesIfThere(folder) ?? [] }

    /// The same of a folder that has to be there. Where it is not, that is trouble of the disk, and no sign that nothing was ever made.
    public static func names(inExisting folder: String) throws(ParallaxError) -> [String] {
        guard let names = try namesIfThere(folder) else { throw error("list", folder, ENOENT, code: .disk) }
        return names
    }

    private static func namesIfThere(_ folder: String) throws(ParallaxError) -> [String]? {
        guard let handle = opendir(folder) else {
            if errno == ENOENT { return nil }
            throw error("list", folder)
        }
        defer { closedir(handle) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(handle) else {
                if errno != 0 { throw error("list", folder) }
                return names.sorted()
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    /// Makes a folder and what is missing above it, by default for the owner alone. Its name is durable when it returns, also where a process that died had
    /// made it and got no further.
    public static func makeFolder(_ path: String, mode: mode_t = 0o700) throws(ParallaxError) {
        try makeFolder(path) { (_, _) in mode }
    }

    /// - Parameter mode: of a folder that is made, from its path and its parent's, which is there.
    public static func makeFolder(_ path: String, mode: (_ path: String, _ parent: String) -> mode_t) throws(ParallaxError) {
        let parent = parent(of: path)
        let wasThere = exists(path)
        if !wasThere {
            if parent != path { try makeFolder(parent, mode: mode) }
            guard mkdir(path, mode(path, parent)) == 0 || errno == EEXIST else { throw error("make the folder", path) }
        }
        guard isFolder(path) else { throw error("make the folder", path, ENOTDIR) }
        // One that is there may be in a folder that is not ours to read.
        if !wasThere || access(parent, R_OK) == 0 { try syncFolder(parent) }
    }

    /// Shuts a folder to others that has exactly the permissions that Parallax 0.1 gave it (0755). Others are somebody's decision, and stay; so does a
    /// folder of another owner.
    public static func closeAsMade(_ path: String) throws(ParallaxError) {
        guard let status = FileStatus(path), status.mode == 0o755, status.owner == geteuid() else { return }
        guard chmod(path, 0o700) == 0 else { throw error("shut to other users", path) }
    }

    /// Names that were added to the folder, or taken from it, are so on the disk when it returns.
    public static func syncFolder(_ path: String) throws(ParallaxError) { try File.folder(path).sync() }

    public static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last part of a path.
    public static func name(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// A second name for a file's contents. False where the two places cannot share them (other file systems, or none that links).
    public static func link(_ path: String, to target: String) throws(ParallaxError) -> Bool {
        if Glibc.link(path, target) == 0 { return true }
        if [EXDEV, EPERM, EMLINK, EOPNOTSUPP].contains(errno) { return false }
        throw error("link", target)
    }

    /// Where a link leads; nil where there is none.
    public static func linkTarget(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Without links, `.` and `..`; nil where there is no such file.
    public static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Takes the place of what is there. Durable once the folder is synced.
    public static func rename(_ path: String, to target: String) throws(ParallaxError) {
        guard Glibc.rename(path, target) == 0 else { throw error("rename", path) }
    }

    /// A file that is gone already is as good.
    public static func removeFile(_ path: String) throws(ParallaxError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw error("remove", path) }
    }

    /// A folder with everything in it; links are removed, not followed.
    public static func removeFolder(_ path: String) throws(ParallaxError) {
        for name in try names(in: path) {
            let child = "\(path)/\(name)"
            guard let status = FileStatus(child, following: false) else { continue }
            if status.kind == .folder { try removeFolder(child) } else { try removeFile(child) }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw error("remove", path) }
    }

    /// The whole file, for small ones.
    /// - Parameter limit: a longer file is `.limit`, never a part of it.
    public static func read(_ path: String, limit: Int = 64 << 20) throws(ParallaxError) -> [UInt8] {
        let file = try File.opened(path)
        // Not as many as its size says: files of /proc have none, and others grow.
        let bytes = try read(file, from: 0, limit: limit)
        guard bytes.count <= limit else { throw ParallaxError(.limit, "\(path) has more than \(limit) bytes") }
        return bytes
    }

    /// The last bytes of a file; nil where it cannot be read.
    public static func tail(_ path: String, bytes count: Int = 65_536) -> [UInt8]? {
        guard let file = try? File.read(path), let size = try? file.size() else { return nil }
        return (try? read(file, from: max(0, size - count), limit: count))?.suffix(count)
    }

    /// What is behind the limit is not read, but for a part of a chunk.
    private static func read(_ file: File, from start: Int, limit: Int) throws(ParallaxError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= limit {
            var span = chunk.mutableSpan
            let count = try span.withUnsafeMutableBytes { (buffer) throws(ParallaxError) in
                try file.read(at: start + bytes.count, into: buffer)
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Who is to own a file that root makes.
    public struct Owner: Hashable, Sendable {
        public var user: uid_t
        public var group: gid_t

        public init(user: uid_t, group: gid_t) {
            self.user = user
            self.group = group
        }
    }

    /// The file appears under its name with all its contents, or not at all, whatever happens meanwhile.
    ///
    /// - Parameter owner: nil: whoever we are.
    public static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600, owner: Owner? = nil) throws(ParallaxError) {
        try writeWhole(path, mode: mode) { (file) throws(ParallaxError) in
            try file.append(bytes)
            if let owner { try file.changeOwner(to: owner.user, group: owner.group) }
        }
    }

    /// The same of contents that name the file itself.
    public static func write(to path: String, mode: mode_t = 0o600, _ contents: (_ inode: UInt64) -> [UInt8]) throws(ParallaxError) {
        try writeWhole(path, mode: mode) { (file) throws(ParallaxError) in try file.append(contents(file.status().inode)) }
    }

    /// `body` fills a new file, which then gets the name. It is never a link that somebody else put there, which matters to root.
    static func writeWhole<R>(_ path: String, mode: mode_t, _ body: (File) throws(ParallaxError) -> R) throws(ParallaxError) -> R {
        let temporary = path + ".new"
        try removeFile(temporary)
        guard let file = try File.createNew(temporary, mode: mode) else { throw error("make", temporary, EEXIST) }
        do throws(ParallaxError) {
            let result = try body(file)
            try file.sync()
            try rename(temporary, to: path)
            try syncFolder(parent(of: path))
            return result
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// What the system refused. `tried` is what comes before the path in "cannot open /a/file".
    ///
    /// - Parameter code: nil: `.missing` where there is no such file, else `.disk`.
    public static func error(_ tried: String, _ path: String, _ number: Int32 = errno, code: ParallaxError.Code? = nil) -> ParallaxError {
        let hint: String? =
            switch number {
            case ENOSPC, EDQUOT: "Make room on that disk and try again: nothing that was acknowledged is lost."
            case EACCES, EPERM, EROFS: "See who owns the folder and how its file system is mounted."
            case EMFILE, ENFILE: "Raise the limit of open files (ulimit -n)."
            default: nil
            }
        return ParallaxError(
            code ?? (number == ENOENT ? .missing : .disk), "cannot \(tried) \(path): \(String(cString: strerror(number)))", hint: hint)
    }
}
