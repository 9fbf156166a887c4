import ParallaxCore

/// Builds a column of strings without moving its padding at every append, as `ByteColumn.append` does.
struct TextBuilder {
    private(set) var bytes: [UInt8] = []
    private var ends: [Int] = []
    private(set) var nulls: [UInt8] = []

    mutating func append(_ text: some Collection<UInt8>) {
        bytes.append(contentsOf: text)
        close()
    }

    /// Appends what the body writes at the end of the arena.
    mutating func append(_ write: (inout [UInt8]) -> Void) {
        write(&bytes)
        close()
    }

    mutating func appendNull() {
        if nulls.isEmpty { nulls = [UInt8](repeating: 0, count: ends.count) }
        ends.append(bytes.count)
        nulls.append(1)
    }

    private mutating func close() {
        ends.append(bytes.count)
        if !nulls.isEmpty { nulls.append(0) }
    }

    func column() -> ByteColumn { ByteColumn(bytes: bytes, ends: ends, nulls: nulls) }
    /// For `Column`, which keeps the null marks itself.
    func columnWithoutNulls() -> ByteColumn { ByteColumn(bytes: bytes, ends: ends) }
}
