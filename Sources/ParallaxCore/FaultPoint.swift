#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Synchronization

/// Named places where a crash test may end the process, as a power cut would: no `deinit`, no flush, no signal handler.
///
/// `PARALLAX_FAULT=archive.afterRename:3` ends it, with status 137, at the third passing of that point; without a number at
/// the first. It is compiled into release builds too: the crash tests shall kill the very program that people run, and an
/// unarmed point costs one load and one branch.
public enum FaultPoint {
    /// Does nothing, unless the environment names this point.
    @inline(__always)
    public static func pass(_ name: StaticString) {
        if let armed { armed.pass(name) }
    }

    private static let armed = Armed(getenv("PARALLAX_FAULT").map { String(cString: $0) })

    private final class Armed: Sendable {
        let name: String
        let passingsLeft: Atomic<Int>

        /// `setting` is `<point>` or `<point>:<n>`, n from 1 on.
        init?(_ setting: String?) {
            guard let setting, !setting.isEmpty else { return nil }
            let parts = setting.split(separator: ":", maxSplits: 1)
            name = String(parts[0])
            passingsLeft = Atomic(parts.count == 2 ? max(1, Int(parts[1]) ?? 1) : 1)
        }

        @inline(never)
        func pass(_ point: StaticString) {
            guard point.description == name else { return }
            if passingsLeft.subtract(1, ordering: .relaxed).newValue == 0 { _exit(137) }
        }
    }
}
