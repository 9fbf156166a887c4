/// JSON for programs, in the order in which it was put together: `status --json`, `query --format json`.
public enum JSONText: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    /// A number's own digits, as PostgreSQL wrote them.
    case number(String)
    case string(String)
    case array([JSONText])
    case object([(String, JSONText)])

    public static func optional(_ value: Int64?) -> JSONText { value.map { .int($0) } ?? .null }
    public static func optional(_ value: String?) -> JSONText { value.map { .string($0) } ?? .null }

    /// NaN and infinities, which JSON lacks, are texts.
    public static func optional(_ value: Double?) -> JSONText {
        value.map { $0.isFinite ? .number("\($0)") : .string("\($0)") } ?? .null
    }

    /// An object with one more member.
    public func adding(_ name: String, _ value: JSONText) -> JSONText {
        guard case .object(let members) = self else { preconditionFailure("only objects have members") }
        return .object(members + [(name, value)])
    }

    /// Two spaces a level; arrays and objects without content on one line.
    public func text(indentation: Int? = 0) -> String {
        var output = ""
        write(to: &output, indentation: indentation)
        return output
    }

    private func write(to output: inout String, indentation: Int?) {
        switch self {
        case .null: output += "null"
        case .bool(let value): output += value ? "true" : "false"
        case .int(let value): output += String(value)
        case .number(let digits): output += digits
        case .string(let text): output += jsonQuoted(text)
        case .array(let elements):
            Self.list(elements, "[", "]", to: &output, indentation) { element, inner, output in
                element.write(to: &output, indentation: inner)
            }
        case .object(let members):
            Self.list(members, "{", "}", to: &output, indentation) { member, inner, output in
                output += jsonQuoted(member.0) + (inner == nil ? ":" : ": ")
                member.1.write(to: &output, indentation: inner)
            }
        }
    }

    private static func list<T>(
        _ elements: [T], _ open: String, _ close: String, to output: inout String, _ indentation: Int?,
        _ write: (T, Int?, inout String) -> Void
    ) {
        output += open
        let inner = indentation.map { $0 + 2 }
        for (index, element) in elements.enumerated() {
            if index > 0 { output += "," }
            if let inner { output += "\n" + String(repeating: " ", count: inner) }
            write(element, inner, &output)
        }
        if let indentation, !elements.isEmpty { output += "\n" + String(repeating: " ", count: indentation) }
        output += close
    }
}
