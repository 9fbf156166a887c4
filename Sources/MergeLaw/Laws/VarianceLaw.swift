import Columns
import ViewLanguage

/// Variance and standard deviation: the count, the exact sum and the exact sum of squares.
struct VarianceLaw: MeasureLaw {
    let measure: Plan.Measure
    let index: Int

    func columns(_ layer: StateLayout.Layer) -> [StateColumn] {
        [.count(measure: index), .sum(measure: index), .sum(measure: index, "q")]
    }

    /// For whole numbers and numerics every operation is the one of PostgreSQL's numeric_stddev_internal (numeric.c), with the same scales:
    /// N·Σx² − (Σx)² over N·(N−1) or N², by numeric division; the root of that in the scale of the quotient. The numeric sqrt may take a
    /// larger scale, and rounding twice could then change the last digit: the root is taken of the quotient with so many zeros more that no
    /// rounding to its scale can be a tie by then.
    ///
    /// For doubles the states are exact, and the quotient is rounded to a double once; PostgreSQL's own result carries its rounding errors.
    func finished(over row: StateSQL.Row, joinsSessions: Bool) -> String {
        let (n, s, q) = ("\(row.alias).m\(index)_n", "\(row.alias).m\(index)_s", "\(row.alias).m\(index)_q")
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
    private func float(_ value: String) -> String {
        "(CASE WHEN \(value) < 4.9e-324 THEN 0::double precision ELSE \(Rounding.toDouble(value)) END)"
    }

    func differs(_ column: StateColumn) -> String? { column.rule == .sum ? measure.differsInScale(column) : column.differs }
    var canBeAddedTo: Bool { true }
}
