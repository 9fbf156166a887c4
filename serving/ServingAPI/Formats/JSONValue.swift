import NIOCore

/// PostgreSQL's text of one value as JSON.
struct JSONValueWriter: Sendable {
    /// Whole numbers beyond 2^53 and all numerics as strings: programs whose numbers are doubles keep them exact.
    var exactNumbersAsText: Bool

    /// What has no place in JSON (NaN, infinities) is null; then this is what it was.
    func write(_ text: UnsafeRawBufferPointer, _ kind: ValueKind, to buffer: inout ByteBuffer) -> Bool {
        switch kind {
        case .bool: buffer.writeString(text.first == UInt8(ascii: "t") ? "true" : "false")
        case .int16, .int32: buffer.writeBytes(text)
        case .int64:
            if exactNumbersAsText, Self.isBeyondDoubles(text) { quoted(text, to: &buffer) } else { buffer.writeBytes(text) }
        case .float, .numeric:
            guard Self.isFinite(text) else {
                buffer.writeString("null")
                return false
            }
            if kind == .numeric, exactNumbersAsText { quoted(text, to: &buffer) } else { buffer.writeBytes(text) }
        case .json: buffer.writeBytes(text)
        case .timestamptz, .timestamp, .date:
            guard text.first != UInt8(ascii: "i"), text.first != UInt8(ascii: "-") else {
                buffer.writeString("null")
                return false
            }
            buffer.writeInteger(UInt8(ascii: "\""))
            Self.writeTime(text, kind, to: &buffer)
            buffer.writeInteger(UInt8(ascii: "\""))
        case .text: Self.writeQuoted(text, to: &buffer)
        case .array(let element): return writeArray(text, element, to: &buffer)
        }
        return true
    }

    private func quoted(_ text: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "\""))
        buffer.writeBytes(text)
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// 2^53 = 9007199254740992.
    private static func isBeyondDoubles(_ text: UnsafeRawBufferPointer) -> Bool {
        let digits = text.first == UInt8(ascii: "-") ? text.count - 1 : text.count
        if digits != 16 { return digits > 16 }
        return (Int64(String(decoding: text, as: UTF8.self)) ?? .max).magnitude > 1 << 53
    }

    /// `NaN`, `Infinity` and `-Infinity` have letters; `1e+308` has one that is not among them.
    private static func isFinite(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let first = text.first else { return false }
        let lead = first == UInt8(ascii: "-") && text.count > 1 ? text[1] : first
        return lead != UInt8(ascii: "N") && lead != UInt8(ascii: "I")
    }

    /// `2026-01-01 00:00:00.5+00` → `2026-01-01T00:00:00.5Z`. Sessions speak UTC. A time before Christ (` BC` at the end) stays as it is.
    static func writeTime(_ text: UnsafeRawBufferPointer, _ kind: ValueKind, to buffer: inout ByteBuffer) {
        guard kind != .date, text.last != UInt8(ascii: "C"), let space = text.firstIndex(of: UInt8(ascii: " ")) else {
            buffer.writeBytes(text)
            return
        }
        buffer.writeBytes(text[..<space])
        buffer.writeInteger(UInt8(ascii: "T"))
        guard kind == .timestamptz else {
            buffer.writeBytes(text[(space + 1)...])
            return
        }
        buffer.writeBytes(text[(space + 1)..<(text.count - 3)])
        buffer.writeInteger(UInt8(ascii: "Z"))
    }

    static func writeQuoted(_ text: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "\""))
        var start = 0
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F else { continue }
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: text[start..<index]))
            escape(byte, to: &buffer)
            start = index + 1
        }
        buffer.writeBytes(UnsafeRawBufferPointer(rebasing: text[start...]))
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8, to buffer: inout ByteBuffer) {
        switch byte {
        case UInt8(ascii: "\""): buffer.writeString("\\\"")
        case UInt8(ascii: "\\"): buffer.writeString("\\\\")
        case 0x0A: buffer.writeString("\\n")
        case 0x0D: buffer.writeString("\\r")
        case 0x09: buffer.writeString("\\t")
        default:
            let digits = String(byte, radix: 16)
            buffer.writeString("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
        }
    }

    /// PostgreSQL's text of an array of one or more dimensions: `{1,NULL,"a \"b\""}`.
    private func writeArray(_ text: UnsafeRawBufferPointer, _ element: ValueKind, to buffer: inout ByteBuffer) -> Bool {
        var isWhole = true
        var index = 0
        // Bounds other than 1 stand before the values: `[0:1]={…}`.
        if text.first == UInt8(ascii: "["), let equals = text.firstIndex(of: UInt8(ascii: "=")) { index = equals + 1 }
        var item: [UInt8] = []
        func writeItem(wasQuoted: Bool) {
            if !wasQuoted && item.elementsEqual("NULL".utf8) {
                buffer.writeString("null")
            } else {
                let isWritten = item.withUnsafeBytes { write($0, element, to: &buffer) }
                isWhole = isWhole && isWritten
            }
            item.removeAll(keepingCapacity: true)
        }
        var (hasItem, wasQuoted) = (false, false)
        while index < text.count {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "{"): buffer.writeInteger(UInt8(ascii: "["))
            case UInt8(ascii: "}"), UInt8(ascii: ","):
                if hasItem { writeItem(wasQuoted: wasQuoted) }
                (hasItem, wasQuoted) = (false, false)
                buffer.writeInteger(byte == UInt8(ascii: ",") ? byte : UInt8(ascii: "]"))
            case UInt8(ascii: "\""):
                (hasItem, wasQuoted) = (true, true)
                index += 1
                while index < text.count, text[index] != UInt8(ascii: "\"") {
                    if text[index] == UInt8(ascii: "\\") { index += 1 }
                    if index < text.count { item.append(text[index]) }
                    index += 1
                }
            default:
                hasItem = true
                item.append(byte)
            }
            index += 1
        }
        return isWhole
    }
}
