import Columns
import ParallaxCore
import TestSupport
import Testing
import ViewLanguage

@testable import Operators

/// Sessions by the slow twin: events of each group in the order of time, one after the other.
@Suite struct SessionTests {
    private struct Session: Equatable {
        var first: Int64
        var last: Int64
        var label: String?
        var n: Int64
        /// Sum of `small` as text; nil over no value.
        var total: String?
    }

    private static let microsecondsPerSecond = Instant.microsecondsPerSecond

    private func view(_ seconds: Int) -> Plan {
        plan("SELECT session(at, '\(seconds) seconds') AS s, label, count(*) AS n, sum(small) AS total FROM every_type GROUP BY s, label")
    }

    /// `random` events reach over three minutes; their times are whole seconds, so that many are just a gap apart.
    private func slowTwin(_ events: EventBatch, gap: Int64) -> [Session] {
        let times = events.ints(1)
        let small = events.ints(3)
        let labels = events.texts(2)
        var byLabel: [String?: [(time: Int64, small: Int64?)]] = [:]
        for row in 0..<events.count {
            let label = events.columns[2]?.isNull(row) == true ? nil : labels[row]
            byLabel[label, default: []].append((times[row], events.columns[3]?.isNull(row) == true ? nil : small[row]))
        }
        var sessions: [Session] = []
        for (label, events) in byLabel {
            var open: Session?
            var total: Int64?
            for event in events.sorted(by: { $0.time < $1.time }) {
                if let session = open, event.time - session.last >= gap {
                    sessions.append(session)
                    (open, total) = (nil, nil)
                }
                var session = open ?? Session(first: event.time, last: event.time, label: label, n: 0, total: nil)
                session.last = event.time
                session.n += 1
                if let value = event.small { total = (total ?? 0) + value }
                session.total = total.map { "\($0)" }
                open = session
            }
            if let open { sessions.append(open) }
        }
        return Self.ordered(sessions)
    }

    private static func ordered(_ sessions: [Session]) -> [Session] {
        sessions.sorted { ($0.first, $0.label == nil ? 1 : 0, $0.label ?? "") < ($1.first, $1.label == nil ? 1 : 0, $1.label ?? "") }
    }

    private func sessions(_ rows: StateRows) throws -> [Session] {
        #expect(rows.layout.columns.map(\.name) == ["window_start", "g0", "session_last", "m0_n", "m1_s"])
        guard case .column(let starts) = rows.values[0], case .int64(let firsts) = starts.storage,
            case .column(let labels) = rows.values[1],
            case .text(let names) = labels.storage, case .column(let ends) = rows.values[2], case .int64(let lasts) = ends.storage,
            case .counts(let counts) = rows.values[3], case .text(let totals) = rows.values[4]
        else { throw ParallaxError(.internalInconsistency, "another layout") }
        return (0..<rows.count).map { row in
            Session(
                first: firsts[row], last: lasts[row], label: labels.isNull(row) ? nil : names.string(row), n: counts[row],
                total: totals.isNull(row) ? nil : totals.string(row))
        }
    }

    @Test(arguments: [UInt64(41), 42, 43], [1, 2, 3, 7, 60])
    func theBatchLayerHandsOverWholeSessions(_ seed: UInt64, _ seconds: Int) throws {
        let events = randomSessions(400, seed: seed)
        let expected = slowTwin(events, gap: Int64(seconds) * Self.microsecondsPerSecond)
        let whole = ViewAggregator(plan: view(seconds), layer: .batch)
        #expect(whole.addAll(events).isEmpty)
        #expect(try sessions(whole.takeRows()) == expected, "seed \(seed), gap \(seconds) s")
        #expect(whole.groupCount == 0 && whole.takeRows().count == 0)

        // Whatever the order and the split of the rows.
        var random = SeededGenerator(seed: seed)
        for row in (0..<Int32(events.count)).shuffled(using: &random) { _ = whole.add(events, rows: [row]) }
        #expect(try sessions(whole.takeRows()) == expected, "seed \(seed), gap \(seconds) s")
    }

