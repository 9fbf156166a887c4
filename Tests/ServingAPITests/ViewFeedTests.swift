import NIOCore
import ParallaxCore
import Synchronization
import Testing

@testable import ServingAPI

/// The feed without a server: a table of a few keys in the place of the view, and clients that are quick, slow and gone.
@Suite struct ViewFeedTests {
    static let columns = RowColumns([
        EncodedColumn(name: "k", type: "text", kind: .text), EncodedColumn(name: "n", type: "bigint", kind: .int64),
    ])

    static func row(_ key: String, _ change: Int64, _ value: Int?, _ operation: FollowedRow.Operation = .upsert) -> FollowedRow {
        FollowedRow(
            key: key, change: change, operation: value == nil ? .delete : operation, values: [key, value.map { "\($0)" }], columns)
    }

    static func update(_ from: Int64, _ to: Int64, _ rows: [FollowedRow] = [], run: Int64 = 1, watermark: Int64 = 0) -> ViewUpdate {
        ViewUpdate(
            from: from, to: to, rows: rows, columns: columns, standing: Standing(run: run, watermark: watermark, freshnessSeconds: 0))
    }

    private func started(_ limits: ViewFeed.Limits = ViewFeed.Limits(), at number: Int64 = 0) -> ViewFeed {
        var feed = ViewFeed(limits)
        _ = feed.announced()
        _ = feed.looked(Self.update(number, number))
        return feed
    }

    /// What the view would be: each change sets or takes away a key.
    private struct Table {
        var rows: [String: Int] = [:]
        var changedAt: [String: Int64] = [:]
        var number: Int64 = 0

        mutating func change(_ key: String, _ value: Int?) {
            number += 1
            rows[key] = value
            changedAt[key] = number
        }

        /// - Parameter limit: of rows; the rest is left to the next look.
        func look(since: Int64, limit: Int = .max) -> ViewUpdate {
            let keys = changedAt.filter { $0.value > since }.sorted { $0.value < $1.value }
            let some = keys.prefix(limit)
            var update = ViewFeedTests.update(
                since, number, some.map { ViewFeedTests.row($0.key, $0.value, rows[$0.key]) }, watermark: number)
            if some.count < keys.count { (update.to, update.hasMore) = (some.last?.value ?? since, true) }
            return update
        }
    }

    private struct Client {
        var id: Int
        var rows: [String: Int]?
        var number: Int64 = 0

