import Columns
import ParallaxCore

/// A type as it is written in a declaration or a cast.
enum TypeName: Hashable {
    /// Nil: numeric without precision and scale.
    case scalar(TypeClass, numeric: DecimalShape? = nil)
    /// varchar, varchar(n), char(n), and arrays of scalars.
    case exact(ScalarType)

    struct DecimalShape: Hashable {
        var precision: Int
        var scale: Int
    }

    /// Reads a TypeName node. PostgreSQL's types that this dialect lacks and names that nobody knows are refused differently.
    init(_ body: SyntaxNode, in statement: Statement) throws(Refusal) {
        try body.allowFields(["names", "typmods", "typemod", "arrayBounds", "location"], in: statement)
        let offset = statement.offset(body.location)
        if let bounds = body["arrayBounds"] {
            self = .exact(try Self.array(body, dimensions: bounds.children.count, in: statement, at: offset))
            return
        }
        try self.init(scalar: body, in: statement)
    }

    private static func array(_ body: SyntaxNode, dimensions: Int, in statement: Statement, at offset: Int) throws(Refusal) -> ScalarType {
        guard dimensions == 1 else {
            throw Refusal(offset, "an array of \(dimensions) dimensions is not supported", hint: "one dimension is, such as text[]")
        }
        let element: ScalarType
        switch try TypeName(scalar: body, in: statement) {
        case .exact(let type): element = type
        case .scalar(.numeric, let shape?): element = .numeric(precision: shape.precision, scale: shape.scale)
        case .scalar(let kind, _):
            guard isElement(kind.plainType), kind != .numeric else {
                throw Refusal(
                    offset, "an array of \(kind.sqlName) is not supported",
                    hint: kind == .numeric ? "name precision and scale, such as numeric(18,2)[]" : arrayHint)
            }
            element = kind.plainType
        }
        if case .char = element { throw Refusal(offset, "an array of character is not supported", hint: "text[] is") }
        return .array(of: element)
    }

    /// What the text form of an array is equal for exactly where the arrays are.
    static func isElement(_ type: ScalarType) -> Bool {
        switch type {
        case .text, .varchar, .int2, .int4, .int8, .numeric, .float4, .float8, .bool, .uuid: true
        case .char, .decimal, .timestamptz, .timestamp, .date, .time, .interval, .jsonb, .array: false
        }
    }

    static let arrayHint = "arrays may be of text, varchar, smallint, integer, bigint, numeric(p,s), real, double precision, boolean, uuid"

    /// Whatever its array bounds are.
    private init(scalar body: SyntaxNode, in statement: Statement) throws(Refusal) {
        let offset = statement.offset(body.location)
        guard var names = body["names"]?.names, !names.isEmpty else { throw Refusal(offset, "this type is not supported") }
        if names.count == 2, names[0] == "pg_catalog" { names.removeFirst() }
        guard names.count == 1 else { throw Refusal(offset, "type \"\(names.joined(separator: "."))\" does not exist") }
        let modifiers = body["typmods"]?.children ?? []
        let name = names[0]
        switch name {
        case "text": self = .scalar(.text)
        case "varchar", "bpchar":
            self = .exact(try Self.characters(name, modifiers, in: statement, at: offset))
            return
        case "int2", "smallint": self = .scalar(.int2)
        case "int4", "int", "integer": self = .scalar(.int4)
        case "int8", "bigint": self = .scalar(.int8)
        case "float4", "real": self = .scalar(.float4)
        case "float8": self = .scalar(.float8)
        case "bool", "boolean": self = .scalar(.bool)
        case "timestamptz": self = .scalar(.timestamptz)
        case "uuid": self = .scalar(.uuid)
        case "timestamp": self = .scalar(.timestamp)
        case "date": self = .scalar(.date)
        case "time": self = .scalar(.time)
        case "jsonb": self = .scalar(.jsonb)
        case "interval": self = .scalar(.interval)
        case "numeric", "decimal":
            self = .scalar(.numeric, numeric: try Self.decimalShape(modifiers, in: statement, at: offset))
            return
        default: throw Self.unknown(name, at: offset)
        }
        guard modifiers.isEmpty else {
            throw Refusal(offset, "a modifier of type \(name) is not supported", hint: "leave out what stands in parentheses")
        }
    }

