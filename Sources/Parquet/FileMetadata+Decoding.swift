extension FileMetadata {
    /// More leaves or row groups than these are refused, before anything is allocated for them.
    static let maximumLeaves = 10_000
    static let maximumRowGroups = 100_000

    init(_ thrift: inout ThriftReader) throws(FormatError) {
        var elements: [SchemaElement] = []
        var hasSchema = false
        var hasRowCount = false
        var columnOrders: [Bool] = []
        try thrift.structure { (thrift, id, kind) throws(FormatError) in
            switch (id, kind) {
            case (2, .list):
                try thrift.list(of: .structure) { (thrift) throws(FormatError) in
                    guard elements.count <= Self.maximumLeaves else {
                        throw FormatError(message: "more than \(Self.maximumLeaves) columns", position: thrift.position, kind: .limit)
                    }
                    elements.append(try SchemaElement(&thrift))
                }
                hasSchema = true
            case (3, .i64):
                rowCount = try thrift.size(kind)
                hasRowCount = true
            case (4, .list):
                try thrift.list(of: .structure) { (thrift) throws(FormatError) in
                    guard rowGroups.count < Self.maximumRowGroups else {
                        throw FormatError(message: "more than \(Self.maximumRowGroups) row groups", position: thrift.position, kind: .limit)
                    }
                    rowGroups.append(try RowGroup(&thrift))
                }
            case (5, .list):
                try thrift.list(of: .structure) { (thrift) throws(FormatError) in keyValues.append(try Self.keyValue(&thrift)) }
            case (6, .binary): createdBy = try thrift.string()
            case (7, .list):
                try thrift.list(of: .structure) { (thrift) throws(FormatError) in columnOrders.append(try Self.isTypeOrder(&thrift)) }
            default: return false
            }
            return true
        }
        guard hasSchema, hasRowCount else { throw thrift.failure("the metadata lacks the schema or the number of rows") }
        leaves = try Self.leaves(of: elements, thrift)
        hasTypeOrder = columnOrders.count == leaves.count && columnOrders.allSatisfy { $0 }
        try check(thrift)
    }

    /// The parts of the metadata say the same of one another.
    private func check(_ thrift: ThriftReader) throws(FormatError) {
        var rows = 0
        for group in rowGroups {
            guard group.chunks.count == leaves.count else {
                throw thrift.failure("a row group has \(group.chunks.count) columns where the schema has \(leaves.count)")
            }
            let (sum, overflow) = rows.addingReportingOverflow(group.rowCount)
            guard !overflow else { throw thrift.failure("the row groups' rows overflow") }
            rows = sum
        }
        guard rows == rowCount else { throw thrift.failure("the row groups have \(rows) rows where the file has \(rowCount)") }
    }

    private static func keyValue(_ thrift: inout ThriftReader) throws(FormatError) -> (key: String, value: String) {
        var entry = (key: "", value: "")
        try thrift.structure { (thrift, id, kind) throws(FormatError) in
            switch (id, kind) {
            case (1, .binary): entry.key = try thrift.string()
            case (2, .binary): entry.value = try thrift.string()
            default: return false
            }
            return true
        }
        return entry
    }

    private static func isTypeOrder(_ thrift: inout ThriftReader) throws(FormatError) -> Bool {
        var isTypeOrder = false
        try thrift.structure { (_, id, kind) throws(FormatError) in
            if id == 1 && kind == .structure { isTypeOrder = true }
            return false
        }
        return isTypeOrder
    }
}

extension FileMetadata.RowGroup {
    init(_ thrift: inout ThriftReader) throws(FormatError) {
        var hasRowCount = false
        try thrift.structure { (thrift, id, kind) throws(FormatError) in
            switch (id, kind) {
            case (1, .list):
                try thrift.list(of: .structure) { (thrift) throws(FormatError) in chunks.append(try FileMetadata.Chunk(column: &thrift)) }
            case (3, .i64):
                rowCount = try thrift.size(kind)
                hasRowCount = true
            default: return false
            }
            return true
        }
        guard hasRowCount else { throw thrift.failure("a row group does not say how many rows it has") }
    }
}

extension FileMetadata.Chunk {
    /// `ColumnChunk`.
    init(column thrift: inout ThriftReader) throws(FormatError) {
        var hasMetadata = false
        var isElsewhere = false
        var chunk = Self()
        try thrift.structure { (thrift, id, kind) throws(FormatError) in
            switch (id, kind) {
            case (1, .binary): isElsewhere = try !thrift.binary().isEmpty
            case (3, .structure):
                chunk = try Self(metadata: &thrift)
                hasMetadata = true
            default: return false
            }
            return true
        }
        guard hasMetadata else { throw thrift.failure("a column chunk has no metadata") }
        self = chunk
        self.isElsewhere = isElsewhere
    }

    /// `ColumnMetaData`.
    private init(metadata thrift: inout ThriftReader) throws(FormatError) {
        var seen = 0
        try thrift.structure { (thrift, id, kind) throws(FormatError) in
            switch (id, kind) {
            case (1, .i32): physical = try thrift.i32()
            case (4, .i32): codec = try thrift.i32()
            case (5, .i64): valueCount = try thrift.size(kind)
            case (6, .i64): uncompressedBytes = try thrift.size(kind)
            case (7, .i64): compressedBytes = try thrift.size(kind)
            case (9, .i64): dataPageOffset = try thrift.size(kind)
            case (11, .i64): dictionaryPageOffset = try thrift.size(kind)
            case (12, .structure): statistics = try FileMetadata.RawStatistics(&thrift)
            default: return false
            }
            if id <= 9 { seen |= 1 << Int(id) }
            return true
        }
        let required = [1, 4, 5, 7, 9].reduce(0) { $0 | 1 << $1 }
        guard seen & required == required else { throw thrift.failure("a column chunk's metadata is incomplete") }
    }
}

extension FileMetadata.RawStatistics {
    /// Only `min_value` and `max_value`: the older `min` and `max` were written with orders that nobody defined.
    init(_ thrift: inout ThriftReader) throws(FormatError) {
        try thrift.structure { (thrift, id, kind) throws(FormatError) in
            switch (id, kind) {
            case (3, .i64): nullCount = try thrift.size(kind)
            case (5, .binary): maximum = try thrift.binary()
            case (6, .binary): minimum = try thrift.binary()
            default: return false
            }
            return true
        }
    }
}

extension PageHeader {
    init(_ thrift: inout ThriftReader) throws(FormatError) {
        try thrift.structure { (thrift, id, kind) throws(FormatError) in
            switch (id, kind) {
            case (1, .i32): type = try thrift.i32()
            case (2, .i32): uncompressedBytes = try thrift.size(kind)
            case (3, .i32): compressedBytes = try thrift.size(kind)
            case (4, .i32): crc = UInt32(bitPattern: try thrift.i32())
            case (5, .structure), (7, .structure):
                try thrift.structure { (thrift, id, kind) throws(FormatError) in
                    switch (id, kind) {
                    case (1, .i32): valueCount = try thrift.size(kind)
                    case (2, .i32): encoding = try thrift.i32()
                    case (3, .i32): definitionLevelEncoding = try thrift.i32()
                    default: return false
                    }
                    return true
                }
            default: return false
            }
            return true
        }
        guard type >= 0, uncompressedBytes >= 0, compressedBytes >= 0 else { throw thrift.failure("a page header is incomplete") }
    }
}
