/// Where a column's value lies in a record: `user.address.city`.
///
/// Names are those of JSON fields, as they are written there, with dots between them. A name in double quotes may hold anything, a double quote
/// twice for one: `"user.address".city`. Elements of arrays have no names.
struct FieldPath {
    private(set) var names: [String] = []

    init(_ text: String, at offset: Int) throws(Refusal) {
        var rest = Substring(text)
        repeat {
            let name: String
            if rest.first == "\"" {
                guard let quoted = Self.quoted(&rest) else {
                    throw Refusal(offset, "option \"path\": a double quote is not closed in '\(text)'")
                }
                name = quoted
                guard rest.isEmpty || rest.first == "." else {
                    throw Refusal(offset, "option \"path\": a dot must follow a name in double quotes in '\(text)'")
                }
            } else {
                name = String(rest.prefix { $0 != "." })
                rest = rest.dropFirst(name.count)
                if name.contains("[") || name.contains("]") {
                    throw Refusal(
                        offset, "option \"path\": elements of arrays cannot be reached by '\(text)'",
                        hint: "declare the array as a column of type jsonb, or write a name that holds brackets in double quotes")
                }
                if name.contains("\"") {
                    throw Refusal(
                        offset, "option \"path\": a double quote stands inside of a name in '\(text)'",
                        hint: "put the whole name in double quotes, and write the one inside twice")
                }
                if name.isEmpty {
                    throw Refusal(
                        offset, "option \"path\": a name is empty in '\(text)'", hint: "such as 'user.address.city'; an empty name is \"\"")
                }
            }
            names.append(name)
            guard rest.first == "." else { break }
            rest = rest.dropFirst()
        } while true
        guard names.count <= LanguageLimits.pathLength else {
            throw Refusal(
                offset, "option \"path\": \(names.count) names are too many", hint: "at most \(LanguageLimits.pathLength) are followed")
        }
    }

    /// The name in quotes at the beginning; nil where they are not closed.
    private static func quoted(_ rest: inout Substring) -> String? {
        var name = ""
        rest = rest.dropFirst()
        while let character = rest.first {
            rest = rest.dropFirst()
            if character != "\"" {
                name.append(character)
            } else if rest.first == "\"" {
                name.append(character)
                rest = rest.dropFirst()
            } else {
                return name
            }
        }
        return nil
    }
}
