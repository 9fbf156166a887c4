import Glibc

/// Whether the condition comes true within the time. Looks every few milliseconds: of what is asked here, nothing paces the looks by itself.
func waitUntil(within time: Duration, _ condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + time
    while !condition() {
        guard ContinuousClock.now < deadline else { return false }
        _ = poll(nil, 0, 20)
    }
    return true
}
