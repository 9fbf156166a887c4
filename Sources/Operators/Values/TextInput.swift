import CSimdJSON
import Columns
import ParallaxCore
import ViewLanguage

#if canImport(Glibc)
    import Glibc
#endif

/// PostgreSQL's input functions, for casts from text and for constants; the decoder's own code.
enum TextInput {
    /// The bits of a value: integers, unscaled numerics, doubles and uuids in sixteen bytes. Nil with PostgreSQL's message where the text is none.
    static func read(_ text: UnsafeRawBufferPointer, as type: ScalarType) -> Result<UInt128, TextInputError> {
        if type == .interval {
            return readInterval(text).map(\.bits).mapError {
                TextInputError(message: Self.message($0.decoderProblem, text, type))
            }
        }
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

    static func readInterval(_ text: UnsafeRawBufferPointer) -> Result<CalendarInterval, IntervalText.Problem> {
        Result { () throws(IntervalText.Problem) in try IntervalText.read(text) }
    }

    /// A numeric of any scale, as PostgreSQL writes it.
    static func appendDecimal(_ text: UnsafeRawBufferPointer, to buffer: inout [UInt8]) throws(RowProblem) {
        var written = 0
        var problem = CSJ_OK
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { target in
            problem = csj_parse_decimal(text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count, target.baseAddress, &written)
            buffer.append(contentsOf: UnsafeRawBufferPointer(target)[..<written])
        }
        guard problem == CSJ_OK else { throw RowProblem(message(problem, text, .decimal)) }
    }

    /// JSON in PostgreSQL's normal form.
    static func appendJSON(_ text: UnsafeRawBufferPointer, to buffer: inout [UInt8]) throws(RowProblem) {
        // The parser reads up to 64 bytes behind the end.
        let padded = Array(text) + [UInt8](repeating: 0, count: 64)
        var result: UnsafeMutablePointer<CChar>?
        var written = 0
        let problem = csj_parse_jsonb(padded, text.count, &result, &written)
        defer { free(result) }
        guard problem == CSJ_OK, let result else {
            throw RowProblem(
                problem == CSJ_NUL_CHARACTER
                    ? "unsupported Unicode escape sequence"
                    : problem == CSJ_JSON_NUMBER_DIGITS ? message(problem, text, .jsonb) : "invalid input syntax for type json")
        }
        buffer.append(contentsOf: UnsafeRawBufferPointer(start: result, count: written))
    }

    private static func message(_ problem: csj_problem, _ text: UnsafeRawBufferPointer, _ type: ScalarType) -> String {
        let column = SourceDefinition.Column(name: "", type: type)
        return DecodeProblem(code: problem, column: column, value: Array(text)[...], place: nil).message
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
