import ParallaxCore

/// What waits for one client: at most one row a key, the latest. A slow client gets fewer events, never wrong ones.
///
///     push   a1 b1 | a2 | c3        (updates that end at 1, 2, 3)
///     take   b1 a2 c3, up to 3
///
/// Bound: `maxRows` keys. Beyond it the client is let go; it comes back with the number that it has.
struct ClientQueue: Sendable {
    struct Batch: Sendable {
        var rows: [FollowedRow] = []
        var columns: RowColumns?
        /// Where the rows lead to; nil: no look has ended since the last batch.
        var to: Int64?
        var standing: Standing?
        var closed: [ClosedWindow] = []
        var published: Int64?
        /// Rows of before mean nothing any more: take all anew.
        var isReset = false
        /// Nothing came for a while: say that the connection lives.
        var isBeat = false
        var isLetGo = false
        /// The view is gone.
        var isGone = false
    }

    /// Updates that wait as they are, shared by all clients: whoever keeps up costs nothing a row. More of them become one row a key.
    static let maxUpdates = 8

    let maxRows: Int
    /// The newest last.
    private var updates: [ViewUpdate] = []
    private var rowsOfUpdates = 0
    /// Of older updates, with their places in the order of their coming.
    private var rows: [String: (row: FollowedRow, place: Int)] = [:]
    private var places = 0
    private var batch = Batch()
    private(set) var hasNews = false
    /// The client has everything up to it.
    private var floor = Int64.min
    private var resetAt = Int64.min

    init(maxRows: Int) { self.maxRows = maxRows }

    /// What it holds: at most `maxRows` after each push.
    var count: Int { rows.count + rowsOfUpdates }

    mutating func push(_ update: ViewUpdate) {
        guard update.to > floor || update.isReset, !batch.isLetGo else { return }
        hasNews = true
        if update.isReset {
            forget()
            batch.isReset = true
            // A database that was restored counts from an earlier number on.
            floor = .min
            resetAt = update.to
        }
        if !update.rows.isEmpty {
            updates.append(update)
            rowsOfUpdates += update.rows.count
        }
        batch.columns = update.columns
        batch.to = update.to
        batch.standing = update.standing
        batch.closed += update.closed
        batch.published = update.published ?? batch.published
        if updates.count > Self.maxUpdates || count > maxRows { merge() }
        if count > maxRows {
            forget()
            batch.isLetGo = true
        }
    }

    private mutating func forget() {
        (rows, updates, rowsOfUpdates) = ([:], [], 0)
        batch = Batch()
    }

    private mutating func merge() {
        for update in updates {
            for row in update.rows {
                rows[row.key] = (row, places)
                places += 1
            }
        }
        (updates, rowsOfUpdates) = ([], 0)
    }

    /// The client has all up to here, and nothing is on its way: say so.
    mutating func tell(_ standing: Standing, at number: Int64) {
        batch.to = number
        batch.standing = standing
        hasNews = true
    }

    mutating func beat() {
        batch.isBeat = true
        hasNews = true
    }

    mutating func end() {
        batch.isGone = true
        hasNews = true
    }

    /// The client has a snapshot of this number. What came from earlier looks is in it, and may be older than it; what a later look found is not.
    mutating func begin(above number: Int64) {
        floor = number
        let reaches = (batch.to ?? .min) > number
        let (isReset, isGone, isLetGo) = (batch.isReset, batch.isGone, batch.isLetGo)
        merge()
        if reaches {
            // Whatever changed last before the snapshot is in it as it is.
            rows = rows.filter { $0.value.row.change > number }
        } else {
            forget()
        }
        (batch.isReset, batch.isGone, batch.isLetGo) = (isReset && resetAt > number, isGone, isLetGo)
        hasNews = reaches || isGone || isLetGo
    }

    mutating func take() -> Batch? {
        guard hasNews else { return nil }
        var taken = batch
        if rows.isEmpty, updates.count <= 1 {
            taken.rows = updates.first?.rows ?? []
        } else {
            merge()
            taken.rows = rows.values.sorted { $0.place < $1.place }.map(\.row)
        }
        forget()
        places = 0
        (batch.isLetGo, batch.isGone) = (taken.isLetGo, taken.isGone)
        hasNews = false
        return taken
    }
}
