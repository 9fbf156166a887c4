import ParallaxCore
import Postgres
import TestSupport
import Testing

/// What a row says of a column, or that it cannot say it.
@Suite struct RowTests {
    private let row = QueryResult.Row(
        columns: ["partition", "next_offset", "name", "is_idle", "share", "nothing", "?column?"],
        values: ["3", "-9223372036854775808", "clicks", "f", "0.25", nil, "many words"])

    @Test func valuesByPlaceAndByName() throws {
        #expect(try row.int(0) == 3 && row.int("partition") == 3)
        #expect(try row.int("next_offset") == .min && row.offset(1) == Offset(.min))
        #expect(try row.partition(0) == Partition(3) && row.slice(0) == SliceNumber(3) && row.run(0) == RunNumber(3))
        #expect(try row.instant(0) == Instant(microseconds: 3))
        #expect(try row.text("name") == "clicks" && row.text(0) == "3")
        #expect(try row.bool("is_idle") == false)
        #expect(try row.double("share") == 0.25)
        #expect(row[2] == "clicks" && row[5] == nil)
    }

    @Test func optionalOnesTellNullFromAValue() throws {
        #expect(try row.optionalInt(0) == 3 && row.optionalInt("nothing") == nil)
        #expect(try row.optionalText(2) == "clicks" && row.optionalText(5) == nil)
        #expect(try row.optionalBool(3) == false && row.optionalBool(5) == nil)
        #expect(try row.optionalDouble(4) == 0.25 && row.optionalDouble(5) == nil)
        #expect(try row.optionalInstant(0) == Instant(microseconds: 3) && row.optionalInstant(5) == nil)
        #expect(try row.optionalRun(0) == RunNumber(3) && row.optionalRun(5) == nil)
    }

    /// What a reading says that must fail.
    private func refusal<Value>(_ read: (QueryResult.Row) throws(ParallaxError) -> Value) throws -> ParallaxError {
        let error = try #require(throws: ParallaxError.self) { _ = try read(row) }
        #expect(error.code == .internalInconsistency && !error.isRetriable && error.hint != nil)
        return error
    }

    @Test func aNullThatShouldNotBeThereNamesItsColumn() throws {
        #expect(
            try refusal { row throws(ParallaxError) in try row.int("nothing") }.message.hasPrefix(
                "column \"nothing\" of PostgreSQL's answer is null"))
        let byPlace = try refusal { row throws(ParallaxError) in try row.offset(5) }
        #expect(byPlace.message == "column 6 (\"nothing\") of PostgreSQL's answer is null, and should be a whole number")
        _ = try refusal { row throws(ParallaxError) in try row.text(5) }
        _ = try refusal { row throws(ParallaxError) in try row.bool(5) }
        _ = try refusal { row throws(ParallaxError) in try row.double(5) }
        _ = try refusal { row throws(ParallaxError) in try row.partition(5) }
        _ = try refusal { row throws(ParallaxError) in try row.instant(5) }
    }

    @Test func aTextOfAnotherTypeIsShown() throws {
        let error = try refusal { row throws(ParallaxError) in try row.int(6) }
        #expect(error.message == "column 7 (\"?column?\") of PostgreSQL's answer holds \"many words\", and should be a whole number")
        // Also where null would be fine.
        let optional = try refusal { row throws(ParallaxError) in try row.optionalInt("share") }
        #expect(optional.message.contains("\"0.25\""))
        _ = try refusal { row throws(ParallaxError) in try row.bool("name") }
        _ = try refusal { row throws(ParallaxError) in try row.optionalDouble("name") }
        // Too large for a partition's number, which is an int4.
        _ = try refusal { row throws(ParallaxError) in try row.partition("next_offset") }
        let long = QueryResult.Row(columns: ["a"], values: [String(repeating: "x", count: 10_000)])
        let shortened = try #require(throws: ParallaxError.self) { try long.int(0) }
        #expect(shortened.message.count < 300)
    }

    @Test func aColumnThatIsNotThereIsNamedWithThoseThatAre() throws {
        let byName = try refusal { row throws(ParallaxError) in try row.int("slice") }
        #expect(byName.message == "PostgreSQL's answer has no column \"slice\"")
        #expect(byName.detail?.contains("7 columns") == true && byName.detail?.contains("\"next_offset\"") == true)
        #expect(try refusal { row throws(ParallaxError) in try row.text(7) }.message == "PostgreSQL's answer has no column 8")
        _ = try refusal { row throws(ParallaxError) in try row.optionalText(-1) }
    }

    @Test func rowsOfTheServerKnowTheirColumns() throws {
        try TestCluster.shared.withFreshDatabase { dsn in
            let connection = try Connection(dsn)
            let result = try connection.query(
                "SELECT n AS slice, n IS NULL AS is_null, NULL::bigint AS nothing FROM generate_series(1, 3) n")
            #expect(try result.ints("slice") == [1, 2, 3] && result.texts(0) == ["1", "2", "3"])
            #expect(try result.rows[2].slice("slice") == SliceNumber(3) && result.rows[0].bool("is_null") == false)
            let error = try #require(throws: ParallaxError.self) { try result.ints("nothing") }
            #expect(error.message.contains("\"nothing\""))
            #expect(try connection.execute("SELECT 7 AS seven").rows[0].int("seven") == 7)
        }
    }
}
