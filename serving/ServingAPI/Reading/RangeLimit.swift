import Catalog
import ParallaxCore
import Postgres

/// `serve.max_range`: how much time one question may be about.
///
///     from     to       what counts
///     given    given    to − from
///     given    none     now − from: windows that begin later come with it
///     none     any      nothing bounds it: refused, as -infinity and infinity are
///
/// With `compare` both periods are read, and both count. What is asked is measured, not what is there.
///
/// Not bounded: a view that shows no window; a view on top, whose own SELECT says what it reads; the rows of a later page without `to`, which belong to the first page's question.
struct RangeLimit: Sendable {
    let longest: Duration

    /// Clocks differ, and requests travel: "the last hour", asked without its end, is no longer than an hour.
    static let forgiven = Duration.seconds(60)

    /// - Parameters:
    ///   - periods: how many of that length are read.
    ///   - isLaterPage: its first page was measured.
    func check(
        _ asked: AskedRange, ofView name: String, periods: Int64 = 1, isLaterPage: Bool = false,
        hint: String = "ask in parts, with from and to (without to it is up to now); serve.max_range is the limit"
    ) throws(Problem) {
        let allowed = "this server answers about at most \(longest.words) at a time"
        guard case .instant(let from)? = asked.from else {
            throw problem("the question about \"\(name)\" has no \(asked.from == nil ? "" : "finite ")beginning, and \(allowed)", nil, hint)
        }
        let until: Instant
        switch asked.until {
        case nil where isLaterPage: return
        case nil: until = asked.now
        case .instant(let time): until = time
        case .infinite: throw problem("the question about \"\(name)\" has no finite end, and \(allowed)", nil, hint)
        }
        guard until > from else { return }
        let (length, isEndless) = until.rawValue.subtractingReportingOverflow(from.rawValue)
        let (sum, isTooMuch) = length.multipliedReportingOverflow(by: periods)
        let forgiven = asked.until == nil ? Self.forgiven.microseconds * periods : 0
        guard !isEndless, !isTooMuch, sum - forgiven <= longest.microseconds else {
            // Whole seconds: what is asked is told longer than it is, never as long as what is allowed.
            let seconds = isEndless || isTooMuch ? nil : (sum - 1) / Instant.microsecondsPerSecond + 1
            let words = seconds.map { Duration.seconds($0).words } ?? "all times"
            throw problem(
                "the question about \"\(name)\" is about \(words)\(periods == 1 ? "" : ", counting the period before"), and \(allowed)",
                seconds, hint)
        }
    }

    private func problem(_ title: String, _ seconds: Int64?, _ hint: String) -> Problem {
        var problem = Problem(.unprocessableContent, "range_too_long", title, hint: hint)
        problem.members = [
            ("asked_seconds", .optional(seconds)), ("allowed_seconds", .int(longest.microseconds / Instant.microsecondsPerSecond)),
        ]
        return problem
    }
}

/// `from` and `to` of a request, as PostgreSQL reads them: it reads the bounds of plain rows, too.
struct AskedRange: Sendable {
    enum Bound: Sendable, Equatable {
        case instant(Instant)
        case infinite
    }

    var from: Bound?
    var until: Bound?
    /// Of the snapshot.
    var now: Instant

    init(from: Bound?, until: Bound?, now: Instant) { (self.from, self.until, self.now) = (from, until, now) }

    init(_ request: APIRequest, _ connection: Connection, until deadline: ContinuousClock.Instant) throws {
        let texts = ["from", "to"].map { request.value($0).map(RowsQuery.time) }
        func microseconds(_ value: String) -> String { "(extract(epoch FROM \(value)) * 1000000)::bigint" }
        let row = try connection.queryPrepared(
            """
            SELECT CASE WHEN isfinite(r.f) THEN \(microseconds("r.f")) END, CASE WHEN isfinite(r.t) THEN \(microseconds("r.t")) END, \(microseconds("now()"))
            FROM (SELECT $1::timestamptz AS f, $2::timestamptz AS t) r
            """, texts.map { $0.map { .text($0) } ?? .null }, until: deadline
        ).rows[0]
        func bound(_ column: Int) throws -> Bound? {
            guard texts[column] != nil else { return nil }
            return try row.optionalInt(column).map { .instant(Instant(microseconds: $0)) } ?? .infinite
        }
        self.init(from: try bound(0), until: try bound(1), now: Instant(microseconds: try row.int(2)))
    }
}

extension ServedView {
    /// Its rows can be asked for by time, and a range bounds what is read.
    var isBoundByRange: Bool { version != nil && timeColumn != nil }
}

extension APILimits {
    /// All rows of a view that is followed are a question like others; what changes from then on is none.
    func checkRange(
        ofFollowed view: ServedView, _ request: APIRequest, _ connection: Connection, until deadline: ContinuousClock.Instant
    ) throws {
        guard let range, view.isBoundByRange else { return }
        let path = "/v1/views/\(view.name)/live?from=…"
        try RangeLimit(longest: range).check(
            try AskedRange(request, connection, until: deadline), ofView: view.name,
            hint: "begin with \(path), and go on with since, the id of its last event; serve.max_range is the limit")
    }
}
