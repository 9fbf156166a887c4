import Columns
import ParallaxCore
import Postgres
import TestSupport
import Testing

@testable import Operators

/// Texts that become dates and timestamps: ours is PostgreSQL's value, or its message.
@Suite struct DateInputTests {
    static let texts = [
        "2024-05-01", "2024-05-01 10:11:12", "2024-05-01T10:11:12.123456Z", "2024-05-01 10:11:12.1234567+02", " 2024-05-01 ", "2024-02-30",
        "2023-02-29", "2000-02-29", "1900-02-29", "2024-13-01", "0000-01-01", "0001-01-01 BC", "1969-12-31 23:59:59.999999",
        "2024-05-01 24:00:00",
        "2024-05-01 24:00:01", "2024-05-01 23:59:60", "2024-05-01 23:59:60.5", "2024-05-01 25:00", "4713-11-24 BC", "tea", "",
        "2024-05-01 10:11:12-15:59",
        "99999-01-01",
        "2024-05-01 00:00:00+16", "2024-05-01 23:00:00-08",
    ]

    @Test(arguments: [ScalarType.date, .timestamp])
    func everyTextAsInPostgreSQL(_ type: ScalarType) throws {
        let connection = try ExpressionJudge(seed: 1, rows: 1).judge.connection
        try connection.execute(
            """
            CREATE FUNCTION read_text(input text) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN RETURN input::\(type.sqlName)::text; EXCEPTION WHEN OTHERS THEN RETURN 'ERROR: ' || SQLERRM; END $$
            """)
        for text in Self.texts {
            let theirs = try connection.query("SELECT read_text($1)", [.text(text)]).rows[0][0]
            let ours: String
            switch Array(text.utf8).withUnsafeBytes({ TextInput.read($0, as: type) }) {
            case .failure(let error): ours = "ERROR: \(error.message)"
            case .success(let bits):
                var bytes: [UInt8] = []
                let value = Int64(truncatingIfNeeded: bits)
                if type == .date { TextOutput.append(date: value, to: &bytes) } else { TextOutput.append(timestamp: value, to: &bytes) }
                ours = String(decoding: bytes, as: UTF8.self)
            }
            #expect(ours == theirs, "\(text) as \(type.sqlName)")
        }
    }
}
