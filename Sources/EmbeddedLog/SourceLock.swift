import Disk
import Glibc
import ParallaxCore

/// At most one process (more exactly: one `EmbeddedLog`) appends to a source at a time; the others wait for their turn.
///
/// Two locks, so that a process that appends without pause cannot starve the others: whoever wants `lock` first takes `lock.next`,
/// keeps it while it waits, and gives it back once it has `lock`. Who has just released `lock` finds `lock.next` taken
/// by the one that waited. Both are flock(2) locks: the kernel releases them when their holder dies.
final class SourceLock: Sendable {
    private let lock: FileLock
    private let next: FileLock
    private let source: String

    /// How often a waiter looks: half a typical fdatasync.
    private static let pause: UInt32 = 100

    init(_ paths: LogPaths) throws(ParallaxError) {
        lock = try FileLock(paths.lock)
        next = try FileLock(paths.nextLock)
        source = paths.source
    }

    /// False where the files are not there any more under their names: others take other locks.
    func isCurrent() throws(ParallaxError) -> Bool {
        guard try lock.file.isStillAtItsPath() else { return false }
        return try next.file.isStillAtItsPath()
    }

    /// Runs `body` while nobody else appends. Throws `.busy`, naming the holder, when it is not our turn before the deadline.
    func withLock<R>(within deadline: Duration, _ body: () throws(ParallaxError) -> R) throws(ParallaxError) -> R {
        let latest = ContinuousClock.now + deadline
        try take(next, before: latest, deadline)
        do {
            try take(lock, before: latest, deadline)
        } catch {
            next.unlock()
            throw error
        }
        next.unlock()
        defer { lock.unlock() }
        nameHolder()
        return try body()
    }

    private func take(_ file: FileLock, before latest: ContinuousClock.Instant, _ deadline: Duration) throws(ParallaxError) {
        guard try file.lock(until: latest, lookingEvery: Self.pause) else { throw busy(deadline) }
    }

    /// Ten digits, so that the write never changes the file's size and cannot fail for want of space but once.
    private func nameHolder() {
        let digits = String(getpid())
        let name = Array((String(repeating: " ", count: max(0, 10 - digits.utf8.count)) + digits + "\n").utf8)
        // It only serves the message below: a full disk must not keep a trim from making room.
        try? lock.file.write(name.span.bytes, at: 0)
    }

    private func busy(_ deadline: Duration) -> ParallaxError {
        let words = (try? lock.file.contents(atMost: 32)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let holder = words.split { $0 == " " || $0 == "\n" }.first.map { "process \($0)" } ?? "another process"
        return ParallaxError(
            .busy, "the log of source \"\(source)\" is being appended to by \(holder), and was not free within \(deadline)",
            detail: "Lock file: \(lock.path).",
            hint: "Try again; if that process hangs, end it: its lock goes with it, and what it left is recovered.")
    }
}
