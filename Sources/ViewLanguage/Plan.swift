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

    public struct Window: Hashable, Sendable, Codable {
        public enum Kind: Hashable, Sendable, Codable {
            /// Half-open [start, start + size), aligned to `origin` (microseconds; PostgreSQL's date_bin semantics, also before the origin).
            case tumbling(size: Int64, origin: Int64)
        }
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
        public init(name: String, expression: Expression) {
            self.name = name
            self.expression = expression
        }
    }

    public struct Measure: Hashable, Sendable, Codable {
        public enum Function: String, Hashable, Sendable, Codable {
            /// count(*)
            case countRows
            /// count(x)
            case count
            case sum, avg, min, max
            case countDistinct
        }
        public var function: Function
        /// Nil for count(*) only.
        public var argument: Expression?
        /// FILTER (WHERE …).
        public var filter: Expression?
        public init(function: Function, argument: Expression?, filter: Expression?) {
            self.function = function
            self.argument = argument
            self.filter = filter
        }
    }

    public struct Output: Hashable, Sendable, Codable {
        public enum Value: Hashable, Sendable, Codable {
            case window
            /// Index into `groups`.
            case group(Int)
            /// Index into `measures`.
            case measure(Int)
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
        measures: [Measure], outputs: [Output]
    ) {
        self.source = source
        self.filter = filter
        self.window = window
        self.groups = groups
        self.isGlobal = isGlobal
        self.measures = measures
        self.outputs = outputs
    }
}
