import Columns

/// One column of the group key: packs values into words that are equal exactly where PostgreSQL groups rows together
/// (nulls with nulls, -0 with 0, NaN with NaN), and reads them back.
///
/// | type | words | null |
/// | --- | --- | --- |
/// | text, varchar, char, arrays | dictionary code | all ones |
/// | numeric with a scale for each value | dictionary code of its shortest text | all ones |
/// | bool | 0, 1 | 2 |
/// | int2, int4 | its 32 bits | bit 32 |
/// | timestamptz, timestamp, date, time, numeric <= 18 digits | its 64 bits | Int64.max, which neither reaches |
/// | float4, float8 | its bits, -0 as 0, one NaN | all ones, another NaN |
/// | numeric > 18 digits | high, low | Int128.max, which none reaches |
/// | int8 | null mark, its bits | mark 1 |
/// | uuid; interval in the form that equal ones share | null mark, high, low | mark 1 |
struct GroupKeyColumn {
    let type: ScalarType
    private(set) var dictionary = TextDictionary()

    init(_ type: ScalarType) { self.type = type }

    var width: Int {
        switch type {
        case .text, .varchar, .char, .decimal, .array, .bool, .int2, .int4, .timestamptz, .timestamp, .date, .time, .float4, .float8: 1
        case .numeric: type.isNarrowNumeric ? 1 : 2
        case .int8: 2
        case .uuid, .interval: 3
        case .jsonb: preconditionFailure("a group of type \(type)")
        }
    }

    /// Writes the words of each row at `offset` in keys of `stride` words.
    mutating func pack(_ vector: Vector, into keys: inout [UInt64], offset: Int, stride: Int) {
        let vector = vector.withSharedForms
        guard case .text(let texts) = vector.values else {
            return packWords(vector, into: &keys, offset: offset, stride: stride)
        }
        let codes = dictionary.encode(texts, nulls: vector.nulls, null: .max)
        for row in codes.indices { keys[row * stride + offset] = codes[row] }
    }

    /// The same without learning new strings: one that no key holds has a word that none has.
    func packKnown(_ vector: Vector, into keys: inout [UInt64], offset: Int, stride: Int) {
        let vector = vector.withSharedForms
        guard case .text(let texts) = vector.values else {
            return packWords(vector, into: &keys, offset: offset, stride: stride)
        }
        let codes = dictionary.known(texts, nulls: vector.nulls, null: .max, unknown: .max - 1)
        for row in codes.indices { keys[row * stride + offset] = codes[row] }
    }

    private func packWords(_ vector: Vector, into keys: inout [UInt64], offset: Int, stride: Int) {
        func put<T>(_ values: [T], at place: Int, null: UInt64, _ word: (T) -> UInt64) {
            for row in values.indices { keys[row * stride + place] = vector.isNull(row) ? null : word(values[row]) }
        }
        switch (vector.values, type) {
        case (.text, _): preconditionFailure("texts are packed by their dictionary")
        case (.bool(let values), _): put(values, at: offset, null: 2) { UInt64($0) }
        case (.int64(let values), .int2), (.int64(let values), .int4):
            put(values, at: offset, null: 1 << 32) { UInt64(UInt32(truncatingIfNeeded: $0)) }
        case (.int64(let values), .int8):
            put(values, at: offset, null: 1) { _ in 0 }
            put(values, at: offset + 1, null: 0) { UInt64(bitPattern: $0) }
        case (.int64(let values), _): put(values, at: offset, null: UInt64(bitPattern: .max)) { UInt64(bitPattern: $0) }
        case (.float64(let values), _): put(values, at: offset, null: .max) { canonical($0).bitPattern }
        case (.int128(let values), _):
            let null = Int128.max
            put(values, at: offset, null: UInt64(truncatingIfNeeded: null >> 64)) { UInt64(truncatingIfNeeded: $0 >> 64) }
            put(values, at: offset + 1, null: UInt64(truncatingIfNeeded: null)) { UInt64(truncatingIfNeeded: $0) }
        case (.bits128(let values), _):
            put(values, at: offset, null: 1) { _ in 0 }
            put(values, at: offset + 1, null: 0) { UInt64(truncatingIfNeeded: $0 >> 64) }
            put(values, at: offset + 2, null: 0) { UInt64(truncatingIfNeeded: $0) }
        }
    }

