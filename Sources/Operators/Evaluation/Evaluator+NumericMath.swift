import Columns
import ViewLanguage

extension Evaluator {
    /// What numerics become in a scale that depends on their values.
    enum NumericFunction {
        case squareRoot, power, exponential, naturalLogarithm, logarithm, wholeQuotient

        init?(_ function: Expression.Function) {
            switch function {
            case .squareRoot: self = .squareRoot
            case .power: self = .power
            case .exponential: self = .exponential
            case .naturalLogarithm: self = .naturalLogarithm
            case .logarithm: self = .logarithm
            case .wholeQuotient: self = .wholeQuotient
            default: return nil
            }
        }
    }

    /// `arguments` are numerics of one scale or of a scale for each value.
    mutating func numeric(_ function: NumericFunction, _ arguments: [Vector], _ frame: CallFrame) -> Vector {
        // The closure below changes the errors while it reads the arguments' bytes.
        var evaluator = self
        var result = withTexts(arguments.filter { $0.type == .decimal }) { texts in
            var rest = texts[...]
            let numbers = arguments.map { NumericArgument($0, &rest) }
            return evaluator.texts(frame) { (row, out) throws(RowProblem) in
                let x = numbers[0][row]
                let value =
                    switch function {
                    case .squareRoot: try NumericMath.squareRoot(x)
                    case .power: try NumericMath.power(x, numbers[1][row])
                    case .exponential: try NumericMath.exponential(x)
                    case .naturalLogarithm: try NumericMath.logarithm(x)
                    case .logarithm: try NumericMath.logarithm(base: x, numbers[1][row])
                    case .wholeQuotient: try NumericMath.wholeQuotient(x, numbers[1][row])
                    }
                value.append(to: &out)
            }
        }
        errors = evaluator.errors
        result.type = .decimal
        return result
    }
}

/// Access to the values of a numeric vector by position, whatever way they are kept.
private enum NumericArgument {
    case fixed(DecimalArgument, scale: Int)
    case text(TextArgument)

    /// - Parameter texts: those of the vectors whose values have scales of their own, from this one on.
    init(_ vector: Vector, _ texts: inout ArraySlice<TextArgument>) {
        self = vector.type == .decimal ? .text(texts.removeFirst()) : .fixed(DecimalArgument(vector), scale: vector.type.numericScale)
    }

    subscript(_ position: Int) -> ScaledDecimal {
        switch self {
        case .fixed(let values, let scale): ScaledDecimal(numeric: values[position], scale: scale)
        case .text(let texts): ScaledDecimal(texts[position])
        }
    }
}