        mutating func take(_ batch: ClientQueue.Batch, table: Table) {
            if batch.isReset { rows = nil }
            for row in batch.rows { rows?[row.key] = row.operation == .delete ? nil : row.values[1].flatMap { Int($0) } }
            number = batch.to ?? number
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
    func everyClientHoldsTheView(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var limits = ViewFeed.Limits()
        (limits.updatesKept, limits.rowsKept) = (6, 30)
        var table = Table()
        table.change("a", 1)
        var feed = started(limits, at: table.number)
        var clients: [Client] = []
        var (resumed, snapshots, resets) = (0, 0, 0)
        for _ in 0..<600 {
            switch Int.random(in: 0..<12, using: &random) {
            case 0...3:
                for _ in 0..<Int.random(in: 1..<5, using: &random) {
                    let key = ["a", "b", "c", "d", "é"].randomElement(using: &random) ?? "a"
                    table.change(key, Int.random(in: 0..<4, using: &random) == 0 ? nil : Int.random(in: 0..<100, using: &random))
                }
            case 4...6:
                var isDue = feed.announced()
                while isDue {
                    // What happens while it looks is in the next look.
                    let found = table.look(since: feed.number ?? 0, limit: Int.random(in: 1..<6, using: &random))
                    if Int.random(in: 0..<3, using: &random) == 0 {
                        table.change("b", Int.random(in: 0..<100, using: &random))
                        _ = feed.announced()
                    }
                    isDue = feed.looked(found)
                }
            case 7: clients.append(Client(id: feed.join()))
            case 8:
                // Rows in a statement of its own, ahead of the feed; or of long ago, for those who never took any.
                for index in clients.indices where clients[index].rows == nil {
                    (clients[index].rows, clients[index].number) = (table.rows, table.number)
                    feed.begin(clients[index].id, above: table.number)
                    snapshots += 1
                }
            case 9, 10:
                for index in clients.indices where clients[index].rows != nil && Bool.random(using: &random) {
                    if let batch = feed.take(clients[index].id) { clients[index].take(batch, table: table) }
                }
            default:
                guard let index = clients.indices.randomElement(using: &random), clients[index].rows != nil else { continue }
                feed.leave(clients[index].id)
                clients[index].id = feed.join()
                if feed.resume(clients[index].id, since: clients[index].number) {
                    resumed += 1
                } else {
                    clients[index].rows = nil
                    resets += 1
                }
            }
        }
        if feed.announced() { _ = feed.looked(table.look(since: feed.number ?? 0)) }
        for var client in clients where client.rows != nil {
            if let batch = feed.take(client.id) { client.take(batch, table: table) }
            #expect(client.rows == table.rows, "seed \(seed): client \(client.id) after \(client.number)")
        }
        #expect(resumed > 5 && snapshots > 5 && resets > 0, "seed \(seed): \(resumed) \(snapshots) \(resets)")
    }

    @Test func oneLookServesAllHoweverManyTheyAre() {
        var feed = started()
        let ids = (0..<1_000).map { _ in feed.join() }
        for id in ids { feed.begin(id, above: 0) }
        var looks = 0
        for change in Int64(1)...10 {
            // A flush is announced on several channels, and while the look is under way.
            guard feed.announced() else { continue }
            looks += 1
            #expect(!feed.announced() || change < 0)
            let again = feed.looked(Self.update(change - 1, change, [Self.row("a", change, Int(change))]))
            #expect(again)
            _ = feed.looked(Self.update(change, change))
            looks += 1
        }
        #expect(looks == 20 && feed.looks == 21)
        for id in ids {
            let batch = feed.take(id)
            #expect(batch?.rows.count == 1 && batch?.to == 10)
        }
    }

    @Test func aSlowClientGetsTheLatestRowsAndIsLetGoBeyondTheLimit() {
        var limits = ViewFeed.Limits()
        limits.rowsWaiting = 3
        var feed = started(limits)
        let (slow, quick) = (feed.join(), feed.join())
        for id in [slow, quick] { feed.begin(id, above: 0) }
        for change in Int64(1)...50 {
            _ = feed.announced()
            _ = feed.looked(Self.update(change - 1, change, [Self.row("k\(change % 3)", change, Int(change))]))
            #expect(feed.take(quick)?.rows.map(\.change) == [change])
        }
        let batch = feed.take(slow)
        #expect(batch?.rows.map(\.change) == [48, 49, 50] && batch?.to == 50 && batch?.isLetGo == false)
        for change in Int64(51)...54 {
            _ = feed.announced()
            _ = feed.looked(Self.update(change - 1, change, [Self.row("k\(change)", change, 0)]))
            _ = feed.take(quick)
        }
        #expect(feed.take(slow)?.isLetGo == true)
        // It comes back with what it has.
        let again = feed.join()
        #expect(feed.resume(again, since: 50) == true)
    }

    @Test func aResetForgetsWhatCameBefore() {
        var feed = started()
        let id = feed.join()
        feed.begin(id, above: 0)
        _ = feed.announced()
        _ = feed.looked(Self.update(0, 1, [Self.row("a", 1, 1)]))
        var reset = Self.update(1, 2)
        reset.isReset = true
        _ = feed.announced()
        _ = feed.looked(reset)
        let batch = feed.take(id)
        #expect(batch?.isReset == true && batch?.rows.isEmpty == true)
        #expect(feed.updates(since: 1) == nil && feed.updates(since: 2)?.isEmpty == true)
        // A snapshot that was taken before another reset does not swallow it.
        _ = feed.announced()
        var other = Self.update(2, 9)
        other.isReset = true
        _ = feed.looked(other)
        feed.begin(id, above: 5)
        #expect(feed.take(id)?.isReset == true)
    }

    @Test func windowsAreToldOnceAndRunsWhenTheyChange() {
        var feed = started()
        let id = feed.join()
        feed.begin(id, above: 0)
        func look(_ to: Int64, watermark: Int64, run: Int64 = 1, closed: [(String, Int64)]) -> ClientQueue.Batch? {
            var update = Self.update(to - 1, to, run: run, watermark: watermark)
            update.closed = closed.map { ClosedWindow(start: $0.0, latestEnd: $0.1) }
            _ = feed.announced()
            _ = feed.looked(update)
            return feed.take(id)
        }
        let first = look(1, watermark: 100, closed: [("w1", 60)])
        #expect(first?.closed.map(\.start) == ["w1"] && first?.published == nil)
        // A run makes its row another: the window was closed before.
        let second = look(2, watermark: 100, run: 2, closed: [("w1", 60)])
        #expect(second?.closed.isEmpty == true && second?.published == 2)
        #expect(look(3, watermark: 130, run: 2, closed: [("w2", 120), ("w1", 60)])?.closed.map(\.start) == ["w2"])
        #expect(look(4, watermark: 130, run: 2, closed: [("w2", 120)])?.closed.isEmpty == true)
    }

    /// A look that found only a part of what there was says how far the view is by now: the rest closes windows all the same.
    @Test func windowsOfTheRestOfALookAreTold() {
        var feed = started()
        let id = feed.join()
        feed.begin(id, above: 0)
        var part = Self.update(0, 1, [Self.row("a", 1, 1)], run: 2, watermark: 100)
        part.closed = [ClosedWindow(start: "w1", latestEnd: 50)]
        part.hasMore = true
        _ = feed.announced()
        let isMore = feed.looked(part)
        #expect(isMore)
        let first = feed.take(id)
        #expect(first?.closed.map(\.start) == ["w1"] && first?.published == nil)
        var rest = Self.update(1, 2, [Self.row("b", 2, 1)], run: 2, watermark: 100)
        rest.closed = [ClosedWindow(start: "w1", latestEnd: 50), ClosedWindow(start: "w2", latestEnd: 60)]
        let isDue = feed.looked(rest)
        #expect(!isDue)
        let second = feed.take(id)
        #expect(second?.closed.map(\.start) == ["w2"] && second?.published == 2)
    }

    @Test func whoeverHasMissedNothingHearsThatItIsSo() {
        var feed = started(at: 7)
        let id = feed.join()
        let isKept = feed.resume(id, since: 7)
        #expect(isKept)
        let batch = feed.take(id)
        #expect(batch?.to == 7 && batch?.standing?.run == 1 && batch?.rows.isEmpty == true)
        let (nothing, isOlderKept) = (feed.take(id), feed.resume(id, since: 6))
        #expect(nothing == nil && !isOlderKept)
    }

    @Test func whatNobodyFollowsIsIdleAfterAWhile() {
        var feed = started()
        let id = feed.join()
        for _ in 0..<10 { feed.beat() }
        #expect(!feed.isIdle && feed.take(id)?.isBeat == true)
        feed.leave(id)
        for _ in 0..<3 { feed.beat() }
        #expect(!feed.isIdle)
        feed.beat()
        #expect(feed.isIdle)
    }

    @Test func manyChangesInOneAnswerEndWithAWholeChange() {
        let updates = [
            Self.update(0, 5, [Self.row("a", 1, 1), Self.row("b", 3, 1), Self.row("c", 3, 1)]),
            Self.update(5, 9, [Self.row("a", 7, 2), Self.row("d", 8, 1)]),
        ]
        let all = ChangesEndpoint.merged(updates, since: 0, limit: 4)
        #expect(all?.rows.map(\.key) == ["b", "c", "a", "d"] && all?.next == 9)
        let part = ChangesEndpoint.merged(updates, since: 0, limit: 1)
        #expect(part?.rows.map(\.key) == ["b", "c"] && part?.next == 3)
        // The next answer begins behind it, though the same look has found both.
        let rest = ChangesEndpoint.merged(updates, since: 3, limit: 1)
        #expect(rest?.rows.map(\.key) == ["a"] && rest?.next == 7)
        #expect(ChangesEndpoint.merged(updates, since: 7, limit: 1)?.rows.map(\.key) == ["d"])
        #expect(ChangesEndpoint.merged(updates, since: 8, limit: 1) == nil)
        #expect(ChangesEndpoint.merged([Self.update(0, 3)], since: 0, limit: 1) == nil)
    }
}

@Suite struct StreamSlotTests {
    private static func grant(_ token: Int64) -> Grant {
        Grant(subject: "token", views: nil, sources: nil, scopes: [.read], token: token)
    }

