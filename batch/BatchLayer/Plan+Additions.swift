import Columns
import ViewLanguage

extension Plan {
    /// Whether the exact states of new events can be added to those of the events before, group by group:
    ///
    ///     states(old and new) = states(old) + states(new)
    ///
    /// Not where a state is a result and not what it came from (distinct counts, percentiles), nor where of equal values one stands for all and only
    /// the layers' own order says which (intervals, arrays, JSON). Views without a window: the others compute the windows that new events touch.
    var canBeAddedTo: Bool { window == nil && measures.allSatisfy(\.canBeAddedTo) }
}

extension Plan.Measure {
    fileprivate var canBeAddedTo: Bool {
        switch function {
        case .countRows, .count, .sum, .avg, .varPop, .varSamp, .stddevPop, .stddevSamp, .boolAnd, .boolOr: true
        case .min, .max: argument.map { Self.hasOneOrder($0.type) } ?? false
        case .first, .last: order.map { Self.hasOneOrder($0.type) } ?? false
        case .countDistinct, .sumDistinct, .avgDistinct, .percentileCont, .percentileDisc: false
        }
    }

    /// PostgreSQL's order is ours, and equal values look the same (or the longer numeric stands for them, in both).
    private static func hasOneOrder(_ type: ScalarType) -> Bool {
        switch type {
        case .text, .varchar, .char, .int2, .int4, .int8, .numeric, .decimal, .float4, .float8, .bool, .timestamptz, .timestamp, .date,
            .time,
            .uuid:
            true
        case .interval, .jsonb, .array: false
        }
    }
}
