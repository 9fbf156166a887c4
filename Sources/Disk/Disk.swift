import Glibc
import ParallaxCore

/// Files and folders whose contents and names outlive a power failure. Every error names the path.
public enum Disk {
    /// Nil where there is no such file, or where it is no ordinary one.
    public static func size(ofFile path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    public static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Names in a folder, sorted, without `.` and `..`; none where the folder is not there.
    public static func names(in folder: String) throws(ParallaxError) -> [String] {
        guard let handle = opendir(folder) else {
            if errno == ENOENT { return [] }
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
        let parent = parent(of: path)
        let wasThere = exists(path)
        if !wasThere {
            if parent != path { try makeFolder(parent, mode: mode) }
            guard mkdir(path, mode) == 0 || errno == EEXIST else { throw error("make the folder", path) }
        }
        guard isFolder(path) else { throw error("make the folder", path, ENOTDIR) }
        // One that is there may be in a folder that is not ours to read.
        if !wasThere || access(parent, R_OK) == 0 { try syncFolder(parent) }
    }

    /// Shuts a folder to others that has exactly the permissions that Parallax 0.1 gave it (0755). Others are somebody's decision, and stay; so does a
    /// folder of another owner.
    public static func closeAsMade(_ path: String) throws(ParallaxError) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & 0o7777 == 0o755, status.st_uid == geteuid() else { return }
        guard chmod(path, 0o700) == 0 else { throw error("shut to other users", path) }
    }

    /// Names that were added to the folder, or taken from it, are so on the disk when it returns.
    public static func syncFolder(_ path: String) throws(ParallaxError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw error("open the folder", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw error("make durable", path) }
    }

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

    /// A file that is gone already is as good.
    public static func removeFile(_ path: String) throws(ParallaxError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw error("remove", path) }
    }

    /// A folder with everything in it; links are removed, not followed.
    public static func removeFolder(_ path: String) throws(ParallaxError) {
        for name in try names(in: path) {
            var status = stat()
            let child = "\(path)/\(name)"
            guard lstat(child, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { try removeFolder(child) } else { try removeFile(child) }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw error("remove", path) }
    }

    /// The whole file, for small ones.
    /// - Parameter limit: a longer file is `.limit`, never a part of it.
    public static func read(_ path: String, limit: Int = 64 << 20) throws(ParallaxError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw error("read", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw error("read", path)
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw ParallaxError(.limit, "\(path) has more than \(limit) bytes") }
        }
    }

    /// The file appears under its name with all its contents, or not at all, whatever happens meanwhile.
    public static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(ParallaxError) {
        try writeWhole(path, mode: mode) { (descriptor) throws(ParallaxError) in
            try bytes.span.bytes.withUnsafeBytes { (raw) throws(ParallaxError) in try writeAll(descriptor, raw, path) }
        }
    }

    /// The same of contents that name the file itself.
    public static func write(to path: String, mode: mode_t = 0o600, _ contents: (_ inode: UInt) -> [UInt8]) throws(ParallaxError) {
        try writeWhole(path, mode: mode) { (descriptor) throws(ParallaxError) in
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw error("look at", path) }
            try contents(UInt(status.st_ino)).span.bytes.withUnsafeBytes { (raw) throws(ParallaxError) in
                try writeAll(descriptor, raw, path)
            }
        }
    }

    /// `body` fills a new file, which then gets the name.
    static func writeWhole<R>(
        _ path: String, mode: mode_t, _ body: (Int32) throws(ParallaxError) -> R
    ) throws(ParallaxError) -> R {
        let temporary = path + ".new"
        try removeFile(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw error("write", temporary) }
        defer { close(descriptor) }
        do throws(ParallaxError) {
            let result = try body(descriptor)
            guard fsync(descriptor) == 0 else { throw error("make durable", temporary) }
            guard rename(temporary, path) == 0 else { throw error("rename", temporary) }
            try syncFolder(parent(of: path))
            return result
        } catch {
            unlink(temporary)
            throw error
        }
    }

    static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ path: String) throws(ParallaxError) {
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count < 0 {
                if errno == EINTR { continue }
                throw error("write", path)
            }
            written += count
        }
    }

    static func error(_ tried: String, _ path: String, _ number: Int32 = errno) -> ParallaxError {
        let hint: String? =
            switch number {
            case ENOSPC, EDQUOT: "Make room on that disk and try again; what is there already stays as it is."
            case EACCES, EPERM, EROFS: "See who owns the folder and how its file system is mounted."
            default: nil
            }
        return ParallaxError(
            number == ENOENT ? .missing : .disk, "cannot \(tried) \(path): \(String(cString: strerror(number)))", hint: hint)
    }
}
