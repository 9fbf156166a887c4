import Glibc
import ParallaxCore

/// A flock(2) on a file or a folder. It ends with `unlock`, with the object, or with the process, also by kill -9. No child inherits it.
///
/// Two objects on one file exclude one another also within a process.
public final class FileLock: Sendable {
    public enum Mode: Sendable { case shared, exclusive }

    public let file: File
    public var path: String { file.path }

    /// Locks nothing yet.
    public init(_ file: File) { self.file = file }

    /// Opens the file, and makes it where there is none; locks nothing yet.
    public convenience init(_ path: String) throws(ParallaxError) { self.init(try File.openOrCreate(path)) }

    /// False where someone else holds it. Changing the mode lets go of the old lock first.
    public func tryLock(_ mode: Mode = .exclusive) throws(ParallaxError) -> Bool {
        while flock(file.descriptor, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            guard errno == EINTR else { throw Disk.error("lock", path) }
        }
        return true
    }

    /// Looks again and again; false where it was not free before the deadline.
    public func lock(until latest: ContinuousClock.Instant, lookingEvery microseconds: UInt32) throws(ParallaxError) -> Bool {
        while try !tryLock() {
            guard ContinuousClock.now < latest else { return false }
            usleep(microseconds)
        }
        return true
    }

    public func unlock() { flock(file.descriptor, LOCK_UN) }
}
