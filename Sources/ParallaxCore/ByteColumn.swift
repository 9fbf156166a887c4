/// A column of byte strings in one arena: no allocation a value.
///
/// `bytes` always ends in at least `padding` zero bytes after the last value, so that readers that look ahead
/// (simdjson needs 64 readable bytes past the end) can be pointed straight into it. `ends[i]` is the exclusive end
/// of value i and the start of value i + 1.
public struct ByteColumn: Sendable {
    public static let padding = 64

    public private(set) var bytes: [UInt8]
    public private(set) var ends: [Int]
    /// 1 where the value is null. Empty when no value is.
    public private(set) var nulls: [UInt8]

    public init() {
        bytes = [UInt8](repeating: 0, count: Self.padding)
        ends = []
        nulls = []
    }

    /// Takes an arena as it is. `bytes` may come without padding: it is added.
    public init(bytes: [UInt8], ends: [Int], nulls: [UInt8] = []) {
        precondition(nulls.isEmpty || nulls.count == ends.count, "\(nulls.count) null marks for \(ends.count) values")
        self.bytes = bytes
        self.ends = ends
        self.nulls = nulls
        let used = ends.last ?? 0
        precondition(used <= bytes.count, "values end at \(used), arena at \(bytes.count)")
        if bytes.count < used + Self.padding {
            self.bytes.append(contentsOf: repeatElement(0, count: used + Self.padding - bytes.count))
        }
    }

    public var count: Int { ends.count }
    /// Bytes in use, without the padding.
    public var byteCount: Int { ends.last ?? 0 }

    public mutating func reserve(values: Int, bytes byteCount: Int) {
        ends.reserveCapacity(ends.count + values)
        bytes.reserveCapacity(self.byteCount + byteCount + Self.padding)
    }

    public mutating func append<S: Collection>(_ value: S) where S.Element == UInt8 {
        let start = byteCount
        bytes.removeSubrange(start...)
        bytes.append(contentsOf: value)
        ends.append(bytes.count)
        bytes.append(contentsOf: repeatElement(0, count: Self.padding))
        if !nulls.isEmpty { nulls.append(0) }
    }

    public mutating func append(_ value: UnsafeRawBufferPointer) {
        let start = byteCount
        bytes.removeSubrange(start...)
        bytes.append(contentsOf: value)
        ends.append(bytes.count)
        bytes.append(contentsOf: repeatElement(0, count: Self.padding))
        if !nulls.isEmpty { nulls.append(0) }
    }

    /// Appends values whose bytes lie one after another in `packed`: one copy for all of them. A length of -1 is a null.
    /// The other lengths must add up to `packed.count`.
    public mutating func append(packed: UnsafeRawBufferPointer, lengths: ArraySlice<Int32>) {
        var end = byteCount
        bytes.removeSubrange(end...)
        bytes.append(contentsOf: packed)
        for length in lengths {
            if length >= 0 {
                end += Int(length)
                ends.append(end)
                if !nulls.isEmpty { nulls.append(0) }
            } else {
                appendNull(endingAt: end)
            }
        }
        precondition(end == bytes.count, "lengths end at \(end), bytes at \(bytes.count)")
        bytes.append(contentsOf: repeatElement(0, count: Self.padding))
    }

    public mutating func appendNull() { appendNull(endingAt: byteCount) }

    private mutating func appendNull(endingAt end: Int) {
        if nulls.isEmpty { nulls = [UInt8](repeating: 0, count: ends.count) }
        ends.append(end)
        nulls.append(1)
    }

    @inlinable public func isNull(_ row: Int) -> Bool { !nulls.isEmpty && nulls[row] != 0 }
    @inlinable public func start(_ row: Int) -> Int { row == 0 ? 0 : ends[row - 1] }

    /// The bytes of a row; empty for null (ask `isNull`).
    public subscript(_ row: Int) -> ArraySlice<UInt8> { bytes[start(row)..<ends[row]] }

    public func string(_ row: Int) -> String { String(decoding: self[row], as: UTF8.self) }
}
