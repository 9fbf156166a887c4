import ParallaxCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The few file operations that the archive is made of, with the system's refusals as errors that name the path.
enum Files {
    static func error(_ action: String, _ path: String, _ number: Int32 = errno) -> ParallaxError {
        let isFull = number == ENOSPC || number == EDQUOT
        return ParallaxError(
            number == ENOENT ? .missing : .disk, "cannot \(action) \"\(path)\"", detail: String(cString: strerror(number)) + ".",
            hint: isFull ? "Free space on the volume; nothing is lost, and archiving goes on where it stopped." : nil)
    }

    /// File and folder names, without `.` and `..`; empty where the folder does not exist.
    static func names(in folder: String) throws(ParallaxError) -> [String] {
        guard let handle = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw error("list", folder)
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Makes a folder and those above it, and sees to it that it is still there after a power cut: also one that is there already. Whoever made it
    /// may have died before that.
    ///
    /// - Parameter root: the archive. It is the owner's alone; what is made in it is as open as what it is made in, so that who opens an archive to a
    ///   group need not do it again for every new file.
    static func makeFolder(_ path: String, in root: String) throws(ParallaxError) {
        let parent = parent(of: path)
        if !exists(path) {
            if parent != path { try makeFolder(parent, in: root) }
            let mode = path.hasPrefix(root + "/") ? openness(of: parent) : 0o700
            if mkdir(path, mode) != 0 && errno != EEXIST { throw error("make folder", path) }
        }
        try syncFolder(parent)
    }

    /// The permissions of a folder's things; the owner has all.
    private static func openness(of folder: String) -> mode_t {
        var status = stat()
        return stat(folder, &status) == 0 ? status.st_mode & 0o777 | 0o700 : 0o700
    }

    /// The permissions of a new file at `path`: whoever may read its folder may read it.
    static func mode(ofFile path: String) -> mode_t { openness(of: parent(of: path)) & 0o666 }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func syncFolder(_ path: String) throws(ParallaxError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw error("open folder", path) }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 { throw error("make durable", path) }
    }

    static func remove(_ path: String) throws(ParallaxError) {
        if unlink(path) != 0 && errno != ENOENT { throw error("remove", path) }
    }

    static func move(_ path: String, to target: String) throws(ParallaxError) {
        if rename(path, target) != 0 { throw error("rename", path) }
    }

    static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, path: String) throws(ParallaxError) {
        var written = 0
        while written < bytes.count {
            let count = write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count < 0 {
                if errno == EINTR { continue }
                throw error("write", path)
            }
            written += count
        }
    }

    /// The bytes from `start` to the end, and the identity of the file; nil where there is no file.
    static func read(_ path: String, from start: Int = 0) throws(ParallaxError) -> (bytes: [UInt8], stamp: FileStamp)? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw error("open", path)
        }
        defer { close(descriptor) }
        let stamp = try FileStamp(descriptor, path: path)
        guard stamp.byteCount > start else { return ([], stamp) }
        var bytes = [UInt8](repeating: 0, count: stamp.byteCount - start)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled, off_t(start + filled))
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw error("read", path)
            }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(bytes.count - filled)
        return (bytes, stamp)
    }
}

/// Enough of a file's status to tell that it is still the same, unchanged file.
struct FileStamp: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
    var byteCount: Int
    var modified: Int64
    var changed: Int64

    init(_ descriptor: Int32, path: String) throws(ParallaxError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Files.error("read", path) }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        byteCount = Int(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
    }
}
