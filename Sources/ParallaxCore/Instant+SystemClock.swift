#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The wall clock of the machine: it may jump, in both directions. What decides is given the time, and does not ask for it.
@Sendable public func systemClock() -> Instant {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Instant(microseconds: Int64(now.tv_sec) * Instant.microsecondsPerSecond + Int64(now.tv_nsec) / 1_000)
}
