/// Writes Thrift's compact protocol (Apache Thrift, `thrift-compact-protocol.md`): what Parquet's metadata is made of.
struct ThriftWriter {
    private(set) var bytes: [UInt8] = []
    private var lastField: Int16 = 0
    private var outerFields: [Int16] = []

    /// Type numbers of the compact protocol.
    enum Kind: UInt8 {
        case yes = 1
        case no = 2
        case i8 = 3
        case i16 = 4
        case i32 = 5
        case i64 = 6
        case double = 7
        case binary = 8
        case list = 9
        case set = 10
        case map = 11
        case structure = 12
    }

    mutating func beginStruct() {
        outerFields.append(lastField)
        lastField = 0
    }

    mutating func endStruct() {
        bytes.append(0)
        guard let outer = outerFields.popLast() else { preconditionFailure("a struct ended that had not begun") }
        lastField = outer
    }

    mutating func field(_ id: Int16, _ value: Bool) { header(id, value ? .yes : .no) }

    mutating func field(_ id: Int16, _ value: Int16) {
        header(id, .i16)
        zigzag(Int64(value))
    }

    mutating func field(_ id: Int16, _ value: Int32) {
        header(id, .i32)
        zigzag(Int64(value))
    }

    mutating func field(_ id: Int16, _ value: Int64) {
        header(id, .i64)
        zigzag(value)
    }

    mutating func field<S: Collection>(_ id: Int16, _ value: S) where S.Element == UInt8 {
        header(id, .binary)
        binary(value)
    }

    mutating func field(_ id: Int16, structure body: (inout ThriftWriter) -> Void) {
        header(id, .structure)
        element(body)
    }

    mutating func list<S: Collection>(_ id: Int16, of kind: Kind, _ elements: S, _ body: (inout ThriftWriter, S.Element) -> Void) {
        header(id, .list)
        if elements.count < 15 {
            bytes.append(UInt8(elements.count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xF0 | kind.rawValue)
            varint(UInt64(elements.count))
        }
        for element in elements { body(&self, element) }
    }

    /// A struct as an element of a list, or as the whole message.
    mutating func element(_ body: (inout ThriftWriter) -> Void) {
        beginStruct()
        body(&self)
        endStruct()
    }

    mutating func binary<S: Collection>(_ value: S) where S.Element == UInt8 {
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func zigzag(_ value: Int64) { varint(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    private mutating func header(_ id: Int16, _ kind: Kind) {
        let step = id - lastField
        precondition(step > 0, "field \(id) after field \(lastField)")
        if step <= 15 {
            bytes.append(UInt8(step) << 4 | kind.rawValue)
        } else {
            bytes.append(kind.rawValue)
            zigzag(Int64(id))
        }
        lastField = id
    }

    private mutating func varint(_ value: UInt64) { bytes.appendVarint(value) }
}

extension Array where Element == UInt8 {
    /// Seven bits a byte, least significant first (LEB128).
    mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func appendLittleEndian<T: FixedWidthInteger>(_ value: T) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
