import Disk
import Glibc
import ParallaxCore

extension FileLock {
    /// How often a waiter looks, in microseconds: a server takes seconds to start.
    private static let pause: UInt32 = 10_000

    /// Opens the file (and makes it, for the server's user, so that root and that user can both come later); locks nothing yet.
    convenience init(_ path: String, owner: ServerUser) throws(ParallaxError) {
        let file: File
        do { file = try File.openOrCreate(path, followsLinks: false) } catch {
            guard exists(path), access(path, R_OK | W_OK) != 0, errno == EACCES else { throw error }
            throw ParallaxError(
                .configuration, error.message, hint: "It belongs to another user: run parallax as that user, or as root.")
        }
        // Where it is another user's already, it stays so: who may open it may lock it.
        if !owner.isOurselves { try? file.changeOwner(to: owner.uid, group: owner.gid) }
        self.init(file)
    }

    /// An exclusive lock, waited for until the deadline; then throws `.busy`.
    static func exclusive(_ path: String, owner: ServerUser, until deadline: ContinuousClock.Instant) throws(ParallaxError) -> FileLock {
        while true {
            let lock = try FileLock(path, owner: owner)
            guard try lock.lock(until: deadline, lookingEvery: pause) else {
                throw ParallaxError(.busy, "another process is starting or stopping the private PostgreSQL", detail: "It holds \(path).")
            }
            // Else it was removed or replaced meanwhile: a lock on it protects nothing any more.
            if try lock.file.isStillAtItsPath() { return lock }
        }
    }
}
