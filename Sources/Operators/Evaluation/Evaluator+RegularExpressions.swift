import Columns
import ViewLanguage

extension Evaluator {
    /// The pattern is a constant that the compiler has read.
    mutating func regularExpression(_ arguments: [Vector], ignoringCase: Bool, _ frame: CallFrame) -> Vector {
        guard case .text(let texts) = arguments[1].values, arguments[1].isConstant else {
            preconditionFailure("a pattern that is no constant")
        }
        let pattern = String(decoding: texts.bytes[texts.starts[0]..<texts.ends[0]], as: UTF8.self)
        guard let syntax = try? RegularExpressionSyntax(pattern, ignoringCase: ignoringCase) else {
            preconditionFailure("a pattern that the compiler refuses: \(pattern)")
        }
        let expression = RegularExpression(syntax)
        return truths([arguments[0]], frame) { (texts, row) throws(RowProblem) in expression.matches(texts[0][row]) }
    }
}
