import BatchWorker
import Catalog
import ParallaxCore
import Postgres
import TestSupport
import ViewLanguage

/// One case through the layers: the speed layer alone, the batch layer alone, both merged at the case's cut, and a second, incremental run;
/// each time every view against PostgreSQL.
struct GeneratedTrial {
    struct Failure: CustomStringConvertible {
        var view: String
        var step: String
        var text: String
        var description: String { "view \(view), \(step): \(text)" }
    }

    struct Outcome {
        var failures: [Failure] = []
        /// Views that the dialect took.
        var views = 0
        /// Views that it refused, with the first line of why.
        var refused: [(sql: String, message: String)] = []
        var rows = 0
        var rejectedEvents = 0
    }

    let generated: GeneratedCase
    private var source: String { Connection.quoteIdentifier(generated.schema.source) }

    init(_ generated: GeneratedCase) { self.generated = generated }

    func run() throws -> Outcome {
        var outcome = Outcome()
        let views = generated.views.filter { view in
            let message = Self.refusal(of: view.select(from: source, time: generated.schema.time.quoted), view, generated.schema)
            if let message { outcome.refused.append((view.select(from: source, time: generated.schema.time.quoted), message)) }
            return message == nil
        }
        guard !views.isEmpty else { return outcome }
        outcome.views = views.count
        let pipeline = try LayeredPipeline(
            partitions: generated.partitions, sourceSQL: generated.schema.sql,
            views: views.map { .init($0.name, $0.select(from: source, time: generated.schema.time.quoted), options: $0.options) })
        if let table = generated.schema.table { try pipeline.connection.execute(table.insert) }
        let plain = MemoryLog(source: generated.schema.source, partitions: generated.partitions)
        try pipeline.batch()
        var published = try cut(pipeline)
        for (part, records) in [generated.records.prefix(generated.cut), generated.records.dropFirst(generated.cut)].enumerated() {
            for record in records {
                try pipeline.log.append([NewRecord(key: nil, payload: record.bytes)], to: Partition(record.partition))
                try plain.append([NewRecord(key: nil, payload: record.plainBytes)], to: Partition(record.partition))
            }
            guard attempt("speed layer", &outcome, { try pipeline.speed() }) else { return outcome }
            let judge = try GeneratedJudge(try pipeline.oracle(over: plain), generated.schema)
            for view in views { try judge.prepare(view) }
            try check(views, pipeline, judge, cut: published, part == 0 ? "speed layer alone" : "merged", &outcome)
            var report: RunReport?
            guard attempt("run", &outcome, { report = try pipeline.batch() }) else { return outcome }
            published = try cut(pipeline)
            if let report { try checkComparison(report, pipeline, "comparison of run \(report.run)", &outcome) }
            try check(views, pipeline, judge, cut: nil, part == 0 ? "batch layer alone" : "second run", &outcome)
            if part == 1 {
                for view in views {
                    let taken = try judge.taken(view)
                    outcome.rejectedEvents += taken.of - taken.0
                }
            }
        }
        return outcome
    }

    /// I4: every row in which the layers differ has a cause with a name, and the causes add up to those rows.
    private func checkComparison(_ report: RunReport, _ pipeline: LayeredPipeline, _ step: String, _ outcome: inout Outcome) throws {
        for view in report.views {
            func fail(_ text: String) { outcome.failures.append(Failure(view: view.view, step: step, text: "\(text); \(report.text)")) }
            guard let causes = view.causes else {
                fail("the layers were not compared: \(report.warnings)")
                continue
            }
            if let unknown = causes.first(where: { $0.cause == .unknown || $0.cause == .notRecorded || $0.cause == .sketchBeyondBound }) {
                let rows = try pipeline.rows(
                    "SELECT * FROM comparison.\(view.view) WHERE run = \(report.run) AND '\(unknown.cause.rawValue)' = ANY (causes) LIMIT 3"
                )
                fail("\(unknown.text): \(rows)")
            }
            let different = try pipeline.rows(
                "SELECT count(*) FROM comparison.\(view.view) WHERE run = \(report.run) AND is_different")
            if different != ["\(causes.reduce(0) { $0 + $1.groups })"] { fail("\(causes) for \(different) rows") }
        }
    }

