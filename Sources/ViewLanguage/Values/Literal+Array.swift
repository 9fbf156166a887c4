import Columns

// Constants that are arrays, as PostgreSQL writes them: each element by the output function of its type.

extension Literal {
    /// An array of a class of elements. Numerics keep their own scales; the type is the one that holds each of them.
    static func array(_ text: String, of kind: TypeClass) throws(InvalidText) -> Expression {
        var shapes: [DecimalText] = []
        let result = try array(text) { element throws(InvalidText) in
            if kind == .numeric { shapes.append(try DecimalText(element)) }
            guard case .literal(let literal, let type) = try reading(element, as: kind) else { return (.null, kind.plainType) }
            return (literal, type)
        }
        guard let scale = shapes.map(\.scale).max(), let whole = shapes.map({ $0.precision - $0.scale }).max() else {
            return .literal(result, kind == .numeric ? .array(of: .numeric(precision: 1, scale: 0)) : TypeClass.array(of: kind).plainType)
        }
        let type = ScalarType.numericOrDecimal(precision: max(1, whole + scale), scale: scale)
        guard type != .decimal else {
            throw InvalidText(
                "an array of numerics that need more than \(ScalarType.maximumNumericPrecision) digits together is not supported",
                hint: "write fewer digits")
        }
        return .literal(result, .array(of: type))
    }

    /// An array of elements of exactly this type. `isCut`: a varchar that is too long is cut, as by a cast; else it is refused.
    static func array(_ text: String, of type: ScalarType, isCut: Bool) throws(InvalidText) -> Literal {
        try array(text) { element throws(InvalidText) in
            var element = element
            if isCut, case .varchar(let length?) = type {
                var scalars = String.UnicodeScalarView()
                scalars.append(contentsOf: element.unicodeScalars.prefix(length))
                element = String(scalars)
            }
            return (try value(element, of: type) ?? .null, type)
        }
    }

    private static func array(
        _ text: String, _ read: (String) throws(InvalidText) -> (Literal, ScalarType)
    ) throws(InvalidText) -> Literal {
        guard let elements = ArrayText.elements(text) else {
            throw InvalidText("malformed array literal: \"\(text)\"", hint: "write it with braces and commas, such as '{a,b}'")
        }
        var texts: [[UInt8]?] = []
        for element in elements {
            guard let element else {
                texts.append(nil)
                continue
            }
            let (literal, type) = try read(element)
            texts.append(try output(literal, type))
        }
        var result: [UInt8] = []
        ArrayText.append(texts, to: &result)
        return .text(String(decoding: result, as: UTF8.self))
    }

    /// Nil for null.
    private static func output(_ literal: Literal, _ type: ScalarType) throws(InvalidText) -> [UInt8]? {
        switch literal {
        case .null: return nil
        case .int(let value): return Array(String(value).utf8)
        case .bool(let value): return [value ? UInt8(ascii: "t") : UInt8(ascii: "f")]
        case .text(let value), .uuid(let value): return Array(value.utf8)
        case .decimal(let unscaled): return Array(DecimalText(unscaled: unscaled, scale: type.decimalShape?.scale ?? 0).shown.utf8)
        case .float, .interval:
            throw InvalidText("a constant array of \(type.sqlName) is not supported", hint: "write ARRAY[…] with numbers in it")
        }
    }

    /// How many digits behind the point the elements of a constant array of numerics have: none where it has no elements, several where
    /// they differ. Nil for anything else.
    static func elementScales(_ expression: Expression) -> Set<Int>? {
        guard case .literal(.text(let text), .array(.numeric)) = expression, let elements = ArrayText.elements(text) else { return nil }
        return Set(elements.compactMap { element in element.flatMap { try? DecimalText($0).scale } })
    }
}
