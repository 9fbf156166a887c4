import BatchWorker
import Catalog
import Explanation
import ParallaxCore
import Postgres
import ServingViews
import SpeedLayer
import TestSupport
import Testing
import ViewLanguage

@testable import parallax

/// The events behind a row, loaded into PostgreSQL and aggregated there by the view's own SELECT, are the row: each layer's, and the merged one.
@Suite(.serialized) struct ExplanationTests {
    typealias View = LayeredPipeline.View
    typealias Fate = ExplainedEvent.Fate

    private static let tables = """
        CREATE TABLE page_info (page text PRIMARY KEY, section text, weight numeric(6,3));

        """
    private static let rows = "INSERT INTO dimension.page_info VALUES ('/0', 'home', 1.5), ('/1', 'shop', NULL), ('/2', 'shop', 2.25);"

    static let views: [View] = [
        View(
            "tumbling",
            """
            SELECT tumble(event_time, '1 minute') AS minute, page, count(*) AS n, sum(amount) AS total, avg(score) AS score, min(visitor) AS least,
                   count(*) FILTER (WHERE ok) AS good, count(DISTINCT visitor) AS visitors, sum(DISTINCT quantity) AS quantities
            FROM page_view GROUP BY minute, page
            """),
        View(
            "hopping",
            """
            SELECT hop(event_time, '1 minute', '3 minutes') AS start, ok, count(*) AS n, max(amount) AS most, stddev(quantity) AS spread
            FROM page_view WHERE page IS DISTINCT FROM '/3' GROUP BY start, ok
            """),
        View(
            "visits",
            """
            SELECT session(event_time, '20 seconds') AS visit, visitor, count(*) AS n, sum(quantity) AS q, window_end AS until
            FROM page_view WHERE visitor < 'v2' GROUP BY visit, visitor
            """,
            oracle: """
                SELECT session_start, visitor, count(*), sum(quantity), session_end
                FROM \(Oracle.sessions(of: "page_view", gap: "20 seconds", by: ["visitor"], where: "visitor < 'v2'")) GROUP BY session_start, session_end, visitor
                """),
        View(
            "calendar",
            """
            SELECT date_trunc('day', event_time, 'America/New_York') AS day, quantity, count(*) AS n, bool_or(ok) AS any_ok, sum(score) AS score
            FROM page_view GROUP BY day, quantity
            """),
        View(
            "no_window", "SELECT page, ok, count(*) AS n, sum(amount) AS total, bit_xor(quantity) AS bits FROM page_view GROUP BY page, ok"),
        View(
            "whole", "SELECT count(*) AS n, sum(duration_ms) AS total, round(sum(amount) / nullif(count(*), 0), 3) AS mean FROM page_view"),
        View(
            "sections",
            """
            SELECT tumble(event_time, '2 minutes') AS start, section, count(*) AS n, sum(weight * quantity) AS w
            FROM page_view JOIN page_info USING (page) GROUP BY start, section HAVING count(*) > 1
            """),
        View(
            "newest",
            "SELECT DISTINCT ON (visitor) visitor, event_id, event_time, page, amount FROM page_view ORDER BY visitor, event_time DESC"),
        // PostgreSQL refuses to divide by zero: so the view refuses those events.
        View(
            "ratio",
            "SELECT tumble(event_time, '5 minutes') AS start, visitor, count(*) AS n, sum(100 / quantity) AS r FROM page_view GROUP BY start, visitor"
        ),
        View("decimals", "SELECT round(amount, -2) AS a, score AS s, count(*) AS n, sum(amount) AS total FROM page_view GROUP BY 1, 2"),
    ]

    private func pipeline(partitions: Int) throws -> LayeredPipeline {
        let pipeline = try LayeredPipeline(partitions: partitions, sourceSQL: LayeredPipeline.sourceSQL + Self.tables, views: Self.views)
        try pipeline.connection.execute(Self.rows)
        pipeline.archiveLimits.recordsPerSegment = 150
        pipeline.archiveLimits.recordsPerRowGroup = 40
        return pipeline
    }

    /// - Parameter horizon: as the pipeline's workers have it.
    private func events(
        _ pipeline: LayeredPipeline, _ question: EventQuestion, limits: ExplanationLimits = ExplanationLimits(), horizon: Int64 = 5_000
    ) throws -> ExplainedEvents {
        var rules = SpeedRules()
        rules.duplicateHorizon = horizon
        let log = pipeline.log
        return try RowEvents(
            catalog: Catalog(pipeline.connection), archiveFolder: pipeline.folder.path, rules: rules, dimensionLimits: DimensionLimits(),
            limits: limits, openLog: { () throws(ParallaxError) in log }
        ).gather(question)
    }

