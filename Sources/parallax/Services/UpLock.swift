import Foundation
import ParallaxCore

/// A pipeline is up at most once: who is holds an flock(2) on `.parallax/up.lock`, which ends with the process, however that ends. The file says
/// who: the process id, and then "ready" once everything runs.
final class UpLock: Sendable {
    private let descriptor: Int32
    let path: String

    /// How long a start gives way to those who only look, one after the other.
    private static let patienceWithLookers = Duration.seconds(5)

    /// Throws `.busy` where somebody holds it.
    init(_ path: String) throws(ParallaxError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ParallaxError(.disk, "cannot open \(path)", detail: String(cString: strerror(errno)))
        }
        let latest = ContinuousClock.now + Self.patienceWithLookers
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            // Somebody who only looks holds the lock too, for an instant.
            let holder = Self.holder(path)
            if holder == nil, ContinuousClock.now < latest {
                usleep(1_000)
                continue
            }
            close(descriptor)
            throw ParallaxError(
                .busy, "the pipeline is up already" + (holder.map { ", in process \($0.process)" } ?? ""),
                hint: "parallax down ends it", isRetriable: false)
        }
        write("\(getpid())\n")
    }

    deinit { close(descriptor) }

    func sayReady() { write("\(getpid())\nready\n") }

    private func write(_ text: String) {
        ftruncate(descriptor, 0)
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    /// Who holds the lock now; nil where nobody does. A process that died leaves its words in the file but not the lock.
    static func holder(_ path: String) -> (process: pid_t, isReady: Bool)? {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Shared, so that two who look do not see one another.
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return nil }
        let words = ((try? readText(path)) ?? "").split(separator: "\n")
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
