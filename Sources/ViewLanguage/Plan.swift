import Columns
import ParallaxCore

/// What a view's SELECT compiles to; both layers execute it. Codable: it is stored with the view version.
public struct Plan: Hashable, Sendable, Codable {
    public var source: SourceDefinition
    /// Rows for which this is true enter the view (false and unknown do not). Nil: all rows.
    public var filter: Expression?
    public var window: Window?
    /// The group columns beside the window, in the order in which they stand in GROUP BY.
    public var groups: [Group]
    /// True for a SELECT without GROUP BY: one row always, also over no records.
    public var isGlobal: Bool
    /// Distinct aggregates of the SELECT list, in order of first appearance.
    public var measures: [Measure]
    /// The view's columns, in the order of the SELECT list.
    public var outputs: [Output]
    /// HAVING: groups for which it is not true are not shown. Their states are kept, since a group may come to fulfil it, or cease to.
    public var having: Finisher?
    /// Tables that the events are joined with, in the order of FROM. Nil: none.
    public var lookups: [Lookup]?
    /// Microseconds. Windows that ended at least so long before the watermark at a cut leave the view with the run of that cut. Nil: none does.
    public var retention: Int64?
    /// True: rows of the batch layer keep their sketches when nothing can reach their windows any more, so that they can be rolled up. Nil: those go.
    public var keepsSketches: Bool?

    public struct Window: Hashable, Sendable, Codable {
        public enum Kind: Hashable, Sendable, Codable {
            /// Half-open [start, start + size), aligned to `origin` (microseconds; PostgreSQL's date_bin semantics, also before the origin).
            case tumbling(size: Int64, origin: Int64)
            /// Every half-open [start, start + size) that holds the event, with starts aligned to `origin` every `slide` microseconds.
            case hopping(slide: Int64, size: Int64, origin: Int64)
            /// From one start of the unit to the next on the clocks of a time zone (a name of the tz database): date_trunc's windows.
            case calendar(unit: CalendarUnit, zone: String)
            /// A group's events that follow one another in less than `gap` (microseconds). The window goes from the first event to the
            /// last one + gap, half-open: an event at just that instant begins the next session.
            case session(gap: Int64)
        }
        public enum CalendarUnit: String, Hashable, Sendable, Codable, CaseIterable { case day, week, month, quarter, year }
        public var name: String
        public var kind: Kind
        public init(name: String, kind: Kind) {
            self.name = name
            self.kind = kind
        }
    }

    public struct Group: Hashable, Sendable, Codable {
        public var name: String
        public var expression: Expression
        /// Some types show equal values differently ('1 day' and '24:00'). Then this measure, in that type or as its text, says what the
        /// group shows. Nil: the group shows its key.
        public var shownBy: Int?
        public init(name: String, expression: Expression, shownBy: Int? = nil) {
            self.name = name
            self.expression = expression
            self.shownBy = shownBy
        }
    }

    public struct Measure: Hashable, Sendable, Codable {
        public enum Function: String, Hashable, Sendable, Codable, CaseIterable {
            /// count(*)
            case countRows
            /// count(x)
            case count
            case sum, avg, min, max
            case countDistinct
            case sumDistinct, avgDistinct
            /// bool_and (also called every) and bool_or.
            case boolAnd, boolOr
            /// These three take whole numbers only.
            case bitAnd, bitOr, bitXor
            case varPop, varSamp, stddevPop, stddevSamp
            /// WITHIN GROUP (ORDER BY argument); the fractions are in `percentile`.
            case percentileCont, percentileDisc
            /// first(x, t) and last(x, t): the argument of the row with the smallest or largest (order, partition, offset).
            case first, last
        }
        /// The direct argument of an ordered-set aggregate.
        public struct Percentile: Hashable, Sendable, Codable {
            /// Between 0 and 1.
            public var fractions: [Double]
            /// True for percentile_cont(ARRAY[…]): the result is an array, too.
            public var isArray: Bool
            public init(fractions: [Double], isArray: Bool) {
                self.fractions = fractions
                self.isArray = isArray
            }
        }
        public var function: Function
        /// Nil for count(*) only.
        public var argument: Expression?
        /// FILTER (WHERE …).
        public var filter: Expression?
        /// What first and last order by; rows where it is null are passed over.
        public var order: Expression?
        public var percentile: Percentile?
        /// How fine the sketch is, where the view's options say it: log2m of a countDistinct's hll, compression of a percentile's tdigest.
        public var precision: Int?
        /// Where a whole row is kept (DISTINCT ON), several measures (first or last) take their values from the same row. One of them keeps
        /// the tag that tells which row it is, and the others name that one here; all have the same function and order. Nil: the tag is its own.
        public var sharedTag: Int?
        public init(
            function: Function, argument: Expression?, filter: Expression?, order: Expression? = nil, percentile: Percentile? = nil
        ) {
            self.function = function
            self.argument = argument
            self.filter = filter
            self.order = order
            self.percentile = percentile
        }
    }

    public struct Output: Hashable, Sendable, Codable {
        public enum Value: Hashable, Sendable, Codable {
            /// The window's start.
            case window
            /// Its end, the first instant behind it.
            case windowEnd
            /// Index into `groups`.
            case group(Int)
            /// Index into `measures`.
            case measure(Int)
            /// An expression over the group's results, which PostgreSQL evaluates.
            case finished(Finisher)
        }
        public var name: String
        public var value: Value
        public init(name: String, value: Value) {
            self.name = name
            self.value = value
        }
    }

    public init(
        source: SourceDefinition, filter: Expression?, window: Window?, groups: [Group], isGlobal: Bool,
        measures: [Measure], outputs: [Output], having: Finisher? = nil, lookups: [Lookup]? = nil
    ) {
        self.source = source
        self.filter = filter
        self.window = window
        self.groups = groups
        self.isGlobal = isGlobal
        self.measures = measures
        self.outputs = outputs
        self.having = having
        self.lookups = lookups
    }
}
