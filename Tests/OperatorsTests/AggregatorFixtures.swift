import Columns
import ParallaxCore
import TestSupport
import ViewLanguage

@testable import Operators

private let everyTypeTable = SQLFile(
    path: "table.sql",
    text: """
        CREATE FOREIGN TABLE every_type (id uuid, at timestamptz, label text, small integer, big bigint, price numeric(12,2),
            exact numeric(38,10), ratio double precision, flag boolean)
        SERVER parallax OPTIONS (topic 'every_type', event_id 'id', event_time 'at', out_of_orderness '5 seconds', lateness '1 hour');
        """)

/// Compiles one view over `everyType`'s columns; the test is about the operators, so the text is known to be right.
func plan(_ select: String) -> Plan { plan(select, over: everyTypeTable) }

func plan(_ select: String, over table: SQLFile) -> Plan {
    let compilation = compile([table, SQLFile(path: "view.sql", text: "CREATE MATERIALIZED VIEW v AS \(select);")])
    guard let view = compilation.definitions?.views.first else {
        preconditionFailure("\(select): \(compilation.diagnostics.map { $0.message })")
    }
    return view.plan
}

/// Expressions over `everyType`'s columns; nil where the dialect refuses one.
///
/// All in one call, and again without those that were refused: each call parses on a thread of its own, and each thread that
/// libpg_query has seen costs the process one of its 1,024 thread-specific keys for good.
func compileExpressions(_ expressions: [String]) -> [Expression?] { compileExpressions(expressions, over: everyTypeTable, "every_type") }

func compileExpressions(_ expressions: [String], over table: SQLFile, _ source: String) -> [Expression?] {
    var remaining = expressions.enumerated().map { index, sql in
        SQLFile(
            path: "\(index)",
            text: "CREATE MATERIALIZED VIEW v\(index) AS SELECT count(*) FILTER (WHERE (\(sql)) IS NULL) AS n FROM \(source);")
    }
    var compiled = [Expression?](repeating: nil, count: expressions.count)
    while !remaining.isEmpty {
        let compilation = compile([table] + remaining)
        if let definitions = compilation.definitions {
            for view in definitions.views {
                guard let index = Int(view.name.dropFirst()) else { preconditionFailure("a view called \(view.name)") }
                if case .isNull(let expression)? = view.plan.measures.first?.filter { compiled[index] = expression }
            }
            return compiled
        }
        let refused = Set(compilation.diagnostics.filter { $0.severity == .error }.map { $0.file })
        let count = remaining.count
        remaining.removeAll { refused.contains($0.path) }
        precondition(remaining.count < count, "errors outside of the views: \(refused)")
    }
    return compiled
}

extension StateRows {
    /// All rows as COPY text, one string a row.
    var copyLines: [String] {
        var buffer: [UInt8] = []
        appendCopyText(rows: 0..<count, prefix: [], to: &buffer)
        return String(decoding: buffer, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }
}

extension ViewAggregator {
    func addAll(_ batch: EventBatch) -> [Rejection] { add(batch, rows: Array(0..<Int32(batch.count))) }
}

/// An event with every column present, null or missing, extremes among the values.
func randomPayload(_ random: inout SeededGenerator) -> String {
    func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }
    var fields: [String] = []
    let second = Int.random(in: 0..<180, using: &random)
    let digits = String(random.next(), radix: 16)
    fields.append("\"id\":\"00000000-0000-0000-0000-\(String(repeating: "0", count: 12 - min(12, digits.count)))\(digits.suffix(12))\"")
    fields.append("\"at\":\"2024-05-01T10:\(10 + second / 60):\(10 + second % 50)Z\"")
    func maybe(_ name: String, _ value: @autoclosure () -> String) {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: break
        case 1: fields.append("\"\(name)\":null")
        default: fields.append("\"\(name)\":\(value())")
        }
    }
    maybe("label", pick(["\"a\"", "\"b\"", "\"\"", "\"Ä\"", "\"tab\\tnew\\nback\\\\\"", "\"zz\"", "\"a longer label than the others\""]))
    maybe("small", pick(["0", "1", "-1", "7", "2147483647", "-2147483648", "100"]))
    maybe("big", pick(["0", "3", "-9", "9223372036854775807", "-9223372036854775808", "123456789012"]))
    maybe("price", pick(["0", "0.005", "-0.005", "19.99", "-1.25", "9999999999.99", "\"3.10\"", "1e2"]))
    maybe(
        "exact", pick(["0", "1.5", "-0.0000000001", "9999999999999999999999999999.9999999999", "\"-9999999999999999999999999999\"", "42"]))
    maybe(
        "ratio", pick(["0.0", "0.1", "1e300", "-1e300", "1e-300", "2.5", "3.5", "1.7976931348623157e308", "5e-324", "123456.789"]))
    maybe("flag", pick(["true", "false"]))
    return "{" + fields.joined(separator: ",") + "}"
}
