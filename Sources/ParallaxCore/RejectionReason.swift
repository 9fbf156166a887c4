/// Why a record is not an event, or why a view cannot take an event. A closed set: also the label under which it is counted.
public enum RejectionReason: String, Sendable, CaseIterable, Codable {
    case emptyPayload = "empty_payload"
    /// A record with a key and no payload (Kafka's tombstone).
    case nullPayload = "null_payload"
    case malformedJSON = "malformed_json"
    case notAnObject = "not_an_object"
    case invalidUTF8 = "invalid_utf8"
    /// U+0000 in a text column, which PostgreSQL cannot store.
    case nulCharacter = "nul_character"
    /// More nesting than the decoder follows.
    case tooDeep = "too_deep"
    case wrongType = "wrong_type"
    /// A number, time or decimal that its column's type cannot hold; also NaN and infinities.
    case outOfRange = "out_of_range"
    /// Null or missing where the column is NOT NULL, the event id or the event time.
    case missingValue = "missing_value"
    /// PostgreSQL would raise an error for this row in this view (division by zero, integer overflow …).
    case expression = "expression_error"
    /// The group columns of this row are together longer than an index key may be.
    case groupKeyTooLong = "group_key_too_long"
}
