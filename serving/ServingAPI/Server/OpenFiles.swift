import Glibc

/// How many files and sockets this process may have open at a time.
enum OpenFiles {
    /// Raises the limit as far as is wanted, and as the process may without anybody's leave.
    ///
    /// - Returns: what it is then; `Int.max` where nobody says.
    static func raiseLimit(to wanted: Int) -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return .max }
        let now = limit.rlim_cur
        let target = min(limit.rlim_max, rlim_t(wanted))
        guard target > now else { return Int(clamping: now) }
        limit.rlim_cur = target
        return Int(clamping: setrlimit(resource, &limit) == 0 ? target : now)
    }
}
