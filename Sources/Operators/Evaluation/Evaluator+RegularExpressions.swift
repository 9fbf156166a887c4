import Columns
import ViewLanguage

extension Evaluator {
    /// The pattern is a constant that the compiler has read, or one of each row: what is no regular expression is that row's error.
    mutating func regularExpression(_ arguments: [Vector], ignoringCase: Bool, isOfRecords: Bool, _ frame: CallFrame) -> Vector {
        let patterns = RegularExpressionCache(ignoringCase: ignoringCase, isOfRecords: isOfRecords)
        return truths(arguments, frame) { (texts, row) throws(RowProblem) in try patterns.matches(texts[0][row], texts[1][row]) }
    }
}
