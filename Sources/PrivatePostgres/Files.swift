import Disk
import Glibc
import ParallaxCore

/// `errno` as an error: what was tried, and the system's words. For what is no file's: processes, users, links.
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

/// True of a link that leads nowhere, too.
func exists(_ path: String) -> Bool { FileStatus(path, following: false) != nil }

/// The end of a file, which is all of it where it is short; nil where it cannot be read.
func readFile(_ path: String) -> String? { Disk.tail(path).map { String(decoding: $0, as: UTF8.self) } }

/// Replaces a file as a whole. It belongs to the server's user before it gets its name.
func writeFile(_ path: String, _ text: String, owner: ServerUser) throws(ParallaxError) {
    try Disk.write(Array(text.utf8), to: path, owner: owner.isOurselves ? nil : Disk.Owner(user: owner.uid, group: owner.gid))
}

/// Names in a folder, sorted; none where it cannot be read.
func entries(of folder: String) -> [String] { (try? Disk.names(in: folder)) ?? [] }

extension String {
    var firstLine: String { String(prefix { !$0.isNewline }) }
}

/// A short wait between two looks at the world.
func pause(milliseconds: Int32) { poll(nil, 0, milliseconds) }
