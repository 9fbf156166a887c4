import Columns
import ParallaxCore
import Testing

@Suite struct ColumnTests {
    private static func text(_ values: [String]) -> ByteColumn {
        var column = ByteColumn()
        for value in values { column.append(Array(value.utf8)) }
        return column
    }

    private static let columns: [Column] = [
        Column(type: .int8, storage: .int64([1, 2, 3])),
        Column(type: .numeric(precision: 38, scale: 2), storage: .int128([1, 2, 3])),
        Column(type: .float8, storage: .float64([1, 2, 3])),
        Column(type: .bool, storage: .bool([0, 1, 0])),
        Column(type: .text, storage: .text(text(["a", "", "ccc"]))),
        Column(type: .uuid, storage: .bits128([1, 2, 3])),
        Column(type: .interval, storage: .bits128([CalendarInterval(days: 1).bits, 0, 0])),
    ]

    @Test func countsTheValuesOfEveryStorage() {
        for column in Self.columns { #expect(column.count == 3, "\(column.type)") }
        #expect(Column(type: .text, storage: .text(ByteColumn())).count == 0)
    }

    /// A column without nulls keeps no marks; one with nulls has a mark for every value.
    @Test func knowsItsNulls() {
        for column in Self.columns {
            var column = column
            #expect((0..<3).allSatisfy { !column.isNull($0) }, "\(column.type)")
            column.nulls = [0, 1, 0]
            #expect((0..<3).map { column.isNull($0) } == [false, true, false], "\(column.type)")
        }
    }

    /// Null marks of the arena of texts do not count: those of the column do.
    @Test func theArenasNullMarksDoNotCount() {
        let values = ByteColumn(bytes: Array("ab".utf8), ends: [1, 2], nulls: [1, 0])
        let column = Column(type: .text, storage: .text(values), nulls: [0, 1])
        #expect(!column.isNull(0) && column.isNull(1))
    }

    @Test func everyTypeHasItsLayout() {
        let layouts: [(ScalarType.Layout, [ScalarType])] = [
            (.int64, [.int2, .int4, .int8, .timestamptz, .timestamp, .date, .time]),
            // 18 digits fit 64 bits, 19 need not.
            (.int64, [.numeric(precision: 1, scale: 0), .numeric(precision: 18, scale: 18)]),
            (.int128, [.numeric(precision: 19, scale: 0), .numeric(precision: ScalarType.maximumNumericPrecision, scale: 2)]),
            (.float64, [.float4, .float8]), (.bool, [.bool]),
            (.text, [.text, .varchar(length: nil), .varchar(length: 3), .char(length: 3), .decimal, .jsonb, .array(of: .int8)]),
            (.bits128, [.uuid, .interval]),
        ]
        for (layout, types) in layouts {
            for type in types { #expect(type.layout == layout, "\(type)") }
        }
        // The greatest values fit.
        #expect(Int64(String(repeating: "9", count: 18)) != nil)
        #expect(Int128(String(repeating: "9", count: ScalarType.maximumNumericPrecision)) != nil)
    }
}

@Suite struct TextTableTests {
    @Test func countsTheBytesOfItsValues() {
        var ids = ByteColumn()
        var names = ByteColumn()
        for (id, name) in [("1", "first"), ("22", ""), ("333", "dritte ö")] {
            ids.append(Array(id.utf8))
            names.append(Array(name.utf8))
        }
        let table = TextTable(name: "ad", rowCount: 3, columns: [.init(name: "id", values: ids), .init(name: "name", values: names)])
        #expect(table.bytes == 6 + 5 + 9)
        #expect(TextTable(name: "ad", rowCount: 3, columns: []).bytes == 0)
    }
}
