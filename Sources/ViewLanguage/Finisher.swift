/// An expression over a group's results: SQL text with places where the group's own values go. PostgreSQL evaluates it over the merged
/// states, so that it means there what it means in the SELECT.
///
/// The text is written by the compiler from the parse tree, node by node: constants are quoted, functions are named in full, and nothing of
/// what a person wrote is copied. Equal expressions are equal, however they are spaced.
public struct Finisher: Hashable, Sendable, Codable {
    public enum Part: Hashable, Sendable, Codable {
        case text(String)
        case windowStart
        case windowEnd
        /// Index into the plan's groups.
        case group(Int)
        /// Index into the plan's measures.
        case measure(Int)
    }

    public private(set) var parts: [Part] = []

    public init(parts: [Part] = []) { for part in parts { append(part) } }

    /// Neighbouring texts become one.
    public mutating func append(_ part: Part) {
        if case .text(let text) = part, case .text(let before)? = parts.last {
            parts[parts.count - 1] = .text(before + text)
        } else {
            parts.append(part)
        }
    }

    /// The whole SQL text; `value` gives that of each place.
    public func sql(_ value: (Part) -> String) -> String {
        parts.map { part in if case .text(let text) = part { text } else { value(part) } }.joined()
    }

    /// The measures that it reads.
    public var measures: Set<Int> { Set(parts.compactMap { if case .measure(let index) = $0 { index } else { nil } }) }
}