    /// What stops a layer stops all views; a shrinker finds the one that did it.
    private func attempt(_ step: String, _ outcome: inout Outcome, _ body: () throws -> Void) -> Bool {
        do { try body() } catch {
            outcome.failures.append(Failure(view: generated.views.count == 1 ? generated.views[0].name : "*", step: step, text: "\(error)"))
            return false
        }
        return true
    }

    private static func refusal(of select: String, _ view: GeneratedView, _ schema: GeneratedSchema) -> String? {
        let options = view.options.map { " WITH (\($0))" } ?? ""
        let text = schema.sql + "CREATE MATERIALIZED VIEW \(view.name)\(options) AS \(select);\n"
        let compilation = compile([SQLFile(path: "view.sql", text: text)])
        return compilation.definitions == nil ? compilation.diagnostics.map(\.message).joined(separator: "; ") : nil
    }

    private func cut(_ pipeline: LayeredPipeline) throws -> Cut {
        let rows = try pipeline.connection.query(
            """
            SELECT b.partition, b.first_offset FROM parallax.boundary b
            JOIN parallax.published p ON p.source_id = b.source_id AND p.slice = b.slice
            """
        ).rows
        var offsets: [Partition: Offset] = [:]
        for row in rows { offsets[try row.partition(0)] = try row.offset(1) }
        return Cut(offsets)
    }

    private func check(
        _ views: [GeneratedView], _ pipeline: LayeredPipeline, _ judge: GeneratedJudge, cut: Cut?, _ step: String, _ outcome: inout Outcome
    ) throws {
        for view in views {
            func fail(_ text: String) {
                outcome.failures.append(
                    Failure(
                        view: view.name, step: step, text: "\(text)\n  \(view.select(from: source, time: generated.schema.time.quoted))"))
            }
            do {
                let isLive = cut != nil
                let expected = try judge.rows(view, cut: cut, withBounds: isLive)
                let columns = view.items.map { Connection.quoteIdentifier($0.name) } + ["is_exact"]
                let served = GeneratedJudge.byKey(
                    try pipeline.connection.query("SELECT \(columns.joined(separator: ", ")) FROM serving.\(view.name)"), view)
                outcome.rows += served.count
                if let text = difference(view, served, expected, isLive: isLive) {
                    fail(text)
                } else if isLive {
                    // A row that says that it is exact is so over all events, late ones, too.
                    let all = try judge.rows(view, cut: nil, withBounds: false)
                    if let text = wronglyExact(view, served, all) { fail(text) }
                }
            } catch let error as ParallaxError { fail("\(error)") }
        }
    }

    private func difference(_ view: GeneratedView, _ served: GeneratedJudge.Rows, _ expected: GeneratedJudge.Rows, isLive: Bool) -> String?
    {
        if served.count != expected.count || Set(served.byKey.keys) != Set(expected.byKey.keys) {
            let only = served.byKey.keys.filter { expected.byKey[$0] == nil }.prefix(3)
            let missing = expected.byKey.keys.filter { served.byKey[$0] == nil }.prefix(3)
            return "\(served.count) rows, PostgreSQL has \(expected.count); only ours: \(Array(only)), only PostgreSQL's: \(Array(missing))"
        }
        for (key, rows) in served.byKey {
            guard let theirs = expected.byKey[key] else { continue }
            if rows.count != 1 || theirs.count != 1 {
                return "the key \(key) is there \(rows.count) times, in PostgreSQL \(theirs.count) times"
            }
            if let text = difference(view, rows[0], theirs[0], isLive: isLive) { return "key \(key): \(text)" }
        }
        return nil
    }

