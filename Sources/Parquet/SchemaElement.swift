/// One node of the schema as the file has it: a flattened tree, each node followed by its children.
struct SchemaElement {
    var name: String
    var physical: Int32?
    var length: Int32 = 0
    /// 0 required, 1 optional, 2 repeated.
    var repetition: Int32 = 0
    var childCount = 0
    var converted: Int32?
    var scale: Int32 = 0
    var precision: Int32 = 0
    var logical: Logical?

    enum Logical {
        case string
        case decimal(precision: Int32, scale: Int32)
        case timestamp(isUTC: Bool, unit: Int16)
        case integer(bits: Int, isSigned: Bool)
        case uuid
        /// JSON, BSON, ENUM: bytes to us.
        case bytes
        case other(Int16)
    }

    init(_ thrift: inout ThriftReader) throws(FormatError) {
        var name: String?
        self.name = ""
        try thrift.structure { (thrift, id, kind) throws(FormatError) in
            switch (id, kind) {
            case (1, .i32): physical = try thrift.i32()
            case (2, .i32): length = try thrift.i32()
            case (3, .i32): repetition = try thrift.i32()
            case (4, .binary): name = try thrift.string()
            case (5, .i32): childCount = try thrift.size(kind)
            case (6, .i32): converted = try thrift.i32()
            case (7, .i32): scale = try thrift.i32()
            case (8, .i32): precision = try thrift.i32()
            case (10, .structure): logical = try Self.logical(&thrift)
            default: return false
            }
            return true
        }
        guard let name else { throw thrift.failure("a column has no name") }
        self.name = name
    }

    private static func logical(_ thrift: inout ThriftReader) throws(FormatError) -> Logical? {
        var logical: Logical?
        try thrift.structure { (thrift, id, kind) throws(FormatError) in
            guard kind == .structure else { return false }
            var numbers: [Int16: Int32] = [:]
            var flags: [Int16: Bool] = [:]
            var unit: Int16 = 0
            try thrift.structure { (thrift, field, kind) throws(FormatError) in
                switch kind {
                case .i32: numbers[field] = try thrift.i32()
                case .yes: flags[field] = true
                case .no: flags[field] = false
                case .structure:
                    try thrift.structure { (_, member, _) throws(FormatError) in
                        unit = member
                        return false
                    }
                default: return false
                }
                return true
            }
            switch id {
            case 1: logical = .string
            case 4, 12, 13: logical = .bytes
            case 5: logical = .decimal(precision: numbers[2] ?? 0, scale: numbers[1] ?? 0)
            case 8: logical = .timestamp(isUTC: flags[1] ?? false, unit: unit)
            // The width is a byte, which `structure` above passes over: 8 to 32 bits are INT32, 64 are INT64 anyway.
            case 10: logical = .integer(bits: 0, isSigned: flags[2] ?? false)
            case 14: logical = .uuid
            default: logical = .other(id)
            }
            return true
        }
        return logical
    }
}

extension FileMetadata {
    /// The leaves in file order. Leaves inside groups, and repeated ones, keep their place but are not read.
    static func leaves(of elements: [SchemaElement], _ thrift: ThriftReader) throws(FormatError) -> [Leaf] {
        guard let root = elements.first, root.childCount > 0 || elements.count == 1 else { throw thrift.failure("the schema has no root") }
        // Children that each open group still waits for.
        var open = [root.childCount]
        var leaves: [Leaf] = []
        for element in elements.dropFirst() {
            while let last = open.last, last == 0 { open.removeLast() }
            guard let waiting = open.popLast() else { throw thrift.failure("the schema has more columns than it says") }
            open.append(waiting - 1)
            guard let raw = element.physical else {
                guard open.count <= ThriftReader.maximumDepth else { throw thrift.failure("the schema is nested too deeply") }
                open.append(element.childCount)
                continue
            }
            guard let physical = PhysicalType(rawValue: raw) else { throw thrift.failure("column \"\(element.name)\" has no type \(raw)") }
            let isFlat = open.count == 1 && element.repetition != 2
            guard physical != .fixedLengthByteArray || element.length > 0 else {
                throw thrift.failure("column \"\(element.name)\" has values of \(element.length) bytes")
            }
            leaves.append(
                Leaf(
                    field: ParquetField(
                        element.name, isFlat ? element.type(physical) : .unsupported("nested column"), isOptional: element.repetition == 1),
                    physical: physical, length: Int(element.length)))
        }
        guard open.allSatisfy({ $0 == 0 }) else { throw thrift.failure("the schema has fewer columns than it says") }
        return leaves
    }
}

extension SchemaElement {
    /// What the physical type together with the logical (or, in older files, the converted) type means.
    func type(_ physical: PhysicalType) -> ParquetType {
        switch (physical, logical) {
        case (.int96, _): return .unsupported("INT96")
        case (.float, _): return .unsupported("FLOAT")
        case (.boolean, _): return .boolean
        case (.double, _): return .double
        case (.byteArray, .string): return .string
        case (.byteArray, .bytes): return .bytes
        case (.int64, .timestamp(isUTC: true, unit: 2)): return .timestamp
        case (.int64, .timestamp(isUTC: false, unit: 2)): return .localTimestamp
        case (.int32, .other(6)): return .date
        case (.int64, .other(7)) where converted == 8: return .time
        case (_, .timestamp(let isUTC, let unit)):
            let units: [Int16: String] = [1: "MILLIS", 2: "MICROS", 3: "NANOS"]
            return .unsupported("TIMESTAMP(\(units[unit] ?? "?"), \(isUTC ? "UTC" : "local"))")
        case (_, .decimal(let precision, let scale)): return decimal(physical, precision, scale)
        case (.int32, .integer(_, isSigned: true)): return .int32
        case (.int64, .integer(_, isSigned: true)): return .int64
        case (_, .integer): return .unsupported("unsigned integer")
        case (.fixedLengthByteArray, .uuid): return .fixedBytes(Int(length))
        case (_, .some): return .unsupported("logical type of column \"\(name)\"")
        case (_, nil): return convertedType(physical)
        }
    }

    private func convertedType(_ physical: PhysicalType) -> ParquetType {
        switch (physical, converted) {
        case (.int32, nil), (.int32, 15), (.int32, 16), (.int32, 17): .int32
        case (.int64, nil), (.int64, 18): .int64
        case (.int64, 10): .timestamp
        case (.int32, 6): .date
        case (.int64, 8): .time
        case (.byteArray, nil), (.byteArray, 4), (.byteArray, 19), (.byteArray, 20): .bytes
        case (.byteArray, 0): .string
        case (.fixedLengthByteArray, nil): .fixedBytes(Int(length))
        case (_, 5): decimal(physical, precision, scale)
        case (_, let converted): .unsupported("converted type \(converted ?? -1)")
        }
    }

    private func decimal(_ physical: PhysicalType, _ precision: Int32, _ scale: Int32) -> ParquetType {
        let isSound = (1...Int32(ParquetType.maximumPrecision)).contains(precision) && (0...precision).contains(scale)
        let fits =
            switch physical {
            case .int32: precision <= 9
            case .int64: precision <= Int32(ParquetType.maximumInt64Precision)
            // The precision must fit the length, or decoding into 64 bits would overflow: checked value by value there.
            case .fixedLengthByteArray: length <= Int32(ParquetType.decimalBytes)
            default: false
            }
        return isSound && fits
            ? .decimal(precision: Int(precision), scale: Int(scale))
            : .unsupported("DECIMAL(\(precision), \(scale)) as \(physical)")
    }
}
