import Synchronization

/// Figures of push over HTTP, for `/metrics`. The labels are closed sets.
final class LiveFigures: Sendable {
    enum Event: String, CaseIterable {
        case snapshot, change, progress, published, reset, beat, problem
        case windowClosed = "window_closed"
    }

    /// How a stream, or a poll that waits, got its first rows.
    enum Beginning: String, CaseIterable {
        /// From what the feed has kept: no statement.
        case feed
        case changes
        case snapshot
    }

    /// Why the server ended a stream.
    enum End: String, CaseIterable {
        /// So many rows waited for it that it is quicker to begin anew.
        case queueFull = "queue_full"
        case viewGone = "view_gone"
        case viewChanged = "view_changed"
        case tokenEnded = "token_ended"
        case failed
    }

    struct Figures: Sendable {
        var looks = 0
        var failedLooks = 0
        var rows = 0
        var events: [Event: Int] = [:]
        var beginnings: [Beginning: Int] = [:]
        var ends: [End: Int] = [:]
    }

    private let figures = Mutex(Figures())

    func count(_ body: (inout Figures) -> Void) { figures.withLock { body(&$0) } }
    func count(_ end: End) { count { $0.ends[end, default: 0] += 1 } }
    func count(_ beginning: Beginning) { count { $0.beginnings[beginning, default: 0] += 1 } }
    func count(_ events: [Event: Int], rows: Int = 0) {
        count { figures in
            for (event, count) in events { figures.events[event, default: 0] += count }
            figures.rows += rows
        }
    }

    var current: Figures { figures.withLock { $0 } }
}