    private func explained(_ pipeline: LayeredPipeline, _ view: View, _ values: [String?]) throws -> ExplainedRow {
        let catalog = Catalog(pipeline.connection)
        let version = try RowLookup.version(ofView: view.name, catalog)
        let conditions = zip(version.plan.outputs, values).filter(\.0.namesRow).map { RowCondition($0.0.name, $0.1) }
        return try pipeline.connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { () throws(ParallaxError) in
            try RowLookup.find(version, conditions, catalog)
        }
    }

    /// Checks one row of a view, in every way of asking.
    private func check(
        _ pipeline: LayeredPipeline, _ oracle: Oracle, _ view: View, _ values: [String?], _ note: String, pageSize: Int
    ) throws -> ExplainedEvents {
        let note = "\(note), \(view.name) \(values)"
        let row = try explained(pipeline, view, values)
        #expect(row.merged.values == values, "\(note)")
        let whole = try row.question(limit: 1_000_000)
        let all = try events(pipeline, whole)
        #expect(all.stopped == nil && !all.hasMore && all.knowsLate, "\(note): \(all)")
        #expect(all.page.count == all.counts.values.reduce(0, +), "\(note)")
        #expect(
            all.page.map(\.place).map { [Int64($0.partition.rawValue), $0.offset.rawValue] }
                == all.page.map(\.place).sorted {
                    ($0.partition, $0.offset) < ($1.partition, $1.offset)
                }.map { [Int64($0.partition.rawValue), $0.offset.rawValue] }, "\(note)")
        for event in all.page where event.fate == .batch || event.fate == .live {
            #expect((event.place.offset < whole.cut[event.place.partition]) == (event.fate == .batch), "\(note): \(event)")
        }

        // Pages of any size are the same events.
        var (paged, cursor): ([ExplainedEvent], EventCursor?) = ([], nil)
        repeat {
            let question = try row.question(limit: pageSize, after: cursor.flatMap { EventCursor($0.text) })
            let page = try events(pipeline, question)
            #expect(page.page.count <= pageSize && page.counts == all.counts, "\(note)")
            paged += page.page
            cursor = row.cursor(behind: page, of: question)
        } while cursor != nil && paged.count <= all.page.count
        #expect(paged == all.page, "\(note): pages of \(pageSize)")

        // The row is what PostgreSQL makes of the events.
        let naming = row.version.plan.outputs.map(\.namesRow)
        func made(of fates: Set<Fate>) throws -> [String] {
            try oracle.execute("TRUNCATE raw")
            for event in all.page where fates.contains(event.fate) {
                var batch = RecordBatch(partition: event.place.partition, nextOffset: event.place.offset)
                batch.append(offset: event.place.offset, appendedAt: event.appendedAt, key: nil, payload: try #require(event.payload)[...])
                try oracle.load(batch)
            }
            try oracle.parse()
            let rows = try oracle.query(view.oracle ?? view.select).rows.map(\.values)
            // Windows that overlap show the same events in others, too; a session's parts lie in it.
            return rows.filter { found in
                row.version.plan.window?.kind.sessionGap != nil || zip(naming, zip(found, values)).allSatisfy { !$0 || $1.0 == $1.1 }
            }.map(Self.line).sorted()
        }
        #expect(try made(of: [.batch, .live]) == [Self.line(values)], "\(note): merged")
        // Of no events at all, a SELECT without GROUP BY makes a row, too, and a layer need not have one.
        if !row.version.plan.isGlobal {
            #expect(try made(of: [.batch]) == row.batch.map { Self.line($0.values) }.sorted(), "\(note): published")
            #expect(try made(of: [.live]) == row.live.map { Self.line($0.values) }.sorted(), "\(note): live")
        }
        #expect(all.count(.live) == 0 || !row.slicesOfRow.isEmpty, "\(note)")
        return all
    }

    private static func line(_ values: [String?]) -> String { values.map { $0 ?? "∅" }.joined(separator: "|") }

    /// Random rows of every view.
    private func checkAll(_ pipeline: LayeredPipeline, _ note: String, rows: Int, _ random: inout SeededGenerator) throws -> [Fate: Int] {
        let oracle = try pipeline.oracle(keepsCopies: true)
        var fates: [Fate: Int] = [:]
        for view in Self.views {
            let served = try pipeline.served(values: view)
            #expect(!served.isEmpty, "\(note): \(view.name) has no rows")
            for _ in 0..<min(rows, served.count) {
                let values = served[Int.random(in: 0..<served.count, using: &random)]
                let found = try check(pipeline, oracle, view, values, note, pageSize: Int.random(in: 1..<60, using: &random))
                fates.merge(found.counts, uniquingKeysWith: +)
            }
        }
        return fates
    }

