import ParallaxCore

/// A JSON schema, as far as our answers need it.
indirect enum Schema: Sendable {
    case string
    case dateTime
    case integer
    /// An integer within bounds; `Int64.max` is none.
    case whole(ClosedRange<Int64>)
    case number
    case boolean
    case choice([String])
    case array(Schema)
    /// Members; those in `optional` may be missing.
    case object([(name: String, schema: Schema)], optional: Set<String> = [])
    /// Any members with such values.
    case map(Schema)
    case nullable(Schema)
    case any
    case binary
    /// A named one.
    case reference(String)

    var json: JSONText {
        switch self {
        case .string: .object([("type", .string("string"))])
        case .dateTime: .object([("type", .string("string")), ("format", .string("date-time"))])
        case .integer: .object([("type", .string("integer")), ("format", .string("int64"))])
        case .whole(let range):
            .object(
                [("type", .string("integer")), ("format", .string("int64")), ("minimum", .int(range.lowerBound))]
                    + (range.upperBound == .max ? [] : [("maximum", .int(range.upperBound))]))
        case .number: .object([("type", .string("number"))])
        case .boolean: .object([("type", .string("boolean"))])
        case .choice(let names): .object([("type", .string("string")), ("enum", .array(names.map { .string($0) }))])
        case .array(let element): .object([("type", .string("array")), ("items", element.json)])
        case .object(let members, let optional):
            .object([
                ("type", .string("object")), ("properties", .object(members.map { ($0.name, $0.schema.json) })),
                ("required", .array(members.filter { !optional.contains($0.name) }.map { .string($0.name) })),
            ])
        case .map(let value): .object([("type", .string("object")), ("additionalProperties", value.json)])
        case .nullable(let schema): .object([("anyOf", .array([schema.json, .object([("type", .string("null"))])]))])
        case .any: .object([])
        case .binary: .object([("type", .string("string")), ("contentMediaType", .string("application/octet-stream"))])
        case .reference(let name): .object([("$ref", .string("#/components/schemas/\(name)"))])
        }
    }
}
