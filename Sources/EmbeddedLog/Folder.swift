import Glibc
import ParallaxCore

/// Folders, and the changes in them that must outlive a power failure.
enum Folder {
    /// Creates the folder and what is missing above it, for the owner alone. Its name is durable when it returns, also where a process that died
    /// had created it and got no further.
    static func create(_ path: String) throws(ParallaxError) {
        let parent = parent(of: path)
        if !exists(path) {
            if parent != path { try create(parent) }
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw diskError("cannot create folder \(path)", errno) }
        }
        try sync(parent)
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Names that were added to or removed from the folder are so on the disk when it returns.
    static func sync(_ path: String) throws(ParallaxError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw diskError("cannot open folder \(path)", errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw diskError("cannot make folder \(path) durable", errno) }
    }

    static func names(in path: String) throws(ParallaxError) -> [String] {
        guard let folder = opendir(path) else { throw diskError("cannot list folder \(path)", errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                if errno != 0 { throw diskError("cannot list folder \(path)", errno) }
                return names
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    /// Already gone is as good.
    static func removeFile(_ path: String) throws(ParallaxError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw diskError("cannot remove \(path)", errno) }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