    /// I1: at every cut, with copies near and far, late, malformed and refused records around.
    @Test(arguments: [(seed: UInt64(61), partitions: 1), (seed: 62, partitions: 3)])
    func I1_theEventsBehindARowAggregateToIt(seed: UInt64, partitions: Int) throws {
        let pipeline = try pipeline(partitions: partitions)
        var random = SeededGenerator(seed: seed)
        var traffic = MeasuredTraffic(seed: seed)
        func noise() throws {
            for text in ["{", "[]", "{\"event_id\": \"x\"}", "null", "{\"event_id\": \"y\", \"event_time\": \"never\"}"] {
                try pipeline.log.append(
                    [NewRecord(key: nil, payload: Array(text.utf8))], to: Partition(Int.random(in: 0..<partitions, using: &random)))
            }
            try pipeline.log.append([NewRecord(key: nil, payload: nil)], to: Partition(0))
        }
        // Copies in another partition, or far behind: the batch layer alone knows them.
        func copies(_ count: Int) throws {
            for _ in 0..<count {
                let from = Partition(Int.random(in: 0..<partitions, using: &random))
                let end = try pipeline.log.bounds(of: from).upperBound.rawValue
                let batch = try pipeline.log.read(
                    from, from: Offset(Int64.random(in: 0..<end, using: &random)), maxRecords: 1, maxBytes: 1 << 20)
                guard !batch.payloads.isNull(0) else { continue }
                try pipeline.log.append(
                    [NewRecord(key: nil, payload: Array(batch.payloads[0]))], to: Partition(Int.random(in: 0..<partitions, using: &random)))
            }
        }
        func lateEvents(_ count: Int) throws {
            var late = MeasuredTraffic(seed: seed &+ traffic.clock.bitPattern, from: 1_704_067_260, named: "late\(Int(traffic.clock))_")
            late.pace = 0.5
            try late.produce(count, into: pipeline.log)
        }
        try traffic.produce(300, into: pipeline.log)
        try noise()
        try copies(20)
        try pipeline.speed()
        var fates = try checkAll(pipeline, "live, seed \(seed)", rows: 2, &random)
        try pipeline.batch()
        fates.merge(try checkAll(pipeline, "published, seed \(seed)", rows: 2, &random), uniquingKeysWith: +)
        // Two hours later: what comes of the first minutes now is late.
        try traffic.produce(120, into: pipeline.log)
        try copies(20)
        traffic.clock += 7_200
        try traffic.produce(120, into: pipeline.log)
        try pipeline.speed()
        try lateEvents(30)
        try noise()
        try copies(20)
        try pipeline.speed()
        fates.merge(try checkAll(pipeline, "merged, seed \(seed)", rows: 5, &random), uniquingKeysWith: +)
        try pipeline.batch()
        fates.merge(try checkAll(pipeline, "published again, seed \(seed)", rows: 3, &random), uniquingKeysWith: +)
        for fate in [Fate.batch, .live, .copy, .late, .refused] { #expect(fates[fate] ?? 0 > 0, "no event was \(fate), seed \(seed)") }
    }

    /// Statistics spare what holds no event of the row's time.
    @Test func whatHoldsNoEventOfTheTimeIsNotRead() throws {
        let pipeline = try pipeline(partitions: 1)
        var traffic = MeasuredTraffic(seed: 7)
        try traffic.produce(900, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        let view = Self.views[0]
        for values in [try #require(pipeline.served(values: view).first), try #require(pipeline.served(values: view).last)] {
            let row = try explained(pipeline, view, values)
            let found = try events(pipeline, try row.question(limit: 10))
            #expect(found.reading.segmentsPassedOver >= 3 && found.reading.rowGroupsPassedOver >= 1, "\(found.reading)")
            #expect(found.reading.records < 400 && found.reading.logRecords == 0 && found.counted > 0, "\(found.reading)")
        }
        // All of time.
        let whole = try events(
            pipeline, try explained(pipeline, Self.views[5], try #require(pipeline.served(values: Self.views[5]).first)).question(limit: 1))
        #expect(whole.reading.segmentsPassedOver == 0 && whole.reading.records >= 900, "\(whole.reading)")
    }

    /// Where the search stops, it says so; where the log does not say which events were late, too.
    @Test func anAnswerSaysWhatItDoesNotKnow() throws {
        let pipeline = try pipeline(partitions: 2)
        var traffic = MeasuredTraffic(seed: 8)
        try traffic.produce(300, into: pipeline.log)
        traffic.clock += 7_200
        try traffic.produce(50, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        var late = MeasuredTraffic(seed: 9, from: 1_704_067_200, named: "late")
        late.pace = 0.5
        try late.produce(60, into: pipeline.log)
        try pipeline.speed()
        let whole = Self.views[5]
        let row = try explained(pipeline, whole, try #require(pipeline.served(values: whole).first))
        #expect(row.late.values.reduce(0, +) > 0)
        let known = try events(pipeline, try row.question(limit: 1_000))
        #expect(known.knowsLate && known.count(.late) == Int(row.late.values.reduce(0, +)) && known.count(.live) == 0, "\(known.counts)")
        var limits = ExplanationLimits()
        // Nothing below the cut is replayed, so the watermark is not found again, and all look as if they were in time.
        let unknown = try events(pipeline, try row.question(limit: 1_000), limits: limits, horizon: 0)
        #expect(!unknown.knowsLate && unknown.liveShare == nil, "\(unknown.counts)")
        #expect(unknown.count(.late) == 0 && unknown.count(.live) == 0 && unknown.count(.batch) == known.count(.batch), "\(unknown.counts)")
        #expect(unknown.count(.liveOrLate) >= known.count(.late), "\(unknown.counts)")
        #expect(unknown.page.allSatisfy { $0.fate.isCounted != nil || $0.fate == .liveOrLate })

        limits = ExplanationLimits()
        limits.records = 100
        let stopped = try events(pipeline, try row.question(limit: 1_000), limits: limits)
        #expect(stopped.stopped == .records && stopped.stoppedAt != nil && stopped.reading.records < 200, "\(stopped.reading)")
        limits = ExplanationLimits()
        limits.deadline = .now
        #expect(try events(pipeline, try row.question(limit: 1_000), limits: limits).stopped == .time)
        limits = ExplanationLimits()
        limits.bytesPerPage = 1
        let narrow = try events(pipeline, try row.question(limit: 1_000), limits: limits)
        #expect(narrow.page.count == 1 && narrow.hasMore && narrow.counts == known.counts)
    }

    /// What a run took over from a speed layer that was down is in no answer before it is published.
    @Test func recordsThatWaitForAPublicationAreNamed() throws {
        let pipeline = try pipeline(partitions: 2)
        var traffic = MeasuredTraffic(seed: 10)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        try traffic.produce(40, into: pipeline.log)
        #expect(throws: ParallaxError.self) {
            try pipeline.batch { step throws(ParallaxError) in
                if step.phase == .computing { throw ParallaxError(.cancelled, "as if it had died") }
            }
        }
        try traffic.produce(40, into: pipeline.log)
        try pipeline.speed()
        let whole = Self.views[5]
        let values = try #require(pipeline.served(values: whole).first)
        let row = try explained(pipeline, whole, values)
        #expect(row.waitingRecords >= 40)
        let oracle = try pipeline.oracle(keepsCopies: true)
        let found = try check(pipeline, oracle, whole, values, "waiting", pageSize: 17)
        #expect(found.count(.waiting) >= 40 && found.count(.live) >= 40, "\(found.counts)")
    }

    /// A cursor holds as long as the row is the same one, whatever comes meanwhile; what is none of ours, or of another row, is refused.
    @Test func pagesStayWithinWhatTheFirstLookedAt() throws {
        let pipeline = try pipeline(partitions: 2)
        var traffic = MeasuredTraffic(seed: 11)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        try traffic.produce(60, into: pipeline.log)
        try pipeline.speed()
        let whole = Self.views[5]
        let row = try explained(pipeline, whole, try #require(pipeline.served(values: whole).first))
        let question = try row.question(limit: 30)
        let first = try events(pipeline, question)
        let cursor = try #require(row.cursor(behind: first, of: question))
        #expect(EventCursor(cursor.text) == cursor)
        try traffic.produce(60, into: pipeline.log)
        try pipeline.speed()
        let now = try explained(pipeline, whole, try #require(pipeline.served(values: whole).first))
        var (count, next): (Int, EventCursor?) = (first.page.count, cursor)
        while let cursor = next {
            let question = try now.question(limit: 30, after: cursor)
            let page = try events(pipeline, question)
            #expect(page.counts == first.counts)
            count += page.page.count
            next = now.cursor(behind: page, of: question)
        }
        #expect(count == first.counts.values.reduce(0, +))

        let other = Self.views[4]
        let otherRow = try explained(pipeline, other, try #require(pipeline.served(values: other).first))
        #expect(throws: ParallaxError.self) { try otherRow.question(limit: 30, after: cursor) }
        try pipeline.batch()
        let later = try explained(pipeline, whole, try #require(pipeline.served(values: whole).first))
        #expect(throws: ParallaxError.self) { try later.question(limit: 30, after: cursor) }
        // Whatever a cursor claims, nothing is read that the answers do not hold.
        var claimed = cursor
        claimed.run = later.frontier.run.rawValue
        claimed.slice = later.frontier.slice.rawValue
        claimed.ends = ["0": .max, "1": 0, "77": 5, "x": 1]
        let narrowed = try later.question(limit: 30, after: claimed)
        #expect(narrowed.ends[Partition(0)] == later.frontier.parts[0].nextOffset)
        #expect(narrowed.ends[Partition(1)] == later.frontier.parts[1].cut && narrowed.ends.partitions.count == 2)
        for text in ["", "x", "e30", "%%%", String(repeating: "A", count: 100_000), cursor.text + "A"] {
            #expect(EventCursor(text) == nil, "\(text.prefix(20))")
        }
    }

    /// A row that is not determined is not guessed.
    @Test func aRowThatIsNotOneIsAnError() throws {
        let pipeline = try pipeline(partitions: 1)
        var traffic = MeasuredTraffic(seed: 12)
        try traffic.produce(200, into: pipeline.log)
        try pipeline.speed()
        try pipeline.batch()
        func trouble(_ view: Int, _ conditions: [RowCondition]) throws -> ParallaxError? {
            let catalog = Catalog(pipeline.connection)
            let version = try RowLookup.version(ofView: Self.views[view].name, catalog)
            do {
                _ = try pipeline.connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") { () throws(ParallaxError) in
                    try RowLookup.find(version, conditions, catalog)
                }
                return nil
            } catch { return error }
        }
        let several = try trouble(0, [RowCondition("page", "/1")])
        #expect(
            several?.code == .input && several?.hint?.contains("minute") == true && several?.detail?.contains("minute = '2024") == true,
            "\(several as Any)")
        #expect(try trouble(0, [RowCondition("page", "/1"), RowCondition("minute", "1999-01-01")])?.code == .missing)
        let result = try trouble(0, [RowCondition("n", "1")])
        #expect(result?.code == .usage && result?.hint == "columns that name a row: minute, page", "\(result as Any)")
        #expect(try trouble(0, [RowCondition("pgae", "/1")])?.hint?.contains("page") == true)
        let value = try trouble(0, [RowCondition("minute", "noon'; DROP TABLE x; --")])
        #expect(value?.code == .input && value?.message.contains("invalid input syntax") == true, "\(value as Any)")
        #expect(try trouble(5, []) == nil)
        #expect(throws: ParallaxError.self) { try RowLookup.version(ofView: "tumblin", Catalog(pipeline.connection)) }
    }
}

@Suite struct RowConditionTests {
    @Test(arguments: [
        ("page = /pricing", [RowCondition("page", "/pricing")]),
        ("Page='/a b, c AND d'", [RowCondition("page", "/a b, c AND d")]),
        ("\"Pa ge\" = 'it''s'", [RowCondition("Pa ge", "it's")]),
        ("minute = 2026-01-01 10:00Z AND page IS NULL", [RowCondition("minute", "2026-01-01 10:00Z"), RowCondition("page", nil)]),
        ("a=1,b = android and c=", []),
        ("a = 1, b = band and c is null", [RowCondition("a", "1"), RowCondition("b", "band"), RowCondition("c", nil)]),
        ("a = ''", [RowCondition("a", "")]), ("a = null, b = 'null'", [RowCondition("a", nil), RowCondition("b", "null")]),
        // A value without quotes goes up to the next AND.
        ("a = 1 b", [RowCondition("a", "1 b")]), ("a = b > 3", [RowCondition("a", "b > 3")]),
    ])
    func conditionsAreEqualities(text: String, expected: [RowCondition]) throws {
        if expected.isEmpty {
            #expect(throws: ParallaxError.self) { try RowConditions.parsed(text) }
        } else {
            #expect(try RowConditions.parsed(text) == expected)
        }
    }

    @Test(arguments: ["", "page", "page =", "page > 3", "page = 'x", "= 3", "a = 1,", "a = 1 AND", "a IS 3", "a = 1, a = 2", "a = 'x' y"])
    func othersAreRefused(text: String) {
        #expect(throws: ParallaxError.self) { try RowConditions.parsed(text) }
    }
}