    @Test func slotsAreCountedInAllByAddressAndByToken() throws {
        let slots = StreamSlots(limit: 4, perAddress: 2, perToken: 2)
        var held = [try slots.take(for: .everything, "a"), try slots.take(for: .everything, "a")]
        let one = #expect(throws: Problem.self) { _ = try slots.take(for: .everything, "a") }
        #expect(one?.status == .serviceUnavailable && one?.code == "too_many_streams")
        held.append(try slots.take(for: Self.grant(1), "b"))
        held.append(try slots.take(for: Self.grant(1), "c"))
        let token = #expect(throws: Problem.self) { _ = try slots.take(for: Self.grant(1), "d") }
        #expect(token?.status == .tooManyRequests && token?.retryAfterSeconds != nil)
        let all = #expect(throws: Problem.self) { _ = try slots.take(for: Self.grant(2), "d") }
        #expect(all?.status == .serviceUnavailable && all?.retryAfterSeconds != nil)
        #expect(slots.holders == [nil, 1])
        held.removeFirst()
        #expect(slots.count == 3)
        held.append(try slots.take(for: Self.grant(2), "a"))
        held = []
        #expect(slots.count == 0 && slots.holders.isEmpty)
    }

    @Test func streamsOfATokenThatIsRevokedEndAndNoOthers() throws {
        let slots = StreamSlots(limit: 10, perAddress: 10, perToken: 2)
        var first: StreamSlots.Slot? = try slots.take(for: Self.grant(1), "a")
        let (other, nobodys) = (try slots.take(for: Self.grant(2), "a"), try slots.take(for: .everything, "a"))
        slots.end([1, 3])
        #expect(first?.isEnded == true && !other.isEnded && !nobodys.isEnded)
        first = nil
        // What is given back is forgotten: numbers of tokens do not pile up.
        #expect(try !slots.take(for: Self.grant(1), "a").isEnded)
    }
}

@Suite struct TurnstileTests {
    private final class Counts: Sendable {
        struct State: Sendable { var (now, most, passed) = (0, 0, 0) }
        let state = Mutex(State())
    }

