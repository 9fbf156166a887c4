import Disk
import Glibc
import ParallaxCore

/// A pipeline is up at most once: who is holds an flock(2) on `.parallax/up.lock`, which ends with the process, however that ends. The file says
/// who: the process id, and then "ready" once everything runs.
final class UpLock: Sendable {
    private let lock: FileLock

    /// How long a start gives way to those who only look, one after the other.
    private static let patienceWithLookers = Duration.seconds(5)

    /// Throws `.busy` where somebody holds it.
    init(_ path: String) throws(ParallaxError) {
        lock = try FileLock(path)
        let latest = ContinuousClock.now + Self.patienceWithLookers
        while try !lock.tryLock() {
            // Somebody who only looks holds the lock too, for an instant.
            let holder = Self.holder(path)
            guard holder == nil, ContinuousClock.now < latest else {
                throw ParallaxError(
                    .busy, "the pipeline is up already" + (holder.map { ", in process \($0.process)" } ?? ""),
                    hint: "parallax down ends it", isRetriable: false)
            }
            usleep(1_000)
        }
        write("\(getpid())\n")
    }

    func sayReady() { write("\(getpid())\nready\n") }

    /// The lock counts; the words are for people, and a full disk keeps nobody from starting.
    private func write(_ text: String) {
        try? lock.file.truncate(to: 0)
        try? lock.file.write(Array(text.utf8).span.bytes, at: 0)
    }

    /// Who holds the lock now; nil where nobody does. A process that died leaves its words in the file but not the lock.
    static func holder(_ path: String) -> (process: pid_t, isReady: Bool)? {
        guard let file = try? File.update(path) else { return nil }
        // Shared, so that two who look do not see one another.
        guard let isFree = try? FileLock(file).tryLock(.shared), !isFree else { return nil }
        let words = String(decoding: (try? file.contents(atMost: 64)) ?? [], as: UTF8.self).split(separator: "\n")
        guard let process = words.first.flatMap({ pid_t($0) }), process > 1 else { return nil }
        return (process, words.dropFirst().first == "ready")
    }

    /// Waits until nobody holds it, by asking every 50 ms.
    static func waitUntilFree(_ path: String, within deadline: Duration) -> Bool {
        let latest = ContinuousClock.now + deadline
        while holder(path) != nil {
            guard ContinuousClock.now < latest else { return false }
            usleep(50_000)
        }
        return true
    }
}
