import Glibc

/// Runs a blocking call on a new thread and awaits it. Files, disks and libpq block, and a thread of Swift's shared pool that waits in
/// one of them is missing everywhere else. The thread ends with the body; cancelling the task does not interrupt it.
///
/// `name` shows in `top -H` and debuggers (its first 15 bytes). Throws what the body throws, or `.limit` where the system has no
/// thread left.
public func onOwnThread<T: Sendable>(name: String, _ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<T, any Error>) in
        do { try startThread(name: name) { continuation.resume(with: Result(catching: body)) } } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// Runs the body on a new thread, and does not wait for it. Throws `.limit` where the system has no thread left.
public func startThread(name: String, _ body: @escaping @Sendable () -> Void) throws(ParallaxError) {
    let context = Unmanaged.passRetained(ThreadWork(name: name, run: body))
    var thread = pthread_t()
    let code = pthread_create(&thread, nil, runThreadWork, context.toOpaque())
    guard code == 0 else {
        context.release()
        throw ParallaxError(.limit, "cannot start a thread for \(name): \(String(cString: strerror(code)))", isRetriable: true)
    }
    pthread_detach(thread)
}

private final class ThreadWork: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}

/// Owns one reference to the work, which pthread carries as a raw pointer.
private func runThreadWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let work = Unmanaged<ThreadWork>.fromOpaque(context).takeRetainedValue()
    nameThisThread(work.name)
    work.run()
    return nil
}

/// Through /proc, since pthread_setname_np is a GNU extension that Swift does not import. A thread without a name works too.
private func nameThisThread(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let short = Array(name.utf8.prefix(15))
    _ = short.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
}