    /// The column's values for some groups, in their order.
    func column(keys: [UInt64], offset: Int, stride: Int, order: [Int32]) -> Column {
        let words = order.map { keys[Int($0) * stride + offset] }
        func next(_ place: Int) -> [UInt64] { order.map { keys[Int($0) * stride + offset + place] } }
        func nulls(_ isNull: (UInt64) -> Bool) -> [UInt8] {
            words.contains(where: isNull) ? words.map { isNull($0) ? 1 : 0 } : []
        }
        switch type {
        case .text, .varchar, .char, .decimal, .array:
            var values = TextBuilder()
            for word in words { if word == .max { values.appendNull() } else { values.append(dictionary[Int(word)]) } }
            let nulls = values.nulls
            return Column(type: type, storage: .text(values.columnWithoutNulls()), nulls: nulls)
        case .bool: return Column(type: type, storage: .bool(words.map { UInt8($0 & 1) }), nulls: nulls { $0 == 2 })
        case .int2, .int4:
            return Column(type: type, storage: .int64(words.map { Int64(Int32(truncatingIfNeeded: $0)) }), nulls: nulls { $0 == 1 << 32 })
        case .int8: return Column(type: type, storage: .int64(next(1).map { Int64(bitPattern: $0) }), nulls: nulls { $0 == 1 })
        case .float4, .float8:
            return Column(
                type: type, storage: .float64(words.map { $0 == .max ? 0 : Double(bitPattern: $0) }), nulls: nulls { $0 == .max })
        case .uuid, .interval:
            let values = zip(next(1), next(2)).map { UInt128($0) << 64 | UInt128($1) }
            return Column(type: type, storage: .bits128(values), nulls: nulls { $0 == 1 })
        case .numeric where !type.isNarrowNumeric:
            let values = zip(words, next(1)).map { Int128(truncatingIfNeeded: UInt128($0) << 64 | UInt128($1)) }
            return Column(
                type: type, storage: .int128(values.map { $0 == .max ? 0 : $0 }), nulls: nulls { $0 == UInt64(bitPattern: .max) })
        case .jsonb: preconditionFailure("a group of type \(type)")
        case .timestamptz, .timestamp, .date, .time, .numeric:
            let values = words.map { Int64(bitPattern: $0) }
            return Column(type: type, storage: .int64(values.map { $0 == .max ? 0 : $0 }), nulls: nulls { $0 == UInt64(bitPattern: .max) })
        }
    }

    /// Turns a key's words into words whose order as numbers is the order of the values, nulls last.
    func makeSortable(_ keys: inout [UInt64], offset: Int, stride: Int, rows: Int) {
        let sign: UInt64 = 1 << 63
        func change(_ place: Int, _ word: (UInt64) -> UInt64) {
            for row in 0..<rows { keys[row * stride + offset + place] = word(keys[row * stride + offset + place]) }
        }
        switch type {
        case .text, .varchar, .char, .decimal, .array:
            let ranks = dictionary.ranks()
            change(0) { $0 == .max ? .max : ranks[Int($0)] }
        case .bool: break
        case .int2, .int4: change(0) { $0 == 1 << 32 ? $0 : $0 ^ 1 << 31 }
        case .int8: change(1) { $0 ^ sign }
        case .float4, .float8: change(0) { $0 == .max ? .max : $0 & sign != 0 ? ~$0 : $0 | sign }
        case .uuid, .jsonb: break
        // Months, then days, then microseconds: each a signed number.
        case .interval:
            change(1) { $0 ^ (sign | 1 << 31) }
            change(2) { $0 ^ sign }
        // The null is the largest number as it is.
        case .timestamptz, .timestamp, .date, .time, .numeric: change(0) { $0 ^ sign }
        }
    }
}

/// One representation for all doubles that PostgreSQL calls equal.
@inline(__always)
func canonical(_ value: Double) -> Double { value.isNaN ? .nan : value == 0 ? 0 : value }
