import Columns
import ParallaxCore
import TestSupport
import ViewLanguage

@testable import Operators

/// A source with the types that `everyType` has not.
let moreTypesTable = SQLFile(
    path: "table.sql",
    text: """
        CREATE FOREIGN TABLE more_types (id uuid, at timestamptz, tiny smallint, approx real, code varchar(5), tag char(4), wide varchar,
            clock time, loose numeric, doc jsonb, tags text[], marks integer[], scores numeric(6,2)[], flags boolean[],
            small integer, price numeric(12,2), ratio double precision, label text, day date, local timestamp, other char(6),
            reals real[], doubles double precision[])
        SERVER parallax OPTIONS (topic 'more_types', event_id 'id', event_time 'at', out_of_orderness '5 seconds', lateness '1 hour');
        """)

let moreTypes: SourceDefinition = {
    guard let source = compile([moreTypesTable]).definitions?.sources.first else { preconditionFailure("the table is right") }
    return source
}()

/// Values of each column, as JSON: usual ones and extremes, all of which fit.
let moreValues: [(name: String, values: [String])] = [
    ("tiny", ["0", "1", "-1", "7", "32767", "-32768", "100", "\" 12 \""]),
    ("approx", ["0.0", "0.1", "3.4028235e38", "-3.4028235e38", "1e-45", "2.5", "3.5", "16777217", "1e-10", "\"123456.789\"", "0.5"]),
    ("code", ["\"a\"", "\"ab \"", "\"\"", "\"Äöüß!\"", "\"zz   \"", "\"abc  \"", "\"abcde     \"", "\"a%b_c\""]),
    ("tag", ["\"a\"", "\"ab \"", "\"\"", "\"Äöüß\"", "\"zz  \"", "\"a b \"", "\"abc       \"", "\"A\\tb\""]),
    ("wide", ["\"a\"", "\"ab  \"", "\"\"", "\"some words\"", "\"a\\nb\""]),
    ("clock", ["\"00:00\"", "\"24:00:00\"", "\"23:59:59.999999\"", "\"10:11:12.5\"", "\"7:05\"", "\"12:00:00.0000005\"", "\"23:59:60\""]),
    (
        "loose",
        [
            "0", "0.00", "1.5", "1.50", "-1.500", "1e3", "1.5e-3", "99999999999999999999999999999999999999",
            "-0.00000000000000000000000000000000000001",
            "123456789.123456789", "\"  7.10 \"", "-12", "3", "1000000000000000000", "0.1",
        ]
    ),
    (
        "doc",
        [
            "{}", "[]", "5", "\"text\"", "true", #"{"a":1,"b":{"c":[1,2.50,null,"x\\u0041\n"]},"a":2}"#,
            #"[1,[2,3],{"k":"v"},null,"s",-1e2,1.10]"#,
            #"{"zz":1,"b":2,"a":3,"ab":4,"":5,"é":6,"A":7}"#, #"{"n":1.0,"m":1e3,"k":-0.0,"s":"","t":"12","u":"x y","f":false,"z":null}"#,
            #"{"v":1e39,"w":1.2345678901234567890123456789012345678901234567e-25,"x":2.50000000000000000000000000000000000000000001}"#,
            #"{"n":"7","m":12345678901234567890,"k":"\"q\\\\\"","s":" 7 ","t":{"n":7.5},"f":true}"#,
        ]
    ),
    (
        "tags",
        [
            "[]", #"["a"]"#, #"["a","b",null]"#, #"["a b","","NULL","null","x,y","{","\"","\\"]"#, #"["Ä","tab\t"]"#, "[null]",
            #"["abcdef"]"#,
        ]
    ),
    ("marks", ["[]", "[1]", "[1,2,3]", "[null,-2147483648,2147483647]", "[\"7\"]"]),
    ("scores", ["[]", "[1.005,2]", "[null,-9999.99]", "[1.5]", "[12]"]), ("reals", ["[0.0]", "[-0.0]", "[0.5,null]", "[]"]),
    ("doubles", ["[0.0]", "[-0.0]", "[1e300]"]),
    ("flags", ["[true,false,null]", "[]"]),
    ("small", ["0", "1", "-1", "7", "2147483647", "-2147483648", "2"]),
    ("price", ["0", "0.005", "19.99", "-1.25", "9999999999.99"]),
    ("ratio", ["0.0", "0.1", "1e300", "-1e300", "1e-300", "2.5", "3.5", "3.4028236e38"]),
    ("label", ["\"a\"", "\"ab\"", "\"ab \"", "\"\"", "\"7\"", "\"1.50\"", "\"12:00\"", "\"n\"", #""{\"a\": 1}""#]),
    ("day", ["\"2024-02-29\"", "\"1970-01-01\"", "\"0001-01-01\""]), ("local", ["\"2024-05-01T23:59:59.5\"", "\"1969-12-31 01:02:03\""]),
    ("other", ["\"a\"", "\"ab\"", "\"\"", "\"zz\""]),
]

func moreEvents(_ count: Int, seed: UInt64) -> RecordBatch {
    var random = SeededGenerator(seed: seed)
    return records(
        (0..<count).map { row in
            let digits = String(row, radix: 16)
            var fields = [
                "\"id\":\"00000000-0000-0000-0000-\(String(repeating: "0", count: 12 - digits.count))\(digits)\"",
                "\"at\":\"2024-05-01T10:1\(row % 3):00Z\"",
            ]
            for (name, values) in moreValues {
                switch Int.random(in: 0..<10, using: &random) {
                case 0: break
                case 1: fields.append("\"\(name)\":null")
                default: fields.append("\"\(name)\":\(values.randomElement(using: &random) ?? "null")")
                }
            }
            return "{" + fields.joined(separator: ",") + "}"
        })
}
