import ParallaxCore

/// PLAIN values from a page, none of whose lengths is trusted.
struct PlainDecoding {
    let page: [UInt8]
    let start: Int
    let count: Int

    /// The caller knows the place.
    struct Failure: Error {
        var message: String
        var kind: FormatError.Kind
        init(_ message: String, _ kind: FormatError.Kind = .damaged) {
            self.message = message
            self.kind = kind
        }
    }

    func bools(into values: inout [UInt8]) throws(Failure) {
        // Not (count + 7) / 8 bytes, which could overflow.
        guard count <= (page.count - start) * 8 else { throw Failure("\(count) values do not fit their page") }
        values.makeRoom(for: count)
        for index in 0..<count { values.append(page[start + index / 8] >> UInt8(index % 8) & 1) }
    }

    func fixed<Raw: BitwiseCopyable, T>(into values: inout [T], _ decode: (Raw) -> T) throws(Failure) {
        let width = MemoryLayout<Raw>.size
        try need(width)
        values.makeRoom(for: count)
        page.withUnsafeBytes { bytes in
            for index in 0..<count { values.append(decode(bytes.loadUnaligned(fromByteOffset: start + index * width, as: Raw.self))) }
        }
    }

    func decimals(length: Int, into values: inout [Int128]) throws(Failure) {
        try need(length)
        values.makeRoom(for: count)
        for index in 0..<count { values.append(decimal(index, length)) }
    }

    func decimals(length: Int, into values: inout [Int64]) throws(Failure) {
        try need(length)
        values.makeRoom(for: count)
        for index in 0..<count {
            guard let value = Int64(exactly: decimal(index, length)) else { throw Failure("a decimal has more digits than its column") }
            values.append(value)
        }
    }

    func fixedBytes(length: Int, byteLimit: Int, arena: inout [UInt8], ends: inout [Int]) throws(Failure) {
        try need(length)
        try limit(arena.count + count * length, byteLimit)
        let before = arena.count
        arena.append(contentsOf: page[start..<start + count * length])
        ends.makeRoom(for: count)
        for index in 0..<count { ends.append(before + (index + 1) * length) }
    }

    func byteArrays(byteLimit: Int, arena: inout [UInt8], ends: inout [Int]) throws(Failure) {
        // Four bytes of length each, at least.
        try need(4)
        let room = page.count - start - 4 * count
        try limit(arena.count + room, byteLimit)
        ends.makeRoom(for: count)
        arena.makeRoom(for: room + ByteColumn.padding)
        var place = start
        let isWhole = page.withUnsafeBytes { bytes in
            for _ in 0..<count {
                guard bytes.count - place >= 4 else { return false }
                let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
                place += 4
                guard length <= bytes.count - place else { return false }
                arena.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[place..<place + length]))
                ends.append(arena.count)
                place += length
            }
            return true
        }
        guard isWhole else { throw Failure("a value is longer than its page") }
    }

    private func need(_ width: Int) throws(Failure) {
        guard count <= (page.count - start) / width else { throw Failure("\(count) values do not fit their page") }
    }

    private func limit(_ bytes: Int, _ limit: Int) throws(Failure) {
        guard bytes <= limit else { throw Failure("a column holds more than \(limit) bytes", .limit) }
    }

    private func decimal(_ index: Int, _ length: Int) -> Int128 {
        let place = start + index * length
        // The schema was checked: a decimal has one to sixteen bytes.
        return Self.bigEndian(page[place..<place + length]) ?? 0
    }

    /// Two's complement, most significant byte first. Nil for none, or for more than sixteen bytes.
    static func bigEndian(_ bytes: ArraySlice<UInt8>) -> Int128? {
        guard let first = bytes.first, bytes.count <= 16 else { return nil }
        var value: Int128 = first >= 0x80 ? -1 : 0
        for byte in bytes { value = value << 8 | Int128(byte) }
        return value
    }
}
