import ParallaxCore

/// One view's changes for all who follow it: when to look, what the looks found, and who gets it. A value; `LiveView` performs what it decides.
///
///     nobody ──join──► looks for the first number ──found──► waits ──announced──► looks ──found──► waits
///                                                                                  │ announced meanwhile: looks once more
///
/// I8  A client that began with a snapshot of the number n, joined before it was taken, gets all that changed above n: each look begins where the one before
///     ended, and the first ended before the client's snapshot was taken.
///
/// One look serves all: their number does not matter.
struct ViewFeed: Sendable {
    struct Limits: Sendable, Hashable {
        /// Rows of one client that wait; beyond it is let go.
        var rowsWaiting = 100_000
        /// Rows of past looks that are kept for those who come back. A few seconds of a busy view.
        var rowsKept = 20_000
        var updatesKept = 1_000
        /// Beats without a follower until a view is not looked at any more.
        var idleBeats = 4
    }

    let limits: Limits
    /// The last look ended here; nil: there was none.
    private(set) var number: Int64?
    private(set) var standing: Standing?
    private(set) var frontier = JSONText.null
    private(set) var isGone = false
    private(set) var looks = 0
    /// Looks without a gap between them, the newest last.
    private(set) var kept: [ViewUpdate] = []
    private var rowsKept = 0
    private var isLooking = false
    private var isDue = false
    /// After the last look that found all there was: later news are measured by it.
    private var told: Standing?
    private var queues: [Int: ClientQueue] = [:]
    private var nextID = 1
    private var idleBeats = 0
    /// Windows that were told to be closed, and may come again.
    private var toldClosed: Set<ClosedWindow> = []

    init(_ limits: Limits = Limits()) { self.limits = limits }

    var followers: Int { queues.count }
    var isIdle: Bool { queues.isEmpty && idleBeats >= limits.idleBeats }

    // MARK: followers

    mutating func join() -> Int {
        defer { nextID += 1 }
        queues[nextID] = ClientQueue(maxRows: limits.rowsWaiting)
        idleBeats = 0
        if isGone { queues[nextID]?.end() }
        return nextID
    }

    mutating func leave(_ id: Int) { queues[id] = nil }

    /// Gives a client that came back what it has missed; false where that is not kept here.
    mutating func resume(_ id: Int, since: Int64) -> Bool {
        guard let missed = updates(since: since) else { return false }
        queues[id] = ClientQueue(maxRows: limits.rowsWaiting)
        queues[id]?.begin(above: since)
        for update in missed { queues[id]?.push(update) }
        // Whoever has missed nothing hears that it is so.
        if missed.isEmpty, let standing { queues[id]?.tell(standing, at: since) }
        return true
    }

    mutating func begin(_ id: Int, above number: Int64) { queues[id]?.begin(above: number) }

    func hasNews(_ id: Int) -> Bool { queues[id]?.hasNews ?? true }

    mutating func take(_ id: Int) -> ClientQueue.Batch? { queues[id]?.take() }

    /// The looks that have something above a number; nil where not all of them are kept.
    func updates(since: Int64) -> [ViewUpdate]? {
        guard let number, since <= number, !isGone else { return nil }
        if since == number { return [] }
        guard let first = kept.first, first.from <= since else { return nil }
        // In their order: whoever keeps up has all but the last few.
        let start = kept.lastIndex { $0.to <= since }.map { $0 + 1 } ?? 0
        return Array(kept[start...])
    }

    // MARK: looks

    /// Something may have happened. True: look, from `number` on.
    mutating func announced() -> Bool {
        guard !isGone else { return false }
        if isLooking {
            isDue = true
            return false
        }
        isLooking = true
        return true
    }

    /// A look has ended. True: look again.
    mutating func looked(_ update: ViewUpdate) -> Bool {
        var update = update
        looks += 1
        isLooking = false
        update.closed = newlyClosed(update)
        standing = update.standing
        // Of a part of the changes: the rest belongs to it.
        if !update.hasMore {
            update.published = told.flatMap { $0.run != update.standing.run ? update.standing.run : nil }
            told = update.standing
        }
        frontier = update.frontier
        let isFirst = number == nil
        if update.isReset {
            kept = []
            rowsKept = 0
        } else if !isFirst, update.to > update.from {
            kept.append(update)
            rowsKept += update.rows.count
            while kept.count > limits.updatesKept || (rowsKept > limits.rowsKept && kept.count > 1) {
                rowsKept -= kept.removeFirst().rows.count
            }
        }
        number = update.to
        if !isFirst, update.to > update.from || update.isReset {
            // Their numbers are copied: a walk over the dictionary would hold it, and the first push copy all queues with all that waits in them.
            for id in Array(queues.keys) { queues[id]?.push(update) }
        }
        guard isDue || update.hasMore else { return false }
        isDue = false
        isLooking = true
        return true
    }

    private mutating func newlyClosed(_ update: ViewUpdate) -> [ClosedWindow] {
        guard let told else { return [] }
        // What ended before the last watermark was told, or closed before anybody asked.
        let before = told.watermark ?? .min
        toldClosed = toldClosed.filter { $0.latestEnd > before }
        return update.closed.filter { $0.latestEnd > before && toldClosed.insert($0).inserted }
    }

    /// It did not come off: the next announcement tries again.
    mutating func lookFailed() {
        isLooking = false
        isDue = false
    }

    mutating func viewIsGone() {
        isLooking = false
        isGone = true
        for id in Array(queues.keys) { queues[id]?.end() }
    }

    mutating func beat() {
        idleBeats = queues.isEmpty ? idleBeats + 1 : 0
        for id in Array(queues.keys) { queues[id]?.beat() }
    }
}
