extension Expression {
    /// Functions of PostgreSQL that the evaluator knows, one case for one meaning: overloads that differ only in their types share it.
    /// All of them give null where an argument is null, but for those that say otherwise.
    public enum Function: String, Hashable, Sendable, Codable {
        // Conditions. Greatest and least pass over nulls.
        case greatest, least
        /// (a, b): null where a = b, else a; b may be null.
        case nullIf

        // Text. Positions and lengths count characters (code points), from 1.
        case lower, upper, initialCapitals, length, octetLength, reverse, md5
        case concatenate
        /// Any number of texts, of which nulls are passed over; never null. The separated one has its separator first and is null with it.
        case concat, concatSeparated
        case substring, left, right, splitPart, replace, repeated, position, startsWith, translate
        case trimBoth, trimLeading, trimTrailing, padLeft, padRight
        /// (text, pattern).
        case like, likeIgnoringCase
        /// (pattern, escape): the same pattern with the backslash as its escape.
        case likeEscape

        /// (text, pattern): whether the text has a match of the regular expression. The compiler has read a constant one.
        case matches, matchesIgnoringCase

        // Numbers. Rounding a numeric goes to the scale of the result, or to (value, digits) where the digits are negative.
        case absolute, ceiling, floor, round, truncate, sign, squareRoot, power
        /// decimalLogarithm and cubeRoot in double precision only; logarithm is (base, value), of numerics only.
        case exponential, naturalLogarithm, decimalLogarithm, logarithm, cubeRoot
        /// (numeric, numeric): the quotient without its digits behind the point.
        case wholeQuotient
        /// (operand, low, high, count) in double precision.
        case widthBucket
        // Times. What depends on a zone is in UTC, but where a zone is named.
        case addInterval, subtractInterval, addDays, subtractDays, daysBetween, timeBetween
        case intervalAdd, intervalSubtract, intervalMultiply, intervalDivide, intervalNegate
        /// Days out of 24 hours, months out of 30 days, or both.
        case justifyHours, justifyDays, justifyInterval
        /// (field, value): the field's name is a constant, and canonical. In numeric, and in double precision.
        case extract, datePart
        /// (unit, value [, zone]): constants, but for the value.
        case truncateTime
        /// (size, value, origin).
        case binTime
        /// (zone, value): from timestamptz to timestamp, or back.
        case atZone
        case secondsToTime

        // JSON. A field, an element (from 0, from the end where negative) or what a path leads to; null where there is none. As text: a string
        // without its quotes, null for JSON's null.
        case jsonField, jsonElement, jsonPath
        case jsonFieldText, jsonElementText, jsonPathText
        case jsonHasField, jsonType, jsonLength

        // Arrays. Elements count from 1. An array of nulls is not null.
        case makeArray, arrayElement, arrayLength, cardinality
        /// (name of a comparison, value, array): whether it holds for any element, or for all; three-valued.
        case compareAny, compareAll

        /// (numeric, numeric): the quotient at the scale that PostgreSQL selects for the two values.
        case divideNumeric
    }

    /// WHEN condition THEN value.
    public struct Branch: Hashable, Sendable, Codable {
        public var condition: Expression
        public var value: Expression
        public init(condition: Expression, value: Expression) {
            self.condition = condition
            self.value = value
        }
    }

    /// The expressions that this one is made of, in the order in which they are written.
    public var children: [Expression] {
        switch self {
        case .column, .lookup, .literal: []
        case .compare(_, let a, let b), .arithmetic(_, let a, let b, _): [a, b]
        case .negate(let a, _), .not(let a), .isNull(let a), .isNotNull(let a), .isTruth(let a, _, _), .cast(let a, _): [a]
        case .and(let parts), .or(let parts), .coalesce(let parts, _), .call(_, let parts, _): parts
        case .inList(let value, let list): [value] + list
        case .choice(let branches, let otherwise, _): branches.flatMap { [$0.condition, $0.value] } + [otherwise]
        }
    }

    /// Whether it has more nodes than this; stops counting there.
    func hasMoreNodes(than limit: Int) -> Bool { remaining(of: limit) < 0 }

    /// How many nodes, up to a limit that makes it stop.
    func nodeCount(upTo limit: Int) -> Int { limit - max(0, remaining(of: limit)) }

    private func remaining(of budget: Int) -> Int {
        var left = budget - 1
        for child in children where left >= 0 { left = child.remaining(of: left) }
        return left
    }
}
