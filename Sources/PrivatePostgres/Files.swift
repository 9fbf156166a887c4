import Glibc
import ParallaxCore

/// `errno` as an error: what was tried, and the system's words.
func systemError(_ tried: String, hint: String? = nil, code: Int32 = errno) -> ParallaxError {
    let kind: ParallaxError.Code =
        switch code {
        case ENOSPC, EDQUOT, EROFS, EIO: .disk
        case ENOENT, ENOTDIR: .missing
        case EMFILE, ENFILE, ENOMEM: .limit
        default: .configuration
        }
    return ParallaxError(kind, "cannot \(tried): \(String(cString: strerror(code)))", hint: hint)
}

struct FileStatus {
    var isFolder: Bool
    var isLink: Bool
    var owner: uid_t
    var mode: mode_t
    var inode: UInt64
    var device: UInt64

    /// Nil where there is nothing (or nothing that we may see). `following` a link or looking at the link itself.
    init?(_ path: String, following: Bool) {
        var status = stat()
        guard (following ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
        self.init(status)
    }

    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        isFolder = status.st_mode & S_IFMT == S_IFDIR
        isLink = status.st_mode & S_IFMT == S_IFLNK
        owner = status.st_uid
        mode = status.st_mode & 0o7777
        inode = UInt64(status.st_ino)
        device = UInt64(status.st_dev)
    }
}

func exists(_ path: String) -> Bool { FileStatus(path, following: false) != nil }

/// Makes a folder and what is missing above it.
func makeFolders(_ path: String, mode: mode_t) throws(ParallaxError) {
    if FileStatus(path, following: true)?.isFolder == true { return }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeFolders(String(path[..<slash]), mode: 0o755) }
    guard mkdir(path, mode) == 0 || errno == EEXIST else { throw systemError("make the folder \(path)") }
}

func parentFolder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Without links, `.` and `..`; nil where there is no such file.
func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
}

func linkTarget(_ path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &buffer, buffer.count)
    return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// The last `limit` bytes of a file; nil where it cannot be read.
func readFile(_ path: String, last limit: Int = 65_536) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let size = lseek(descriptor, 0, SEEK_END)
    lseek(descriptor, max(0, size - limit), SEEK_SET)
    var bytes = [UInt8](repeating: 0, count: limit)
    var filled = 0
    while filled < limit {
        let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress?.advanced(by: filled), limit - filled) }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { break }
        filled += count
    }
    return String(decoding: bytes[..<filled], as: UTF8.self)
}

/// Replaces a file as a whole. The temporary file is new (never a link that someone else put there, which matters to root) and belongs
/// to the server's user before it gets its name.
func writeFile(_ path: String, _ text: String, owner: ServerUser) throws(ParallaxError) {
    let temporary = "\(path).new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw systemError("write \(temporary)") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: written), bytes.count - written) }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw systemError("write \(temporary)") }
        written += count
    }
    if !owner.isOurselves { fchown(descriptor, owner.uid, owner.gid) }
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw systemError("write \(path)") }
}

extension String {
    var firstLine: String { String(prefix { !$0.isNewline }) }
}

/// A short wait between two looks at the world.
func pause(milliseconds: Int32) { poll(nil, 0, milliseconds) }