    private func difference(_ view: GeneratedView, _ ours: [String?], _ theirs: [String?], isLive: Bool) -> String? {
        var bound = view.items.count
        // The key columns are equal: they led to the two rows.
        for (index, item) in view.items.enumerated().dropFirst(view.keyCount) {
            let measure = index - view.keyCount
            if isLive, view.measures.indices.contains(measure), view.measures[measure].bounds != nil {
                let (low, high) = (theirs[bound], theirs[bound + 1])
                bound += 2
                if !Self.isBetween(ours[index], low, high) {
                    return "\(item.name) is \(ours[index] ?? "null"), not between \(low ?? "null") and \(high ?? "null")"
                }
            } else if !Self.isSame(ours[index], theirs[index], item) {
                return "\(item.name) is \(ours[index] ?? "null"), in PostgreSQL \(theirs[index] ?? "null")"
            }
        }
        return nil
    }

    private func wronglyExact(_ view: GeneratedView, _ served: GeneratedJudge.Rows, _ all: GeneratedJudge.Rows) -> String? {
        for (key, rows) in served.byKey where rows[0].last == "t" {
            guard let theirs = all.byKey[key]?.first else { return "key \(key) says that it is exact, and PostgreSQL has no such row" }
            for (index, item) in view.items.enumerated().dropFirst(view.keyCount) where !Self.isSame(rows[0][index], theirs[index], item) {
                return
                    "key \(key) says that it is exact, but \(item.name) is \(rows[0][index] ?? "null"), in PostgreSQL \(theirs[index] ?? "null")"
            }
        }
        return nil
    }

    static func isSame(_ ours: String?, _ theirs: String?, _ item: GeneratedView.Item) -> Bool {
        if ours == theirs { return true }
        guard let ours, let theirs else { return false }
        if item.isInterval == true, let a = seconds(ours), let b = seconds(theirs) { return a == b }
        guard item.hasVaryingScale else { return false }
        // Which of two equal values is the smallest one is PostgreSQL's own affair.
        func plain(_ text: String) -> String { text == "-0" ? "0" : withoutTrailingZeros(text) }
        return plain(ours) == plain(theirs)
    }

    static func withoutTrailingZeros(_ text: String) -> String {
        text.replacing(/\.([0-9]*?)0+(?![0-9])/) { $0.1.isEmpty ? "" : ".\($0.1)" }
    }

    /// An interval in seconds, with months of 30 days; nil for any other text.
    private static func seconds(_ text: String) -> Double? {
        let interval = Array(text.utf8).withUnsafeBytes { try? IntervalText.read($0) }
        return interval.map { Double($0.span) / 1e6 }
    }

    /// Numbers or intervals, or arrays of them.
    private static func isBetween(_ value: String?, _ low: String?, _ high: String?) -> Bool {
        func numbers(_ text: String?) -> [Double]? {
            guard let text else { return nil }
            let numbers = text.trimming(while: { "{}".contains($0) }).split(separator: ",").map { Double($0) ?? seconds(String($0)) }
            return numbers.contains(nil) ? nil : numbers.compactMap { $0 }
        }
        guard let values = numbers(value), let lows = numbers(low), let highs = numbers(high) else {
            return value == nil && (low == nil || low == "{NULL}" || low?.contains("NULL") == true)
        }
        guard values.count == lows.count, values.count == highs.count else { return false }
        return values.indices.allSatisfy { index in
            let slack = 1e-9 * max(1, abs(lows[index]), abs(highs[index]))
            return values[index] >= lows[index] - slack && values[index] <= highs[index] + slack
        }
    }
}

extension String {
    fileprivate func trimming(while isUnwanted: (Character) -> Bool) -> Substring {
        var rest = drop(while: isUnwanted)
        while let last = rest.last, isUnwanted(last) { rest = rest.dropLast() }
        return rest
    }
}
