import CSimdJSON
import Columns
import ParallaxCore
import ViewLanguage

/// What the decoder found, as a reason and a sentence. Made for rejected rows only.
struct DecodeProblem {
    var code: csj_problem
    var column: SourceDefinition.Column?
    /// The offending value as it stands in the payload, without quotes.
    var value: ArraySlice<UInt8>
    /// The byte at the position, where there is one.
    var place: UInt8?

    var reason: RejectionReason {
        switch code {
        case CSJ_EMPTY: .emptyPayload
        case CSJ_INVALID_UTF8: .invalidUTF8
        case CSJ_NOT_AN_OBJECT: .notAnObject
        case CSJ_TOO_DEEP: .tooDeep
        case CSJ_NUL_CHARACTER: .nulCharacter
        case CSJ_WRONG_JSON_TYPE, CSJ_SYNTAX: .wrongType
        case CSJ_VALUE_RANGE, CSJ_NUMERIC_OVERFLOW, CSJ_NUMERIC_FORMAT, CSJ_NOT_FINITE, CSJ_DATETIME_FIELD, CSJ_ZONE_RANGE,
            CSJ_TIMESTAMP_RANGE, CSJ_INTERVAL_FIELD, CSJ_INTERVAL_RANGE, CSJ_TOO_LONG, CSJ_DECIMAL_DIGITS, CSJ_JSON_NUMBER_DIGITS:
            .outOfRange
        case CSJ_MISSING: .missingValue
        default: .malformedJSON
        }
    }

    var message: String {
        switch code {
        case CSJ_EMPTY: "the payload is empty"
        case CSJ_INVALID_UTF8: "invalid byte sequence for encoding \"UTF8\": \(hex(place))"
        case CSJ_NOT_AN_OBJECT: "the payload is not a JSON object"
        case CSJ_TOO_DEEP: "more than \(EventDecoder.nestingLimit) levels of JSON inside one another"
        case CSJ_TOO_LARGE: "the payload is larger than the JSON parser takes (4 GiB)"
        case CSJ_UNEXPECTED_CHARACTER: "invalid JSON: unexpected \(seen)"
        case CSJ_EXPECTED_VALUE: "invalid JSON: expected a value, found \(seen)"
        case CSJ_EXPECTED_KEY: "invalid JSON: expected a field name in double quotes, found \(seen)"
        case CSJ_EXPECTED_COLON: "invalid JSON: expected \":\" after a field name, found \(seen)"
        case CSJ_EXPECTED_COMMA: "invalid JSON: expected \",\" or the closing bracket, found \(seen)"
        case CSJ_UNEXPECTED_END: "invalid JSON: the payload ends too early"
        case CSJ_TRAILING_CONTENT: "invalid JSON: \(seen) after the end of the value"
        case CSJ_BAD_NUMBER: "invalid JSON: not a number as JSON writes them"
        case CSJ_BAD_LITERAL: "invalid JSON: expected true, false or null"
        case CSJ_BAD_ESCAPE: "invalid JSON: unknown escape in a string"
        case CSJ_LONE_SURROGATE: "invalid JSON: a Unicode surrogate without its other half"
        case CSJ_CONTROL_CHARACTER: "invalid JSON: control character \(hex(place)) in a string must be escaped"
        case CSJ_UNCLOSED_STRING: "invalid JSON: a string without its closing quote"
        case CSJ_NUL_CHARACTER: "unsupported Unicode escape sequence: \\u0000 cannot be converted to text"
        case CSJ_WRONG_JSON_TYPE: "expected a value of type \(typeName), found the JSON \(jsonKind) \(shown)"
        case CSJ_SYNTAX: "invalid input syntax for type \(typeName): \"\(shown)\""
        case CSJ_VALUE_RANGE: valueRangeMessage
        case CSJ_NUMERIC_OVERFLOW: numericOverflowMessage
        case CSJ_NUMERIC_FORMAT: "value overflows numeric format"
        case CSJ_NOT_FINITE: "\"\(shown)\" is not a finite \(typeName); NaN and infinities are not accepted"
        case CSJ_DATETIME_FIELD: "date/time field value out of range: \"\(shown)\""
        case CSJ_ZONE_RANGE: "time zone displacement out of range: \"\(shown)\""
        case CSJ_TIMESTAMP_RANGE: "timestamp out of range: \"\(shown)\""
        case CSJ_INTERVAL_FIELD: "interval field value out of range: \"\(shown)\""
        case CSJ_INTERVAL_RANGE: "interval out of range"
        case CSJ_MISSING: "null value in column \"\(column?.name ?? "")\" violates not-null constraint"
        case CSJ_TOO_LONG: "value too long for type \(valueType?.sqlName ?? typeName)"
        case CSJ_DECIMAL_DIGITS: "numeric field overflow: a numeric has at most \(ScalarType.maximumNumericPrecision) digits"
        case CSJ_JSON_NUMBER_DIGITS: "a number in JSON has at most 1000 digits before and behind its point"
        default: "invalid JSON"
        }
    }

    private var valueRangeMessage: String {
        valueType?.layout == .float64
            ? "\"\(shown)\" is out of range for type \(typeName)"
            : "value \"\(shown)\" is out of range for type \(typeName)"
    }

    private var numericOverflowMessage: String {
        guard case .numeric(let precision, let scale) = valueType else { return "numeric field overflow" }
        return numericFieldOverflow(precision: precision, scale: scale)
    }

    /// The type that the value does not fit. In an array an element is in trouble, unless the whole value is no array.
    private var valueType: ScalarType? {
        if case .array(let element)? = column?.type, code != CSJ_WRONG_JSON_TYPE { return element }
        return column?.type
    }

    private var jsonKind: String {
        switch place {
        case UInt8(ascii: "{"): "object"
        case UInt8(ascii: "["): "array"
        case UInt8(ascii: "t"), UInt8(ascii: "f"): "boolean"
        case UInt8(ascii: "\""): "string"
        default: "number"
        }
    }

    /// PostgreSQL's messages name the type without its modifiers.
    private var typeName: String {
        switch valueType {
        case .numeric: "numeric"
        case .varchar: "character varying"
        case .char: "character"
        case .timestamptz: "timestamp with time zone"
        case .some(let type): type.sqlName
        case nil: "unknown"
        }
    }

    /// At most this many bytes of a value are repeated in a message.
    private static let shownLimit = 100

    private var shown: String {
        value.count <= Self.shownLimit
            ? String(decoding: value, as: UTF8.self)
            : String(decoding: value.prefix(Self.shownLimit), as: UTF8.self) + "…"
    }

    private var seen: String {
        guard let place else { return "the end" }
        return place >= 0x20 && place < 0x7f ? "\"\(Character(Unicode.Scalar(place)))\"" : "byte \(hex(place))"
    }

    private func hex(_ byte: UInt8?) -> String {
        guard let byte else { return "the end" }
        return "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

/// PostgreSQL's message with its DETAIL.
func numericFieldOverflow(precision: Int, scale: Int) -> String {
    let limit = precision == scale ? "1" : "10^\(precision - scale)"
    return
        "numeric field overflow: a field with precision \(precision), scale \(scale) must round to an absolute value less than \(limit)"
}
