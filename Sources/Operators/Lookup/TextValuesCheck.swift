import Columns
import ParallaxCore

/// Whether texts are values of a type, as its input function reads them.
public enum TextValuesCheck {
    /// In the order of rows; in PostgreSQL's words.
    public static func problems(_ texts: ByteColumn, as type: ScalarType) -> [(row: Int, message: String)] {
        guard type == .text else { return Evaluator.reading(texts, as: type).problems.sorted { $0.row < $1.row } }
        var problems: [(row: Int, message: String)] = []
        for row in 0..<texts.count where !texts.isNull(row) {
            let bytes = texts[row]
            if bytes.contains(0) {
                problems.append((row, "invalid byte sequence for encoding \"UTF8\": 0x00"))
            } else if bytes.contains(where: { $0 >= 0x80 }), String(validating: bytes, as: UTF8.self) == nil {
                problems.append((row, "the text is not UTF-8"))
            }
        }
        return problems
    }
}
