/// One of a record's headers: Kafka's side channel for trace ids, content types and the like. Names may repeat; order counts.
public struct RecordHeader: Hashable, Sendable {
    public var name: [UInt8]
    public var value: [UInt8]?
    public init(name: [UInt8], value: [UInt8]?) {
        self.name = name
        self.value = value
    }
}

/// A record's headers as one byte string, as `RecordBatch.headers` and the archive's column `_headers` hold them:
///
///     count, then for each header: length of the name, name, length of the value (-1: null), value
///
/// All four numbers are zigzag varints: the layout of the headers in Kafka's own record format (version 2).
public enum RecordHeaders {
    public static func encode(_ headers: [RecordHeader]) -> [UInt8] {
        var bytes: [UInt8] = []
        append(headers.count, to: &bytes)
        for header in headers {
            append(header.name.count, to: &bytes)
            bytes += header.name
            append(header.value?.count ?? -1, to: &bytes)
            bytes += header.value ?? []
        }
        return bytes
    }

    /// Nil where the bytes are not an encoding.
    public static func decode(_ bytes: ArraySlice<UInt8>) -> [RecordHeader]? {
        var rest = bytes
        guard let count = takeNumber(&rest), count >= 0, count <= rest.count else { return nil }
        var headers: [RecordHeader] = []
        for _ in 0..<count {
            guard let nameLength = takeNumber(&rest), let name = take(nameLength, &rest), let valueLength = takeNumber(&rest) else {
                return nil
            }
            if valueLength == -1 {
                headers.append(RecordHeader(name: name, value: nil))
            } else {
                guard let value = take(valueLength, &rest) else { return nil }
                headers.append(RecordHeader(name: name, value: value))
            }
        }
        return rest.isEmpty ? headers : nil
    }

    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        var left = UInt64(bitPattern: Int64(number << 1) ^ Int64(number >> 63))
        while left >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        bytes.append(UInt8(left))
    }

    private static func takeNumber(_ rest: inout ArraySlice<UInt8>) -> Int? {
        var number: UInt64 = 0
        for shift in stride(from: 0, to: 63, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            number |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return Int(truncatingIfNeeded: Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)) }
        }
        return nil
    }

    private static func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard count >= 0, count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }
}
