/// Where and why bytes are not what the format says. The caller adds the file and turns it into a `.corrupt` error.
struct FormatError: Error {
    var message: String
    /// Byte in the file.
    var position: Int
    /// The file is sound, but asks for more than a named limit allows, or for something that is not read here.
    var kind = Kind.damaged
    enum Kind { case damaged, limit, unsupported }
}

/// Reads Thrift's compact protocol, trusting nothing: every length is checked against what is there.
struct ThriftReader {
    private let bytes: [UInt8]
    private let end: Int
    /// Position in the file of `bytes[0]`.
    private let origin: Int
    private(set) var index: Int
    private var depth = 0

    /// Deeper nesting than Parquet's metadata has; a file that has more would otherwise use up the stack.
    static let maximumDepth = 32

    init(_ bytes: [UInt8], in range: Range<Int>, origin: Int) {
        precondition(range.upperBound <= bytes.count, "\(range) of \(bytes.count) bytes")
        self.bytes = bytes
        index = range.lowerBound
        end = range.upperBound
        self.origin = origin
    }

    var position: Int { origin + index }

    func failure(_ message: String) -> FormatError { FormatError(message: message, position: position) }

    /// Calls `body` for each field; it reads the field's value and returns true, or returns false to pass over it.
    mutating func structure(
        _ body: (inout ThriftReader, _ id: Int16, _ kind: ThriftWriter.Kind) throws(FormatError) -> Bool
    ) throws(FormatError) {
        depth += 1
        guard depth <= Self.maximumDepth else { throw failure("metadata is nested too deeply") }
        var id: Int16 = 0
        while true {
            let byte = try byte()
            if byte == 0 { break }
            guard let kind = ThriftWriter.Kind(rawValue: byte & 15) else { throw failure("metadata has no type \(byte & 15)") }
            if byte >> 4 == 0 {
                guard let long = Int16(exactly: try zigzag()) else { throw failure("a metadata field number is out of range") }
                id = long
            } else {
                let (sum, overflow) = id.addingReportingOverflow(Int16(byte >> 4))
                guard !overflow else { throw failure("a metadata field number is out of range") }
                id = sum
            }
            if try !body(&self, id, kind) { try skip(kind) }
        }
        depth -= 1
    }

    /// The elements of a list that should be of this kind. Each takes a byte at least, which bounds what a claimed count can cost.
    mutating func list(of kind: ThriftWriter.Kind, _ body: (inout ThriftReader) throws(FormatError) -> Void) throws(FormatError) {
        let (count, actual) = try listHeader()
        guard count == 0 || actual == kind.rawValue else { throw failure("a metadata list holds another type") }
        for _ in 0..<count { try body(&self) }
    }

    mutating func i32() throws(FormatError) -> Int32 {
        guard let value = Int32(exactly: try zigzag()) else { throw failure("a metadata number is out of range") }
        return value
    }

    mutating func i64() throws(FormatError) -> Int64 { try zigzag() }

    /// A count or size: never negative.
    mutating func size(_ kind: ThriftWriter.Kind) throws(FormatError) -> Int {
        let value = try kind == .i32 ? Int64(i32()) : i64()
        guard value >= 0, let size = Int(exactly: value) else { throw failure("a size of \(value)") }
        return size
    }

    mutating func binary() throws(FormatError) -> [UInt8] {
        let length = try varint()
        guard length <= UInt64(end - index) else { throw failure("a metadata string is longer than the metadata") }
        defer { index += Int(length) }
        return Array(bytes[index..<index + Int(length)])
    }

    mutating func string() throws(FormatError) -> String { String(decoding: try binary(), as: UTF8.self) }

    mutating func skip(_ kind: ThriftWriter.Kind) throws(FormatError) {
        switch kind {
        case .yes, .no: break
        case .i8: _ = try byte()
        case .i16, .i32, .i64: _ = try varint()
        case .double:
            guard end - index >= 8 else { throw failure("metadata ends early") }
            index += 8
        case .binary: _ = try binary()
        case .structure: try structure { (_, _, _) throws(FormatError) in false }
        case .list, .set:
            let (count, element) = try listHeader()
            try skipElements(count, element)
        case .map:
            let count = try varint()
            if count == 0 { return }
            guard count <= UInt64(end - index) else { throw failure("a metadata map is longer than the metadata") }
            let kinds = try byte()
            for _ in 0..<count {
                try skipElements(1, kinds >> 4)
                try skipElements(1, kinds & 15)
            }
        }
    }

    private mutating func skipElements(_ count: Int, _ rawKind: UInt8) throws(FormatError) {
        guard count > 0 else { return }
        guard let kind = ThriftWriter.Kind(rawValue: rawKind) else { throw failure("metadata has no type \(rawKind)") }
        // Inside a collection, a list may hold a list…: the same guard as for structs.
        depth += 1
        guard depth <= Self.maximumDepth else { throw failure("metadata is nested too deeply") }
        for _ in 0..<count {
            // A truth value has a byte of its own here; in a field it is part of the header.
            if kind == .yes || kind == .no { _ = try byte() } else { try skip(kind) }
        }
        depth -= 1
    }

    private mutating func listHeader() throws(FormatError) -> (count: Int, kind: UInt8) {
        let byte = try byte()
        let count = byte >> 4 == 15 ? try varint() : UInt64(byte >> 4)
        guard count <= UInt64(end - index) else { throw failure("a metadata list is longer than the metadata") }
        return (Int(count), byte & 15)
    }

    private mutating func byte() throws(FormatError) -> UInt8 {
        guard index < end else { throw failure("metadata ends early") }
        defer { index += 1 }
        return bytes[index]
    }

    private mutating func zigzag() throws(FormatError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    private mutating func varint() throws(FormatError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try byte()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw failure("a metadata number is too long")
    }
}
