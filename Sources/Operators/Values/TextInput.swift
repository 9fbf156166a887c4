import CSimdJSON
import Columns
import ViewLanguage

/// PostgreSQL's input functions, for casts from text and for constants; the decoder's own code.
enum TextInput {
    /// The bits of a value: integers, unscaled numerics, doubles and uuids in sixteen bytes. Nil with PostgreSQL's message where the text is none.
    static func read(_ text: UnsafeRawBufferPointer, as type: ScalarType) -> Result<UInt128, TextInputError> {
        var bits: UInt128 = 0
        var precision: Int32 = 0
        var scale: Int32 = 0
        if case .numeric(let digits, let places) = type { (precision, scale) = (Int32(digits), Int32(places)) }
        // An empty buffer may have no address; the parser reads nothing of it then.
        let problem = withUnsafeMutableBytes(of: &bits) { target in
            csj_parse(
                type.decoderType, precision, scale, text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count, target.baseAddress)
        }
        if problem == CSJ_OK { return .success(bits) }
        let column = SourceDefinition.Column(name: "", type: type)
        let message = DecodeProblem(code: problem, column: column, value: Array(text)[...], place: nil).message
        return .failure(TextInputError(message: message))
    }

    /// Any unambiguous beginning of true, false, yes, no, on, off; 1 and 0. White space around and letter case do not matter.
    static func readBool(_ text: UnsafeRawBufferPointer) -> Result<Bool, TextInputError> {
        let whole = String(decoding: text, as: UTF8.self)
        let bytes = text.map { $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0 }
        let isSpace = { (byte: UInt8) in byte == 0x20 || (9...13).contains(byte) }
        let word = String(decoding: bytes.drop(while: isSpace).reversed().drop(while: isSpace).reversed(), as: UTF8.self)
        if !word.isEmpty {
            if word == "1" || word == "on" || "true".hasPrefix(word) || "yes".hasPrefix(word) { return .success(true) }
            if word == "0" || word == "of" || word == "off" || "false".hasPrefix(word) || "no".hasPrefix(word) { return .success(false) }
        }
        return .failure(TextInputError(message: "invalid input syntax for type boolean: \"\(whole)\""))
    }
}

struct TextInputError: Error {
    var message: String
}