    /// varchar has a length or none, char(n) one.
    private static func characters(
        _ name: String, _ modifiers: [SyntaxNode], in statement: Statement, at offset: Int
    ) throws(Refusal) -> ScalarType {
        guard let modifier = modifiers.first else {
            // The grammar writes `char` as char(1).
            guard name == "varchar" else { throw Refusal(offset, "type bpchar without a length is not supported", hint: "use text") }
            return .varchar(length: nil)
        }
        guard modifiers.count == 1, let constant = modifier.body(of: "A_Const"), let value = constant["ival"] else {
            throw Refusal(offset, "invalid type modifier")
        }
        let length = statement.integer(value, at: statement.offset(constant.location))
        guard (1...10_485_760).contains(length) else {
            throw Refusal(
                offset,
                "length for type \(name == "varchar" ? "varchar" : "char") must be \(length < 1 ? "at least 1" : "at most 10485760")")
        }
        return name == "varchar" ? .varchar(length: length) : .char(length: length)
    }

    private static func decimalShape(_ modifiers: [SyntaxNode], in statement: Statement, at offset: Int) throws(Refusal) -> DecimalShape? {
        var numbers: [Int] = []
        for modifier in modifiers {
            guard let constant = modifier.body(of: "A_Const"), let value = constant["ival"] else {
                throw Refusal(offset, "invalid NUMERIC type modifier")
            }
            numbers.append(statement.integer(value, at: statement.offset(constant.location)))
        }
        guard let precision = numbers.first else { return nil }
        guard numbers.count <= 2 else { throw Refusal(offset, "invalid NUMERIC type modifier") }
        guard (1...ScalarType.maximumNumericPrecision).contains(precision) else {
            throw Refusal(offset, "NUMERIC precision \(precision) must be between 1 and \(ScalarType.maximumNumericPrecision)")
        }
        let scale = numbers.count == 2 ? numbers[1] : 0
        guard (0...precision).contains(scale) else {
            throw Refusal(offset, "NUMERIC scale \(scale) must be between 0 and the precision \(precision)")
        }
        return DecimalShape(precision: precision, scale: scale)
    }

    private static func unknown(_ name: String, at offset: Int) -> Refusal {
        if let (shown, hint) = lacking[name] { return Refusal(offset, "type \(shown) is not supported yet", hint: hint) }
        if let nearest = nearestName(to: name, among: supported) {
            return Refusal(offset, "type \"\(name)\" does not exist", hint: didYouMean(nearest))
        }
        return Refusal(offset, "type \"\(name)\" does not exist", hint: supportedHint)
    }

    private static let supported = [
        "text", "varchar", "char", "smallint", "int2", "int", "integer", "int4", "bigint", "int8", "numeric", "decimal", "real", "float4",
        "double precision", "float8", "boolean", "timestamptz", "timestamp", "date", "time", "interval", "uuid", "jsonb",
    ]

    static let supportedHint =
        "supported types: text, varchar(n), char(n), smallint, integer, bigint, numeric, real, double precision, boolean, timestamptz, timestamp, "
        + "date, time, interval, uuid, jsonb, and arrays such as text[]"

    /// PostgreSQL's types that this dialect lacks: how they are called, and what to take instead.
    private static let lacking: [String: (String, String)] = [
        "char": ("\"char\"", "use text"),
        "name": ("name", "use text"), "citext": ("citext", "use text"),
        "money": ("money", "use numeric(p,s)"), "serial": ("serial", "use bigint"), "bigserial": ("bigserial", "use bigint"),
        "timetz": ("time with time zone", "use time, or text"), "json": ("json", "use jsonb"),
        "bytea": ("bytea", "use text"), "inet": ("inet", "use text"), "bit": ("bit", "use text"), "varbit": ("bit varying", "use text"),
        "xml": ("xml", "use text"), "oid": ("oid", "use bigint"),
    ]
}