    /// All pass, never more at a time than there are places, and those who give up leave no place empty.
    @Test func noMoreThanItsPlacesAreInsideAndNobodyIsForgotten() async throws {
        let turnstile = Turnstile(places: 2)
        let inside = Counts()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    do {
                        try await turnstile.pass {
                            inside.state.withLock { inside in
                                inside.now += 1
                                inside.most = max(inside.most, inside.now)
                            }
                            for _ in 0..<5 { await Task.yield() }
                            inside.state.withLock { inside in
                                inside.now -= 1
                                inside.passed += 1
                            }
                        }
                    } catch is CancellationError {}
                }
            }
            for _ in 0..<50 { try await group.next() }
            // The others give up, wherever they are.
            group.cancelAll()
            try await group.waitForAll()
        }
        let counts = inside.state.withLock { $0 }
        #expect(counts.now == 0 && counts.most <= 2 && counts.passed >= 50 && turnstile.waiting == 0, "\(counts)")
        let isFree = try await turnstile.pass { true }
        #expect(isFree)
    }
}

@Suite struct EventTextTests {
    private func events(_ buffer: ByteBuffer) -> [[String]] {
        String(buffer: buffer).components("\n\n").filter { !$0.isEmpty }.map { $0.components("\n") }
    }

    @Test func theLastEventOfABatchHasItsNumber() {
        let row = "{\"key\":\"" + String(repeating: "é", count: 20_000) + "\"}"
        var parts = RowParts(.change, list: "changes", change: 7)
        var buffers = (0..<4).compactMap { _ in parts.append(row) }
        buffers.append(parts.end(id: 7))
        // Each is written at once, and is whole.
        let found = buffers.flatMap(events)
        #expect(buffers.count == 2 && parts.count == 2)
        #expect(found.count == 2 && found.allSatisfy { $0[0] == "event: change" })
        #expect(found.map { $0.count == 3 } == [false, true] && found[1][1] == "id: 7")
        #expect(found[0][1].hasSuffix("\"last\":false}") && found[1][2].hasSuffix("\"last\":true}"))
    }

    @Test func aValueHasNoLineBreak() {
        let columns = RowColumns([
            EncodedColumn(name: "j", type: "json", kind: .json), EncodedColumn(name: "t", type: "text", kind: .text),
            EncodedColumn(name: "f", type: "double precision", kind: .float),
        ])
        let text = columns.object(["{\"a\":\n1}", "x\ny\r", "NaN"])
        #expect(text == "{\"j\":{\"a\": 1},\"t\":\"x\\ny\\r\",\"f\":null,\"@not_finite\":{\"f\":\"NaN\"}}")
        #expect(columns.object(["1", nil, "2"], only: [2, 1]) == "{\"f\":2,\"t\":null}")
    }
}

extension String {
    /// Foundation's is not needed for it.
    fileprivate func components(_ separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}

private struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
