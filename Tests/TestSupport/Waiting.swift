import Glibc

/// True as soon as the condition is, false after the deadline. It asks; it does not sleep through. Nothing that comes is late before a minute: the machine may be
/// slow, and busy with other tests.
public func becomesTrue(within deadline: Duration = .seconds(60), _ condition: () throws -> Bool) rethrows -> Bool {
    let latest = ContinuousClock.now + deadline
    while ContinuousClock.now < latest {
        if try condition() { return true }
        poll(nil, 0, 20)
    }
    return try condition()
}
