import ParallaxCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One archiver a source: `flock` on the source's folder. The system gives it up when the process dies, however it dies.
/// It excludes other threads of the same process too, as each takes it through a descriptor of its own.
struct FolderLock: ~Copyable {
    private let descriptor: Int32

    /// How often a waiting archiver looks again: a segment takes seconds to write.
    private static let pause: useconds_t = 20_000

    /// Waits up to `wait`, then throws `.busy`.
    init(_ folder: String, wait: Duration) throws(ParallaxError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Files.error("open folder", folder) }
        let deadline = ContinuousClock.now + wait
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            guard reason == EWOULDBLOCK || reason == EINTR else {
                close(descriptor)
                throw Files.error("lock", folder, reason)
            }
            guard ContinuousClock.now < deadline else {
                close(descriptor)
                throw ParallaxError(
                    .busy, "another archiver is at work in \"\(folder)\"", detail: "Waited for \(wait).",
                    hint: "Try again when it has finished; a dead process holds no lock.")
            }
            usleep(Self.pause)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
