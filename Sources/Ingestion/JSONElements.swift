import ParallaxCore

/// Where the elements of a JSON array begin and end; or the one object that is there instead.
///
/// It looks at brackets, strings and commas alone. Whether an element is an event is for the decoder to say: an element that is none is a record all the same. A
/// text that cannot be cut into elements with certainty is an error, and nothing of it is taken.
struct JSONElements {
    private(set) var places: [Range<Int>] = []
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// - Parameter limit: elements at most.
    static func places(in bytes: UnsafeRawBufferPointer, limit: Int) throws(ParallaxError) -> [Range<Int>] {
        var scan = JSONElements(bytes)
        try scan.run(limit)
        return scan.places
    }

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private mutating func run(_ limit: Int) throws(ParallaxError) {
        switch nextByte() {
        case UInt8(ascii: "{"): try takeValue(limit)
        case UInt8(ascii: "["):
            position += 1
            if nextByte() == UInt8(ascii: "]") {
                position += 1
            } else {
                try takeElements(limit)
            }
        case nil: throw trouble("is empty")
        default: throw trouble("begins neither an array nor an object")
        }
        if nextByte() != nil { throw trouble("has more behind its end") }
    }

    private mutating func takeElements(_ limit: Int) throws(ParallaxError) {
        while true {
            try takeValue(limit)
            switch nextByte() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"):
                position += 1
                return
            case nil: throw trouble("ends in the midst of its array")
            default: throw trouble("has neither a comma nor the array's end behind an element")
            }
        }
    }

    /// The next byte that is no white space; stays before it.
    private mutating func nextByte() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    private mutating func takeValue(_ limit: Int) throws(ParallaxError) {
        guard let first = nextByte() else { throw trouble("ends in the midst of its array") }
        let start = position
        switch first {
        case UInt8(ascii: "{"), UInt8(ascii: "["): try skipNested()
        case UInt8(ascii: "\""): try skipString()
        default: skipScalar()
        }
        guard position > start else { throw trouble("has an element without a value") }
        guard places.count < limit else {
            throw ParallaxError(.limit, "the body has more than \(counted(limit, "event"))", hint: "send them in several bodies")
        }
        places.append(start..<position)
    }

    private mutating func skipNested() throws(ParallaxError) {
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                try skipString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
            if depth == 0 { return }
        }
        throw trouble("ends in the midst of an element")
    }

    private mutating func skipString() throws(ParallaxError) {
        position += 1
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "\""):
                position += 1
                return
            default: position += 1
            }
        }
        position = bytes.count
        throw trouble("ends in the midst of a string")
    }

    private mutating func skipScalar() {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "\""), 0x20,
                0x09, 0x0A,
                0x0D:
                return
            default: position += 1
            }
        }
    }

    private func trouble(_ what: String) -> ParallaxError {
        ParallaxError(
            .input, "the body \(what), at byte \(position)",
            hint: "application/json is one array of events, or one event; for an event a line send application/x-ndjson")
    }
}
