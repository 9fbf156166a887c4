import Disk
import Glibc
import ParallaxCore

/// Who may read what is made in an archive. The archive is the owner's alone; what is made in it is as open as what it is made in, so that who opens
/// an archive to a group need not do it again for every new file.
enum Openness {
    /// Makes a folder and those above it, durably.
    ///
    /// - Parameter root: the archive.
    static func makeFolder(_ path: String, in root: String) throws(ParallaxError) {
        try Disk.makeFolder(path) { path, parent in path.hasPrefix(root + "/") ? mode(in: parent) : 0o700 }
    }

    /// Of a new file at `path`: whoever may read its folder may read it.
    static func mode(ofFile path: String) -> mode_t { mode(in: Disk.parent(of: path)) & 0o666 }

    /// The permissions of a folder's things; the owner has all.
    private static func mode(in folder: String) -> mode_t { FileStatus(folder).map { $0.mode & 0o777 | 0o700 } ?? 0o700 }
}
