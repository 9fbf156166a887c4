import Columns
import Testing

@testable import ViewLanguage

/// A source with a column of each type, and a view over it: what the tests' statements read.
let eventSource = SQLFile(
    path: "source.sql",
    text: """
        CREATE FOREIGN TABLE event (
          id uuid NOT NULL, at timestamptz NOT NULL, received timestamptz, page text, country text, amount numeric(12,2),
          total numeric(38,10), quantity integer, duration bigint, ratio double precision, ok boolean
        ) SERVER parallax OPTIONS (event_id 'id', event_time 'at');

        CREATE MATERIALIZED VIEW seen AS SELECT page, count(*) FROM event GROUP BY page;
        """)

/// The plan of one SELECT over `event`.
func plan(_ select: String) throws -> Plan {
    let compilation = compile([eventSource, SQLFile(path: "views.sql", text: "CREATE MATERIALIZED VIEW v AS \(select)")])
    let printed = compilation.diagnostics.map(\.rendered).joined(separator: "\n")
    let view = try #require(compilation.definitions?.views.last, "\(printed)")
    return view.plan
}

/// The columns of `event`, as expressions.
enum Event {
    static let id = Expression.column(0, .uuid)
    static let at = Expression.column(1, .timestamptz)
    static let received = Expression.column(2, .timestamptz)
    static let page = Expression.column(3, .text)
    static let country = Expression.column(4, .text)
    static let amount = Expression.column(5, .numeric(precision: 12, scale: 2))
    static let total = Expression.column(6, .numeric(precision: 38, scale: 10))
    static let quantity = Expression.column(7, .int4)
    static let duration = Expression.column(8, .int8)
    static let ratio = Expression.column(9, .float8)
    static let ok = Expression.column(10, .bool)
}

extension Expression {
    static func int4(_ value: Int64) -> Expression { .literal(.int(value), .int4) }
    static func int8(_ value: Int64) -> Expression { .literal(.int(value), .int8) }
    static func text(_ value: String) -> Expression { .literal(.text(value), .text) }
    static func float(_ value: Double) -> Expression { .literal(.float(value), .float8) }
    static func decimal(_ unscaled: String, _ precision: Int, _ scale: Int) -> Expression {
        .literal(.decimal(unscaled), .numeric(precision: precision, scale: scale))
    }
    static func instant(_ microseconds: Int64) -> Expression { .literal(.int(microseconds), .timestamptz) }
}
