import Columns
import ParallaxCore
import Testing
import ViewLanguage

@testable import Operators

@Suite struct EventDecoderTests {
    @Test func everyColumnOfAnEvent() throws {
        let text = """
            {"id":"0f0e0d0c-0b0a-0908-0706-050403020100","at":"2024-05-01T10:11:12.345678+02:00","label":"gr\\u00fc\\ud83d\\ude00\\n",
             "small":-7,"big":9223372036854775807,"price":19.995,"exact":"1234567890123456789012345678.0123456789","ratio":0.1,"flag":true,
             "unknown":[{"a":[1,2.5e-3,"x\\u0000"]},null,true]}
            """
        let batch = EventDecoder(everyType).decode(records([text, "{\(idAndTime)}"]))
        try #require(batch.rejections.isEmpty, "\(batch.rejections)")
        #expect(batch.ints(1)[0] == 1_714_551_072_345_678)
        #expect(batch.texts(2) == ["grü😀\n", ""])
        #expect(batch.ints(3) == [-7, 0])
        #expect(batch.ints(4) == [.max, 0])
        #expect(batch.ints(5) == [2000, 0])
        #expect(batch.wide(6)[0] == Int128("12345678901234567890123456780123456789"))
        #expect(batch.doubles(7) == [0.1, 0])
        #expect(batch.columns[2]?.nulls == [0, 1])
        #expect(batch.columns[0]?.nulls == [])
        guard case .bits128(let ids)? = batch.columns[0]?.storage else { return #expect(Bool(false)) }
        #expect(ids[0] == 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100)
        #expect(batch.identities[0] != 0 && batch.identities[0] != batch.identities[1])
    }

    @Test(arguments: [
        ("", RejectionReason.emptyPayload, 0), (" \n\t", .emptyPayload, 0), ("[1]", .notAnObject, 0), (" 12", .notAnObject, 1),
        ("\"x\"", .notAnObject, 0), ("nul", .malformedJSON, 0), ("{", .malformedJSON, 1), ("{\"a\"", .malformedJSON, 4),
        ("{\"a\":}", .malformedJSON, 5), ("{\"a\":1", .malformedJSON, 6), ("{\"a\":1,}", .malformedJSON, 7),
        ("{\"a\" 1}", .malformedJSON, 5),
        ("{\"a\":1} x", .malformedJSON, 8), ("{\"a\":1}{}", .malformedJSON, 7), ("{\"a\":01}", .malformedJSON, 5),
        ("{\"a\":1.}", .malformedJSON, 5), ("{\"a\":-}", .malformedJSON, 5), ("{\"a\":1e}", .malformedJSON, 5),
        ("{\"a\":+1}", .malformedJSON, 5),
        ("{\"a\":.5}", .malformedJSON, 5), ("{\"a\":NaN}", .malformedJSON, 5), ("{\"a\":truee}", .malformedJSON, 5),
        ("{\"a\":12\"b\"}", .malformedJSON, 5), ("{\"a\":\"\\x\"}", .malformedJSON, 6), ("{\"a\":\"\\u12g4\"}", .malformedJSON, 6),
        ("{\"a\":\"\\ud800\"}", .malformedJSON, 6), ("{\"a\":\"\\udc00\"}", .malformedJSON, 6), ("{\"a\":\"b\nc\"}", .malformedJSON, 7),
        ("{\"a\":\"b}", .malformedJSON, 5), ("{a:1}", .malformedJSON, 1), ("{\"a\":[1,]}", .malformedJSON, 8),
        ("{\"a\":[1 2]}", .malformedJSON, 8),
        ("{\"a\":{\"b\":tru}}", .malformedJSON, 10), ("{\\\"a\":1}", .malformedJSON, 1), ("\u{feff}{}", .malformedJSON, 0),
        ("{}", .missingValue, -1), ("{\"label\":\"\\ud800\"}", .malformedJSON, 10),
    ])
    func rejectedRecords(_ text: String, _ reason: RejectionReason, _ position: Int) throws {
        let batch = EventDecoder(everyType).decode(records(["{\(idAndTime)}", text, "{\(idAndTime)}"]))
        try #require(batch.rejections.count == 1)
        #expect(batch.rejections[0].row == 1)
        #expect(batch.rejections[0].reason == reason, "\(batch.rejections[0])")
        #expect(batch.rejections[0].position == (position < 0 ? nil : position), "\(batch.rejections[0])")
        #expect(batch.isRejected == [0, 1, 0])
        #expect(batch.identities[1] == 0 && batch.identities[0] == batch.identities[2])
        for column in batch.columns { #expect(column?.isNull(1) == true) }
    }

    /// Confluent's framing is taken off; places count from the payload's beginning.
    @Test func framedJSONIsUnwrapped() throws {
        let frame: [UInt8] = [0, 0, 0, 1, 100]
        let payloads: [[UInt8]] = [
            frame + Array("{\(idAndTime),\"small\":3}".utf8), frame, [0, 0, 0, 1], frame + Array("{".utf8),
            frame + Array("{\(idAndTime),\"small\":\"x\"}".utf8), [1] + frame,
        ]
        let batch = EventDecoder(everyType).decode(records(payloads))
        #expect(batch.isRejected == [0, 1, 1, 1, 1, 1])
        #expect(batch.ints(3)[0] == 3)
        #expect(batch.rejections.map(\.reason) == [.emptyPayload, .malformedJSON, .malformedJSON, .wrongType, .malformedJSON])
        #expect(batch.rejections[2].position == 6)
        #expect(batch.rejections[3].message == "invalid input syntax for type integer: \"x\"")
    }

    @Test func bytesThatAreNoText() {
        for (bytes, position) in [([Int], Int)]([
            ([0xff], 6), ([0xc3], 6), ([0xed, 0xa0, 0x80], 6), ([0x61, 0xf4, 0x90, 0x80, 0x80], 7), ([0xc0, 0x80], 6),
        ]) {
            let payload = Array("{\"x\":\"".utf8) + bytes.map { UInt8($0) } + Array("\"}".utf8)
            let batch = EventDecoder(everyType).decode(records([payload]))
            #expect(batch.rejections.map(\.reason) == [.invalidUTF8])
            #expect(batch.rejections.first?.position == position)
        }
        let tombstone = EventDecoder(everyType).decode(records([Array("{\(idAndTime)}".utf8), nil, []]))
        #expect(tombstone.rejections.map(\.reason) == [.nullPayload, .emptyPayload])
    }

    @Test func nestingHasALimit() {
        func nested(_ levels: Int) -> String {
            "{\(idAndTime),\"x\":" + String(repeating: "[", count: levels) + String(repeating: "]", count: levels) + "}"
        }
        let decoder = EventDecoder(everyType)
        #expect(decoder.decode(records([nested(EventDecoder.nestingLimit - 1)])).rejections.isEmpty)
        #expect(decoder.decode(records([nested(EventDecoder.nestingLimit)])).rejections.map(\.reason) == [.tooDeep])
        #expect(decoder.decode(records([nested(1_000_000)])).rejections.map(\.reason) == [.tooDeep])
    }

    @Test(arguments: [
        ("\"small\":2147483648", RejectionReason.outOfRange, "value \"2147483648\" is out of range for type integer"),
        ("\"small\":1.0", .wrongType, "invalid input syntax for type integer: \"1.0\""),
        ("\"small\":\"abc\"", .wrongType, "invalid input syntax for type integer: \"abc\""),
        ("\"small\":\"\"", .wrongType, "invalid input syntax for type integer: \"\""),
        ("\"small\":true", .wrongType, "expected a value of type integer, found the JSON boolean true"),
        ("\"big\":-9223372036854775809", .outOfRange, "value \"-9223372036854775809\" is out of range for type bigint"),
        ("\"big\":1e3", .wrongType, "invalid input syntax for type bigint: \"1e3\""),
        ("\"big\":99999999999999999999999", .outOfRange, "value \"99999999999999999999999\" is out of range for type bigint"),
        (
            "\"price\":9999999999.995", .outOfRange,
            "numeric field overflow: a field with precision 12, scale 2 must round to an absolute value less than 10^10"
        ),
        (
            "\"price\":1e400000", .outOfRange,
            "numeric field overflow: a field with precision 12, scale 2 must round to an absolute value less than 10^10"
        ),
        ("\"price\":1e99999999999", .outOfRange, "value overflows numeric format"),
        ("\"price\":\"NaN\"", .outOfRange, "\"NaN\" is not a finite numeric; NaN and infinities are not accepted"),
        ("\"ratio\":\"-Infinity\"", .outOfRange, "\"-Infinity\" is not a finite double precision; NaN and infinities are not accepted"),
        ("\"ratio\":1e400", .outOfRange, "\"1e400\" is out of range for type double precision"),
        ("\"ratio\":1e-400", .outOfRange, "\"1e-400\" is out of range for type double precision"),
        ("\"ratio\":\"1x\"", .wrongType, "invalid input syntax for type double precision: \"1x\""),
        ("\"flag\":1", .wrongType, "expected a value of type boolean, found the JSON number 1"),
        ("\"flag\":\"true\"", .wrongType, "expected a value of type boolean, found the JSON string true"),
        ("\"label\":7", .wrongType, "expected a value of type text, found the JSON number 7"),
        ("\"label\":{\"a\":1}", .wrongType, "expected a value of type text, found the JSON object {\"a\":1}"),
        ("\"label\":\"a\\u0000b\"", .nulCharacter, "unsupported Unicode escape sequence: \\u0000 cannot be converted to text"),
        ("\"at\":\"yesterday\"", .wrongType, "invalid input syntax for type timestamp with time zone: \"yesterday\""),
        ("\"at\":\"2023-02-29\"", .outOfRange, "date/time field value out of range: \"2023-02-29\""),
        ("\"at\":\"2023-02-28 24:00:01\"", .outOfRange, "date/time field value out of range: \"2023-02-28 24:00:01\""),
        ("\"at\":\"2023-02-28 10:00+16\"", .outOfRange, "time zone displacement out of range: \"2023-02-28 10:00+16\""),
        ("\"at\":\"294247-01-11\"", .outOfRange, "timestamp out of range: \"294247-01-11\""),
        ("\"at\":1714551072", .wrongType, "expected a value of type timestamp with time zone, found the JSON number 1714551072"),
        ("\"at\":null", .missingValue, "null value in column \"at\" violates not-null constraint"),
        (
            "\"id\":\"0f0e0d0c-0b0a-0908-0706-05040302010\"", .wrongType,
            "invalid input syntax for type uuid: \"0f0e0d0c-0b0a-0908-0706-05040302010\""
        ),
    ])
    func rejectedValues(_ field: String, _ reason: RejectionReason, _ message: String) throws {
        let batch = decodeField(field)
        try #require(batch.rejections.count == 1)
        #expect(batch.rejections[0].reason == reason)
        #expect(batch.rejections[0].message == message)
        #expect(batch.rejections[0].column == String(field.dropFirst().prefix { $0 != "\"" }))
        if reason != .missingValue {
            #expect(batch.rejections[0].position == "{\(idAndTime),".utf8.count + field.prefix { $0 != ":" }.utf8.count + 1)
        }
    }

    @Test func theLastOfRepeatedFieldsDecides() {
        #expect(decodeField(#""small":"x","small":5"#).ints(3) == [5])
        #expect(decodeField(#""small":5,"small":"x""#).rejections.map(\.reason) == [.wrongType])
        #expect(decodeField(#""label":"abc","label":"de""#).texts(2) == ["de"])
        #expect(decodeField(#""label":"abc","label":null"#).columns[2]?.nulls == [1])
        #expect(decodeField(#""l\u0061bel":"escaped""#).texts(2) == ["escaped"])
        #expect(decodeField(#""ratio":1e999,"ratio":null"#).rejections.isEmpty)
    }
}