    /// What the merged view does with the speed layer's atoms, of several flushes: chains of [first, last] are the sessions.
    @Test(arguments: [UInt64(51), 52], [1, 3, 7])
    func atomsOfAnyFlushesMakeTheSessions(_ seed: UInt64, _ seconds: Int) throws {
        let gap = Int64(seconds) * Self.microsecondsPerSecond
        let events = randomSessions(300, seed: seed)
        var random = SeededGenerator(seed: seed)
        var atoms: [String?: [(first: Int64, last: Int64, n: Int64)]] = [:]
        for part in [0, 1, 2] {
            let aggregator = ViewAggregator(plan: view(seconds), layer: .speed)
            let rows = (0..<Int32(events.count)).filter { Int($0) % 3 == part }.shuffled(using: &random).sorted()
            #expect(aggregator.add(events, rows: rows).isEmpty)
            let flushed = aggregator.takeRows()
            #expect(flushed.layout.columns.map(\.name) == ["window_start", "g0", "session_first", "session_last", "m0_n", "m1_s"])
            guard case .column(let starts) = flushed.values[0], case .int64(let windows) = starts.storage,
                case .column(let labels) = flushed.values[1], case .text(let names) = labels.storage,
                case .column(let first) = flushed.values[2], case .int64(let firsts) = first.storage,
                case .column(let last) = flushed.values[3], case .int64(let lasts) = last.storage,
                case .counts(let counts) = flushed.values[4]
            else { throw ParallaxError(.internalInconsistency, "another layout") }
            for row in 0..<flushed.count {
                #expect(
                    windows[row] % gap == 0 && windows[row] <= firsts[row] && firsts[row] <= lasts[row] && lasts[row] < windows[row] + gap)
                atoms[labels.isNull(row) ? nil : names.string(row), default: []].append((firsts[row], lasts[row], counts[row]))
            }
        }
        var found: [Session] = []
        for (label, intervals) in atoms {
            for interval in intervals.sorted(by: { $0.first < $1.first }) {
                if let previous = found.last, previous.label == label, interval.first < previous.last + gap {
                    found[found.count - 1].last = max(previous.last, interval.last)
                    found[found.count - 1].n += interval.n
                } else {
                    found.append(Session(first: interval.first, last: interval.last, label: label, n: interval.n, total: nil))
                }
            }
        }
        let expected = slowTwin(events, gap: gap).map { session in
            var session = session
            session.total = nil
            return session
        }
        #expect(Self.ordered(found) == expected, "seed \(seed), gap \(seconds) s")
    }

    @Test func aSketchStaysWhileTheSessionCanGrow() {
        let view = plan("SELECT session(at, '10 seconds') AS s, count(DISTINCT small) AS n FROM every_type GROUP BY s")
        let aggregator = ViewAggregator(plan: view, layer: .batch)
        let times = ["10:00:00", "10:00:09", "10:00:30"].map { "\"at\":\"2024-05-01T\($0)Z\"" }
        let id = "\"id\":\"00000000-0000-0000-0000-000000000001\""
        _ = aggregator.addAll(EventDecoder(everyType).decode(records(times.map { "{\(id),\($0),\"small\":1}" })))
        // 2024-05-01 10:00:19Z: an event of this instant would begin the next session.
        let end: Int64 = 1_714_557_619_000_000
        let rows = aggregator.takeRows(sketchesForWindowsEndingAfter: Instant(microseconds: end))
        #expect(rows.copyLines.map { $0.hasSuffix("\\N") } == [true, false])
        _ = aggregator.addAll(EventDecoder(everyType).decode(records(times.map { "{\(id),\($0),\"small\":1}" })))
        #expect(
            aggregator.takeRows(sketchesForWindowsEndingAfter: Instant(microseconds: end - 1)).copyLines.map { $0.hasSuffix("\\N") } == [
                false, false,
            ])
    }

    /// Within two gaps of the first timestamptz the bounds of a session could not be computed with.
    @Test func timesAtTheEndsOfTheCalendar() {
        let day: Int64 = 86_400_000_000
        let atoms = WindowAssignment(.init(name: "s", kind: .session(gap: day)))
        let first = Instant.acceptedRange.lowerBound
        #expect(atoms.start(first + day) == nil)
        #expect(atoms.start(first + 3 * day) != nil)
        #expect(atoms.start(Instant.acceptedRange.upperBound - 1) != nil)
        var bounds = SessionBounds(gap: day)
        bounds.add(groups: [0, 0, 1], times: [first, first + 1, .max - 1], groupCount: 2)
        #expect(!bounds.reaches(from: bounds.lasts[0], to: bounds.firsts[1]))
        #expect(bounds.end(1) == .max && bounds.end(0) == first + 1 + day)
    }
}

/// Events of few seconds among which are breaks of every length; each instant a whole second.
private func randomSessions(_ count: Int, seed: UInt64) -> EventBatch {
    var random = SeededGenerator(seed: seed)
    let labels = ["\"a\"", "\"b\"", "\"Ä\"", "null"]
    var second = 0
    let payloads = (0..<count).map { number -> String in
        second +=
            Int.random(in: 0..<20, using: &random) == 0 ? Int.random(in: 0..<15, using: &random) : Int.random(in: 0...1, using: &random)
        let time = second / 3600 + 10
        let id = String(String(1_000_000_000_000 + number).suffix(12))
        let stamp = "2024-05-01T\(time):\(String(100 + second / 60 % 60).suffix(2)):\(String(100 + second % 60).suffix(2))Z"
        let small = Int.random(in: 0..<5, using: &random) == 0 ? "null" : "\(Int.random(in: -50...50, using: &random))"
        return """
            {"id":"00000000-0000-0000-0000-\(id)","at":"\(stamp)","label":\(labels[Int.random(in: 0..<4, using: &random)]),"small":\(small)}
            """
    }
    return EventDecoder(everyType).decode(records(payloads.shuffled(using: &random)))
}
