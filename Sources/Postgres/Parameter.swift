import ParallaxCore

/// A value for `$n`: values travel as text, beside the SQL and never as part of it. PostgreSQL infers the type from the place where
/// `$n` stands; where it cannot, write a cast (`$1::bigint[]`).
public enum Parameter: Sendable, Hashable {
    case null
    case text(String)
    case int(Int64)
    case bool(Bool)
    case double(Double)
    /// As PostgreSQL array of bigint / text.
    case ints([Int64])
    case texts([String])
    case bytes([UInt8])

    /// PostgreSQL's input syntax for the value; nil for null.
    var encoded: String? {
        switch self {
        case .null: nil
        case .text(let text): text
        case .int(let value): String(value)
        case .bool(let value): value ? "true" : "false"
        // Swift's shortest round-trip digits; `inf`, `-inf` and `nan` are PostgreSQL's words too.
        case .double(let value): value.description
        case .ints(let values): "{" + values.map(String.init).joined(separator: ",") + "}"
        case .texts(let values): Self.arrayLiteral(values)
        case .bytes(let bytes): Self.hexLiteral(bytes)
        }
    }

    /// Every element is quoted, so that `NULL`, the empty string, commas and braces are themselves.
    private static func arrayLiteral(_ values: [String]) -> String {
        var literal: [UInt8] = [UInt8(ascii: "{")]
        for (index, value) in values.enumerated() {
            if index > 0 { literal.append(UInt8(ascii: ",")) }
            literal.append(UInt8(ascii: "\""))
            for byte in value.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { literal.append(UInt8(ascii: "\\")) }
                literal.append(byte)
            }
            literal.append(UInt8(ascii: "\""))
        }
        literal.append(UInt8(ascii: "}"))
        return String(decoding: literal, as: UTF8.self)
    }

    private static func hexLiteral(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var literal: [UInt8] = Array("\\x".utf8)
        literal.reserveCapacity(2 + 2 * bytes.count)
        for byte in bytes {
            literal.append(digits[Int(byte >> 4)])
            literal.append(digits[Int(byte & 15)])
        }
        return String(decoding: literal, as: UTF8.self)
    }
}

/// Parameters in the form that libpq takes: C strings in one arena.
struct EncodedParameters {
    /// The protocol counts parameters in 16 bits.
    static let maxCount = 65_535

    private var arena: [CChar] = []
    /// Where each begins in the arena; nil for null.
    private var starts: [Int?] = []

    init(_ parameters: [Parameter]) throws(ParallaxError) {
        guard parameters.count <= Self.maxCount else {
            throw ParallaxError(
                .limit, "a statement takes at most \(Self.maxCount) parameters, got \(parameters.count)",
                hint: "Pass arrays and unnest() them.")
        }
        for (index, parameter) in parameters.enumerated() {
            guard let text = parameter.encoded else {
                starts.append(nil)
                continue
            }
            guard !text.utf8.contains(0) else {
                throw ParallaxError(
                    .input, "parameter $\(index + 1) contains a NUL character, which PostgreSQL's text cannot hold")
            }
            starts.append(arena.count)
            arena.append(contentsOf: text.utf8.lazy.map { CChar(bitPattern: $0) })
            arena.append(0)
        }
    }

    var count: Int32 { Int32(starts.count) }

    func withPointers<R>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> R) -> R {
        arena.withUnsafeBufferPointer { arena in
            let pointers: [UnsafePointer<CChar>?] = starts.map { start in
                guard let start, let base = arena.baseAddress else { return nil }
                return base + start
            }
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}
