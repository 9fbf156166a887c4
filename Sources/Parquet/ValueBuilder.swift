import ParallaxCore

/// Collects a column's values page by page. A page's values come densely, without the nulls, and are then spread over its rows.
struct ValueBuilder {
    private let leaf: FileMetadata.Leaf
    private let byteLimit: Int
    private let kind: Kind
    private var nulls: [UInt8] = []
    // One of these is used. Not an enum with payloads: taking an array out of one and putting it back risks a copy a page.
    private var bools: [UInt8] = []
    private var narrow: [Int64] = []
    private var wide: [Int128] = []
    private var doubles: [Double] = []
    private var arena: [UInt8] = []
    private var ends: [Int] = []

    private enum Kind { case bool, narrow, wide, double, bytes }

    init(_ leaf: FileMetadata.Leaf, byteLimit: Int) {
        self.leaf = leaf
        self.byteLimit = byteLimit
        switch leaf.field.type {
        case .boolean: kind = .bool
        case .int32, .int64, .timestamp, .localTimestamp, .date, .time: kind = .narrow
        case .double: kind = .double
        case .decimal(let precision, _): kind = precision <= ParquetType.maximumInt64Precision ? .narrow : .wide
        case .bytes, .string, .fixedBytes, .unsupported: kind = .bytes
        }
    }

    var count: Int {
        switch kind {
        case .bool: bools.count
        case .narrow: narrow.count
        case .wide: wide.count
        case .double: doubles.count
        case .bytes: ends.count
        }
    }

    consuming func finish() -> ParquetColumn {
        switch kind {
        case .bool: ParquetColumn(.bool(bools), nulls: nulls)
        case .narrow: ParquetColumn(.int64(narrow), nulls: nulls)
        case .wide: ParquetColumn(.int128(wide), nulls: nulls)
        case .double: ParquetColumn(.double(doubles), nulls: nulls)
        case .bytes: ParquetColumn(.bytes(ByteColumn(bytes: arena, ends: ends)), nulls: nulls)
        }
    }

    /// Appends `count` values in PLAIN encoding, which begin at `start` of the page; what follows them is ignored.
    mutating func appendPlain(_ page: [UInt8], from start: Int, count: Int) throws(PlainDecoding.Failure) {
        let source = PlainDecoding(page: page, start: start, count: count)
        switch (leaf.physical, kind) {
        case (.boolean, .bool): try source.bools(into: &bools)
        case (.int32, .narrow): try source.fixed(into: &narrow) { (raw: UInt32) in Int64(Int32(bitPattern: UInt32(littleEndian: raw))) }
        case (.int64, .narrow): try source.fixed(into: &narrow) { (raw: Int64) in Int64(littleEndian: raw) }
        case (.double, .double): try source.fixed(into: &doubles) { (raw: UInt64) in Double(bitPattern: UInt64(littleEndian: raw)) }
        case (.fixedLengthByteArray, .wide): try source.decimals(length: leaf.length, into: &wide)
        case (.fixedLengthByteArray, .narrow): try source.decimals(length: leaf.length, into: &narrow)
        case (.fixedLengthByteArray, .bytes): try source.fixedBytes(length: leaf.length, byteLimit: byteLimit, arena: &arena, ends: &ends)
        case (.byteArray, .bytes): try source.byteArrays(byteLimit: byteLimit, arena: &arena, ends: &ends)
        default: throw .init("values of type \(leaf.field.type) as \(leaf.physical)", .unsupported)
        }
        markPresent(count)
    }

    /// Appends the values of a dictionary (of this column's type) that the codes name.
    mutating func append(codes: [UInt32], of dictionary: ParquetColumn.Values) throws(PlainDecoding.Failure) {
        if let highest = codes.max(), Int(highest) >= dictionary.count {
            throw .init("dictionary code \(highest) where the dictionary has \(dictionary.count) values")
        }
        switch (kind, dictionary) {
        case (.bool, .bool(let words)): Self.gather(codes, words, into: &bools)
        case (.narrow, .int64(let words)): Self.gather(codes, words, into: &narrow)
        case (.wide, .int128(let words)): Self.gather(codes, words, into: &wide)
        case (.double, .double(let words)): Self.gather(codes, words, into: &doubles)
        case (.bytes, .bytes(let words)): try gather(codes, words)
        default: preconditionFailure("a dictionary of another type than its column")
        }
        markPresent(codes.count)
    }

    private mutating func markPresent(_ count: Int) {
        if !nulls.isEmpty { nulls.append(contentsOf: repeatElement(0, count: count)) }
    }

    private static func gather<T>(_ codes: [UInt32], _ words: [T], into values: inout [T]) {
        values.makeRoom(for: codes.count)
        words.withUnsafeBufferPointer { words in
            for code in codes { values.append(words[Int(code)]) }
        }
    }

    private mutating func gather(_ codes: [UInt32], _ words: ByteColumn) throws(PlainDecoding.Failure) {
        // Added up before anything is copied: a few bytes of codes can name a large value many times.
        var total = arena.count
        for code in codes {
            total += words.ends[Int(code)] - words.start(Int(code))
            guard total <= byteLimit else { throw .init("a column holds more than \(byteLimit) bytes", .limit) }
        }
        ends.makeRoom(for: codes.count)
        arena.makeRoom(for: total - arena.count)
        words.bytes.withUnsafeBytes { bytes in
            for code in codes {
                arena.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[words.start(Int(code))..<words.ends[Int(code)]]))
                ends.append(arena.count)
            }
        }
    }
}

extension ValueBuilder {
    /// Moves the values from `first` on to the rows whose level is 1; the others become null.
    mutating func spread(from first: Int, levels: [UInt32]) {
        if nulls.isEmpty {
            nulls = [UInt8](repeating: 0, count: first)
        } else {
            nulls.removeLast(nulls.count - first)
        }
        for level in levels { nulls.append(UInt8(1 - level)) }
        switch kind {
        case .bool: Self.spread(&bools, from: first, levels, null: 0)
        case .narrow: Self.spread(&narrow, from: first, levels, null: 0)
        case .wide: Self.spread(&wide, from: first, levels, null: 0)
        case .double: Self.spread(&doubles, from: first, levels, null: 0)
        case .bytes: spreadEnds(from: first, levels)
        }
    }

    /// From the end, so that no value is overwritten before it has moved.
    private static func spread<T>(_ values: inout [T], from first: Int, _ levels: [UInt32], null: T) {
        var source = values.count
        values.append(contentsOf: repeatElement(null, count: first + levels.count - values.count))
        for row in stride(from: levels.count - 1, through: 0, by: -1) {
            if levels[row] != 0 {
                source -= 1
                values[first + row] = values[source]
            } else {
                values[first + row] = null
            }
        }
    }

    /// A null ends where the value before it ends.
    private mutating func spreadEnds(from first: Int, _ levels: [UInt32]) {
        let before = first == 0 ? 0 : ends[first - 1]
        var source = ends.count
        ends.append(contentsOf: repeatElement(0, count: first + levels.count - ends.count))
        for row in stride(from: levels.count - 1, through: 0, by: -1) {
            ends[first + row] = source == first ? before : ends[source - 1]
            if levels[row] != 0 { source -= 1 }
        }
    }
}

extension Array {
    /// Room for more elements. Unlike `reserveCapacity` page after page, it still doubles.
    mutating func makeRoom(for more: Int) {
        if capacity < count + more { reserveCapacity(Swift.max(count + more, 2 * capacity)) }
    }
}
