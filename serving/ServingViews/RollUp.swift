import Catalog
import MergeLaw
import ParallaxCore
import Postgres
import ViewLanguage

/// A coarser question to a view: of longer windows, of fewer groups, or both, answered from the states that the view is made of, never by adding answers.
///
///     let rollUp = RollUp(bucket: try .init("1h"), groups: ["page"], from: start, until: end, filters: [.init("country", in: ["DE", nil])])
///     let statement = try rollUp.statement(over: version)         // a ViewVersion that is served
///     let rows = try connection.query(statement.text, statement.parameters)
///
/// **What comes back**: `statement.columns`, in this order: the view's outputs that were asked for (a window's start is that of the bucket), `is_exact`,
/// `is_closed`, for each measure that may be an estimate `<output>_error`, and with `compare` the same of the period before under `<name>_before`. The order of rows is
/// none: the text can stand in parentheses after FROM, and its parameters' numbers can begin behind others (`parametersBefore`).
///
/// **What a row says.** It is that of PostgreSQL for the coarser GROUP BY over the raw events, as far as the snapshot has them. `is_exact`: nothing in the row is
/// an estimate, late, waiting, given up, or gone by retention. `<output>_error` is 0 where the output is exact; of an estimate it is what
/// docs/reference/sql.md states: the standard error as a share of the value (distinct counts), or the distance as a share of the ranks (percentiles).
/// HAVING is that of the view, over the roll-up's groups.
///
/// **Errors.** What does not fit the view is thrown as `.input`, with a hint, before anything is asked. PostgreSQL raises what only rows tell:
/// 40001 (another version is served than in the snapshot: begin anew), 55000 (`SQLState.objectNotInPrerequisiteState`: the sketches of an output are gone; ask for other
/// outputs, or WITH (keep_sketches = true)), 22023 (`SQLState.invalidParameterValue`: a calendar bucket cuts a window), 22P02 and others of class 22 (a filter's value is none of the
/// column's type).
///
/// **Rights.** The statement reads state tables and control tables; readers' roles may not. Run it as the owner in a READ ONLY transaction; readers call
/// the function `serving.<view>_rollup`.
public struct RollUp: Sendable, Hashable {
    public enum Bucket: Sendable, Hashable {
        /// The view's own windows; what a view without one has.
        case window
        /// So many microseconds, counted from the origin of the view's windows.
        case length(microseconds: Int64)
        /// A unit on the clocks of a time zone; nil: that of the view's windows, or UTC.
        case calendar(Plan.Window.CalendarUnit, zone: String? = nil)
        /// All windows of the range are one.
        case range
    }

    /// A group column that has one of the values. A null among them is the null group. The column need not be among `groups`.
    public struct Filter: Sendable, Hashable {
        public var group: String
        /// As PostgreSQL reads them in the column's type.
        public var values: [String?]
        public init(_ group: String, in values: [String?]) {
            self.group = group
            self.values = values
        }
    }

    /// The groups with the largest values of an output; the group columns, ascending, decide between equal ones. Nulls come last.
    public struct Top: Sendable, Hashable {
        public enum Scope: Sendable, Hashable {
            /// In each bucket its own.
            case bucket
            /// The same groups in all buckets: those of the roll-up of the whole range.
            case range
        }
        public var count: Int
        public var output: String
        public var scope: Scope
        /// Those with the smallest values.
        public var isAscending: Bool
        public init(_ count: Int, by output: String, scope: Scope = .bucket, isAscending: Bool = false) {
            self.count = count
            self.output = output
            self.scope = scope
            self.isAscending = isAscending
        }
    }

    public var bucket: Bucket
    /// Names of group columns that stay apart; nil: all.
    public var groups: [String]?
    /// Windows that start in [from, until); of sessions those of the answer.
    public var from: Instant?
    public var until: Instant?
    public var filters: [Filter]
    /// Names of the view's columns that are asked for; nil: all that the roll-up has. What is not asked for is not computed.
    public var outputs: [String]?
    public var top: Top?
    /// How long before: seven days for "this week and the week before". Positive.
    public var compare: CalendarInterval?

