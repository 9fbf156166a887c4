import Glibc
import ParallaxCore

/// A flock(2) on a file of its own. It ends with `unlock`, with the object, or with the process, also by kill -9. No child inherits it.
///
/// Two objects on one file exclude one another also within a process.
final class FileLock: Sendable {
    enum Mode { case shared, exclusive }

    let path: String
    private let descriptor: Int32

    /// Opens the file (and makes it, for the server's user, so that root and that user can both come later); locks nothing yet.
    init(_ path: String, owner: ServerUser) throws(ParallaxError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw systemError(
                "open the lock file \(path)",
                hint: errno == EACCES ? "It belongs to another user: run parallax as that user, or as root." : nil)
        }
        if !owner.isOurselves { fchown(descriptor, owner.uid, owner.gid) }
    }

    deinit { close(descriptor) }

    /// False where someone else holds it. Changing the mode lets go of the old lock first.
    func tryLock(_ mode: Mode) throws(ParallaxError) -> Bool {
        while flock(descriptor, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            guard errno == EINTR else { throw systemError("lock \(path)") }
        }
        return true
    }

    func unlock() { flock(descriptor, LOCK_UN) }

    /// False where the file was removed or replaced meanwhile: a lock on it protects nothing any more.
    var isStillThere: Bool {
        guard let ours = FileStatus(descriptor: descriptor), let named = FileStatus(path, following: false) else { return false }
        return ours.inode == named.inode && ours.device == named.device
    }

    /// An exclusive lock, waited for until the deadline; then throws `.busy`.
    static func exclusive(_ path: String, owner: ServerUser, until deadline: ContinuousClock.Instant) throws(ParallaxError) -> FileLock {
        while true {
            let lock = try FileLock(path, owner: owner)
            while try !lock.tryLock(.exclusive) {
                guard ContinuousClock.now < deadline else {
                    throw ParallaxError(
                        .busy, "another process is starting or stopping the private PostgreSQL", detail: "It holds \(path).")
                }
                pause(milliseconds: 10)
            }
            if lock.isStillThere { return lock }
        }
    }
}
