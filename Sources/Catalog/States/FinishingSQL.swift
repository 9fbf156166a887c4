import Columns
import ViewLanguage

/// Measures whose results take more than one operation, finished as SQL.
enum FinishingSQL {
    /// Variance and standard deviation from the count, the sum and the sum of squares.
    ///
    /// For whole numbers and numerics every operation is the one of PostgreSQL's numeric_stddev_internal (numeric.c), with the same scales:
    /// N·Σx² − (Σx)² over N·(N−1) or N², by numeric division; the root of that in the scale of the quotient. The numeric sqrt may take a
    /// larger scale, and rounding twice could then change the last digit: the root is taken of the quotient with so many zeros more that no
    /// rounding to its scale can be a tie by then.
    ///
    /// For doubles the states are exact, and the quotient is rounded to a double once; PostgreSQL's own result carries its rounding errors.
    static func variance(_ measure: Plan.Measure, n: String, s: String, q: String) -> String {
        let isSample = [.varSamp, .stddevSamp].contains(measure.function)
        let isRoot = [.stddevPop, .stddevSamp].contains(measure.function)
        let isFloat = measure.argument?.isFloat == true
        let numerator = "(\(n) * \(q) - \(s) * \(s))"
        let denominator = isSample ? "(\(n)::numeric * (\(n) - 1))" : "(\(n)::numeric * \(n))"
        let quotient = "(\(numerator) / \(denominator))"
        let result =
            switch (isFloat, isRoot) {
            case (false, false): quotient
            case (false, true): "round(sqrt(round(\(quotient), 2 * scale\(quotient) + 40)), scale\(quotient))"
            case (true, false): float(quotient)
            case (true, true): "sqrt(\(float(quotient)))"
            }
        return """
            CASE WHEN \(n) < \(isSample ? 2 : 1) THEN NULL WHEN \(numerator) <= 0 THEN 0::\(isFloat ? "double precision" : "numeric") \
            ELSE \(result) END
            """
    }

    /// A positive numeric as a double. Below the smallest double it is zero, where PostgreSQL's cast would raise an error.
    private static func float(_ value: String) -> String {
        "(CASE WHEN \(value) < 4.9e-324 THEN 0::double precision ELSE \(StateSQL.roundedToFloat(value)) END)"
    }

    /// sum(DISTINCT x) and avg(DISTINCT x) from the number of different values and their exact sum.
    static func distinct(_ measure: Plan.Measure, count: String, sum: String) -> String {
        switch (measure.function, measure.argument?.type) {
        case (.sumDistinct, .int2), (.sumDistinct, .int4): "\(sum)::bigint"
        case (.sumDistinct, .float4): StateSQL.roundedToReal(sum)
        case (.sumDistinct, .float8): StateSQL.roundedToFloat(sum)
        case (.sumDistinct, _): sum
        case (_, .float4), (_, .float8): "CASE WHEN \(count) > 0 THEN \(StateSQL.roundedToFloat(sum)) / \(count) END"
        default: "CASE WHEN \(count) > 0 THEN \(sum) / \(count) END"
        }
    }

    /// The same over the values of both layers. Where the batch layer's are gone (its window had closed), its exact result says more.
    static func mergedDistinct(_ measure: Plan.Measure, count: String, sum: String, values: String, speedRows: String) -> String {
        let live = distinct(measure, count: "l.n", sum: "l.s")
        let texts = "FROM unnest(string_to_array(\(values), ',')) AS v"
        // Of equal numerics with scales of their own the longest, as the states have them.
        let all =
            measure.argument?.type == .decimal
            ? "SELECT DISTINCT ON (v::numeric) v::numeric AS value \(texts) ORDER BY v::numeric, scale(v::numeric) DESC"
            : "SELECT v::numeric AS value \(texts)"
        return """
            CASE WHEN \(speedRows) = 0 OR (\(count) > 0 AND NOT \(values)_batch) THEN \(distinct(measure, count: count, sum: sum)) \
            ELSE (SELECT \(live) FROM (SELECT count(DISTINCT e.value) AS n, sum(DISTINCT e.value) AS s \
            FROM (\(all)) e) l) END
            """
    }
}
