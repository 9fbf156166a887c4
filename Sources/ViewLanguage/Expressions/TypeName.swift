import Columns

/// A type as it is written in a declaration or a cast.
enum TypeName: Hashable {
    /// Nil: numeric without precision and scale.
    case scalar(TypeClass, numeric: DecimalShape? = nil)
    /// Only as a constant: the size of a window.
    case interval

    struct DecimalShape: Hashable {
        var precision: Int
        var scale: Int
    }

    /// Reads a TypeName node. PostgreSQL's types that this dialect lacks and names that nobody knows are refused differently.
    init(_ body: SyntaxNode, in statement: Statement) throws(Refusal) {
        try body.allowFields(["names", "typmods", "typemod", "location"], in: statement)
        let offset = statement.offset(body.location)
        guard var names = body["names"]?.names, !names.isEmpty else { throw Refusal(offset, "this type is not supported") }
        if names.count == 2, names[0] == "pg_catalog" { names.removeFirst() }
        guard names.count == 1 else { throw Refusal(offset, "type \"\(names.joined(separator: "."))\" does not exist") }
        let modifiers = body["typmods"]?.children ?? []
        let name = names[0]
        switch name {
        case "text": self = .scalar(.text)
        case "int4", "int", "integer": self = .scalar(.int4)
        case "int8", "bigint": self = .scalar(.int8)
        case "float8": self = .scalar(.float8)
        case "bool", "boolean": self = .scalar(.bool)
        case "timestamptz": self = .scalar(.timestamptz)
        case "uuid": self = .scalar(.uuid)
        case "timestamp": self = .scalar(.timestamp)
        case "date": self = .scalar(.date)
        case "interval": self = .interval
        case "numeric", "decimal":
            self = .scalar(.numeric, numeric: try Self.decimalShape(modifiers, in: statement, at: offset))
            return
        default: throw Self.unknown(name, at: offset)
        }
        guard modifiers.isEmpty else {
            throw Refusal(offset, "a modifier of type \(name) is not supported", hint: "leave out what stands in parentheses")
        }
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
            return Refusal(offset, "type \"\(name)\" does not exist", hint: "did you mean \"\(nearest)\"?")
        }
        return Refusal(offset, "type \"\(name)\" does not exist", hint: supportedHint)
    }

    private static let supported = [
        "text", "int", "integer", "int4", "bigint", "int8", "numeric", "double precision", "float8", "boolean", "timestamptz", "timestamp",
        "date", "interval", "uuid",
    ]

    static let supportedHint =
        "supported types: text, integer, bigint, numeric(p,s), double precision, boolean, timestamptz, timestamp, date, uuid"

    /// PostgreSQL's types that this dialect lacks: how they are called, and what to take instead.
    private static let lacking: [String: (String, String)] = [
        "varchar": ("character varying", "use text"), "bpchar": ("character", "use text"), "char": ("\"char\"", "use text"),
        "name": ("name", "use text"), "citext": ("citext", "use text"),
        "int2": ("smallint", "use integer"), "smallint": ("smallint", "use integer"),
        "float4": ("real", "use double precision"), "real": ("real", "use double precision"),
        "money": ("money", "use numeric(p,s)"), "serial": ("serial", "use bigint"), "bigserial": ("bigserial", "use bigint"),
        "time": ("time without time zone", "use text"), "timetz": ("time with time zone", "use text"),
        "json": ("json", "declare the fields that the views need as columns"),
        "jsonb": ("jsonb", "declare the fields that the views need as columns"),
        "bytea": ("bytea", "use text"), "inet": ("inet", "use text"), "bit": ("bit", "use text"), "varbit": ("bit varying", "use text"),
        "xml": ("xml", "use text"), "oid": ("oid", "use bigint"),
    ]
}