    public init(
        bucket: Bucket = .window, groups: [String]? = nil, from: Instant? = nil, until: Instant? = nil, filters: [Filter] = [],
        outputs: [String]? = nil, top: Top? = nil, compare: CalendarInterval? = nil
    ) {
        self.bucket = bucket
        self.groups = groups
        self.from = from
        self.until = until
        self.filters = filters
        self.outputs = outputs
        self.top = top
        self.compare = compare
    }

    public struct Column: Sendable, Hashable {
        public enum Role: Sendable, Hashable {
            case window, windowEnd, group, measure
            /// An expression over a group's results.
            case expression
            case isExact, isClosed
            /// How far the named output may be off.
            case error(of: String, RollUpBound)
        }
        public var name: String
        public var role: Role
        /// PostgreSQL's; empty for an expression: its type is in the result.
        public var sqlType: String
        /// Of the period before.
        public var isBefore: Bool
        /// Of a measure: it may be an estimate.
        public var isApproximate: Bool
        /// The view's output that it is of, or whose error it is; nil for `is_exact` and `is_closed`.
        public var output: String?

        /// Of an error: what it states, in one word for programs.
        public var boundKind: String? {
            guard case .error(_, let bound) = role else { return nil }
            switch bound {
            case .standardError: return "relative_standard_error"
            case .rankError: return "rank_share"
            }
        }
    }

    public struct Statement: Sendable {
        public var text: String
        public var parameters: [Parameter]
        public var columns: [Column]
        /// The columns that tell a row from all others; nil where not all of them were asked for, or the view does not show them.
        public var key: [String]?
    }

    /// - Parameter parametersBefore: how many parameters of the caller's come before these.
    public func statement(over version: ViewVersion, parametersBefore: Int = 0) throws(ParallaxError) -> Statement {
        var statement = try RollUpStatement(self, version, parametersBefore: parametersBefore)
        return statement.statement()
    }
}

extension RollUp.Bucket {
    /// What a person writes: an interval (`1h`, `15 minutes`, `1 month`), a unit of the calendar (`day`, `week`, `month`, `quarter`, `year`), `window` or `all`.
    ///
    /// - Parameter zone: of units of the calendar; with it, `1 day` and `7 days` are days and weeks on its clocks.
    public init(_ text: String, zone: String? = nil) throws(ParallaxError) {
        let hint = "such as 1h, 15 minutes, day, week, month, window (the view's own windows), or all (the whole range)"
        func refused(_ message: String) -> ParallaxError { ParallaxError(.input, "bucket \"\(text)\": \(message)", hint: hint) }
        let word = text.lowercased()
        if let unit = Plan.Window.CalendarUnit(rawValue: word) {
            self = .calendar(unit, zone: zone)
        } else if word == "window" || word == "all" {
            guard zone == nil else { throw refused("it has no place for a time zone") }
            self = word == "all" ? .range : .window
        } else {
            let interval: CalendarInterval
            do { interval = try CalendarInterval(text) } catch { throw refused(error.message) }
            switch (interval.months, interval.days, interval.microseconds, zone) {
            case (0, 1, 0, .some): self = .calendar(.day, zone: zone)
            case (0, 7, 0, .some): self = .calendar(.week, zone: zone)
            case (1, 0, 0, _): self = .calendar(.month, zone: zone)
            case (3, 0, 0, _): self = .calendar(.quarter, zone: zone)
            case (12, 0, 0, _): self = .calendar(.year, zone: zone)
            case (0, _, _, nil):
                guard let length = Int64(exactly: interval.span), length > 0 else { throw refused("it has to be longer than nothing") }
                self = .length(microseconds: length)
            default: throw refused("with months or a time zone it has to be a unit of the calendar")
            }
        }
    }
}

extension CalendarInterval {
    /// As PostgreSQL reads intervals: `7 days`, `1h`, `-7d`, `1 month`.
    public init(_ text: String) throws(ParallaxError) {
        let result = Array(text.utf8).withUnsafeBytes { bytes in Result { () throws(IntervalText.Problem) in try IntervalText.read(bytes) }
        }
        switch result {
        case .success(let interval): self = interval
        case .failure(let problem):
            throw ParallaxError(.input, IntervalText.message(of: problem, text), hint: "such as 7 days, 1h or 1 month")
        }
    }
}
