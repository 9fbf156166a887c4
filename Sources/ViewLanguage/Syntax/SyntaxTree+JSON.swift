extension SyntaxTree {
    struct MalformedJSON: Error {}

    /// Reads libpg_query's JSON, without recursion. Numbers are whole.
    convenience init(json: [UInt8]) throws(MalformedJSON) {
        self.init()
        var reader = JSONReader(bytes: json)
        /// The containers that are open, and their last child so far.
        var open: [(container: Int, isObject: Bool, last: Int?)] = []
        repeat {
            reader.skipSpace()
            if let top = open.last {
                if try reader.takeEnd(isObject: top.isObject) {
                    open.removeLast()
                    continue
                }
                if top.last != nil { try reader.take(UInt8(ascii: ",")) }
            }
            var key: String?
            if open.last?.isObject == true {
                key = try reader.string()
                try reader.take(UInt8(ascii: ":"))
            }
            let value = try reader.scalarOrOpening()
            let child = append(key: key, value: value)
            if let top = open.last {
                link(parent: top.container, previous: top.last, child: child)
                open[open.count - 1].last = child
            }
            switch value {
            case .array: open.append((child, false, nil))
            case .object: open.append((child, true, nil))
            default: break
            }
        } while !open.isEmpty
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    private var byte: UInt8 { position < bytes.count ? bytes[position] : 0 }

    mutating func skipSpace() {
        while byte == 32 || byte == 9 || byte == 10 || byte == 13 { position += 1 }
    }

    mutating func take(_ expected: UInt8) throws(SyntaxTree.MalformedJSON) {
        skipSpace()
        guard byte == expected else { throw SyntaxTree.MalformedJSON() }
        position += 1
        skipSpace()
    }

    mutating func takeEnd(isObject: Bool) throws(SyntaxTree.MalformedJSON) -> Bool {
        guard position < bytes.count else { throw SyntaxTree.MalformedJSON() }
        guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return false }
        position += 1
        return true
    }

    mutating func scalarOrOpening() throws(SyntaxTree.MalformedJSON) -> SyntaxTree.Element.Value {
        skipSpace()
        switch byte {
        case UInt8(ascii: "{"):
            position += 1
            return .object
        case UInt8(ascii: "["):
            position += 1
            return .array
        case UInt8(ascii: "\""): return .string(try string())
        default:
            let start = position
            while ![0, 9, 10, 13, 32, UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]")].contains(byte) { position += 1 }
            let word = String(decoding: bytes[start..<position], as: UTF8.self)
            switch word {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": return .null
            default:
                guard let number = Int(word) else { throw SyntaxTree.MalformedJSON() }
                return .int(number)
            }
        }
    }

    mutating func string() throws(SyntaxTree.MalformedJSON) -> String {
        guard byte == UInt8(ascii: "\"") else { throw SyntaxTree.MalformedJSON() }
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text.append(contentsOf: try escape())
            default: text.append(byte)
            }
        }
        throw SyntaxTree.MalformedJSON()
    }

    /// libpg_query escapes control characters only; everything else is there as UTF-8.
    private mutating func escape() throws(SyntaxTree.MalformedJSON) -> [UInt8] {
        let byte = byte
        position += 1
        switch byte {
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "u"):
            guard position + 4 <= bytes.count,
                let code = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { throw SyntaxTree.MalformedJSON() }
            position += 4
            return Array(String(Character(scalar)).utf8)
        default: return [byte]
        }
    }
}
