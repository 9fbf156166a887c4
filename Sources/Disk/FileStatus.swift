import Glibc
import ParallaxCore

/// What the system knows of a file. Two that are equal are of the same, unchanged file.
public struct FileStatus: Hashable, Sendable {
    public enum Kind: Sendable { case file, folder, link, other }

    public var kind: Kind
    public var owner: uid_t
    /// Permissions, without the kind.
    public var mode: mode_t
    public var device: UInt64
    public var inode: UInt64
    public var bytes: Int
    /// Nanoseconds since 1970: of the contents, and of anything.
    public var modified: Int64
    public var changed: Int64

    /// Nil where there is nothing (or nothing that we may see).
    ///
    /// - Parameter following: a link leads to what is looked at; else it is looked at itself.
    public init?(_ path: String, following: Bool = true) {
        var status = stat()
        guard (following ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
        self.init(status)
    }

    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Nil where there is nothing; what may not be seen is an error.
    public static func ifThere(_ path: String) throws(ParallaxError) -> FileStatus? {
        if let status = FileStatus(path) { return status }
        if errno == ENOENT { return nil }
        throw Disk.error("look at", path)
    }

    private init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFLNK: .link
            default: .other
            }
        owner = status.st_uid
        mode = status.st_mode & 0o7777
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        bytes = Int(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
    }

    /// Whatever became of it meanwhile, and whatever its name.
    public func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}
