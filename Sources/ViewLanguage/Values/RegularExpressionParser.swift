/// Reads PostgreSQL's advanced regular expressions. Source of the grammar: PostgreSQL 15, documentation, sections 9.7.3.1 to 9.7.3.6.
struct RegularExpressionParser {
    private let scalars: [Unicode.Scalar]
    private let ignoringCase: Bool
    private var at = 0
    private var depth = 0

    /// PostgreSQL's DUPMAX.
    private static let mostRepetitions = 255
    /// Groups inside one another; the parser recurses.
    private static let deepest = 100

    typealias Problem = RegularExpressionSyntax.Problem

    init(_ pattern: String, ignoringCase: Bool) {
        scalars = Array(pattern.unicodeScalars)
        self.ignoringCase = ignoringCase
    }

    private var next: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }
    private func peek(_ ahead: Int) -> Unicode.Scalar? { at + ahead < scalars.count ? scalars[at + ahead] : nil }

    private static func invalid(_ what: String) -> Problem { Problem(message: "invalid regular expression: \(what)") }
    private static func unsupported(_ what: String, hint: String? = nil) -> Problem {
        Problem(message: "\(what) in a regular expression is not supported", hint: hint)
    }

    mutating func whole() throws(Problem) -> RegularExpressionSyntax {
        if scalars.starts(with: "***".unicodeScalars) { throw Self.unsupported("the prefix ***", hint: "write the pattern alone") }
        let result = try choice()
        guard at == scalars.count else { throw Self.invalid("parentheses () not balanced") }
        return result
    }

    private mutating func choice() throws(Problem) -> RegularExpressionSyntax {
        var branches = [try branch()]
        while next == "|" {
            at += 1
            branches.append(try branch())
        }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func branch() throws(Problem) -> RegularExpressionSyntax {
        var parts: [RegularExpressionSyntax] = []
        while let scalar = next, scalar != "|", scalar != ")" || depth == 0 {
            // Alone, a closing parenthesis is none to PostgreSQL.
            if scalar == ")" { throw Self.invalid("parentheses () not balanced") }
            let (atom, isConstraint) = try self.atom(scalar)
            parts.append(try quantified(atom, isConstraint: isConstraint))
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func atom(_ scalar: Unicode.Scalar) throws(Problem) -> (RegularExpressionSyntax, isConstraint: Bool) {
        if isAtQuantifier { throw Self.invalid("quantifier operand invalid") }
        switch scalar {
        case "^", "$":
            at += 1
            return (scalar == "^" ? .start : .end, true)
        case "(": return (try group(), false)
        case "[": return (.characters(try bracket()), false)
        case ".":
            at += 1
            return (.characters(.any), false)
        case "\\":
            at += 1
            return try escape()
        default:
            at += 1
            return (.characters(cased(scalar)), false)
        }
    }

    private mutating func group() throws(Problem) -> RegularExpressionSyntax {
        at += 1
        if next == "?" {
            switch peek(1) {
            case ":": at += 2
            case "=", "!", "<": throw Self.unsupported("look-around", hint: "two conditions with AND say much of it")
            default: throw Self.unsupported("an embedded option", hint: "~* ignores case")
            }
        } else if next == "*", peek(1) == "*" {
            throw Self.unsupported("the prefix ***")
        }
        depth += 1
        guard depth <= Self.deepest else {
            throw Problem(message: "a regular expression with more than \(Self.deepest) groups inside one another is not supported")
        }
        let inside = try choice()
        guard next == ")" else { throw Self.invalid("parentheses () not balanced") }
        depth -= 1
        at += 1
        return inside
    }

    private mutating func quantified(_ atom: RegularExpressionSyntax, isConstraint: Bool) throws(Problem) -> RegularExpressionSyntax {
        if isConstraint, isAtQuantifier { throw Self.invalid("quantifier operand invalid") }
        let bounds: (from: Int, to: Int?)
        switch next {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{" where peek(1).map(Self.isDigit) == true:
            bounds = try braces()
            at -= 1
        default: return atom
        }
        at += 1
        // How much it takes does not change whether there is a match.
        if next == "?" { at += 1 }
        if isAtQuantifier { throw Self.invalid("quantifier operand invalid") }
        return .repeated(atom, from: bounds.from, to: bounds.to)
    }

    private var isAtQuantifier: Bool {
        switch next {
        case "*", "+", "?": true
        case "{": peek(1).map(Self.isDigit) == true
        default: false
        }
    }

    private mutating func braces() throws(Problem) -> (from: Int, to: Int?) {
        at += 1
        func outOfRange() -> Problem { Self.invalid("invalid repetition count(s)") }
        guard let from = number() else { throw outOfRange() }
        var to: Int? = from
        if next == "," {
            at += 1
            to = nil
            if next.map(Self.isDigit) == true {
                guard let upper = number() else { throw outOfRange() }
                to = upper
            }
        }
        guard next == "}" else { throw next == nil ? Self.invalid("braces {} not balanced") : outOfRange() }
        at += 1
        guard from <= Self.mostRepetitions, to.map({ $0 <= Self.mostRepetitions && $0 >= from }) ?? true else { throw outOfRange() }
        return (from, to)
    }

    private mutating func number() -> Int? {
        var value = 0
        let start = at
        while let scalar = next, Self.isDigit(scalar) {
            value = min(value * 10 + Int(scalar.value - 48), 1_000)
            at += 1
        }
        return at > start ? value : nil
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private func cased(_ scalar: Unicode.Scalar) -> CharacterRanges {
        let one = CharacterRanges([scalar.value..<scalar.value + 1])
        return ignoringCase ? one.inBothCases : one
    }

    /// Behind a backslash.
    private mutating func escape() throws(Problem) -> (RegularExpressionSyntax, isConstraint: Bool) {
        guard let scalar = next else { throw Self.invalid("invalid escape \\ sequence") }
        switch scalar {
        case "A", "Z":
            at += 1
            return (scalar == "A" ? .start : .end, true)
        case "d", "w", "s", "D", "W", "S":
            at += 1
            let set = Self.shorthand(scalar)
            return (.characters(("A"..."Z").contains(scalar) ? set.complement : set), false)
        default: return (.characters(cased(try escapedCharacter())), false)
        }
    }

    private static func shorthand(_ scalar: Unicode.Scalar) -> CharacterRanges {
        let name =
            switch scalar {
            case "d", "D": "digit"
            case "w", "W": "word"
            default: "space"
            }
        return CharacterRanges.named(name) ?? .any
    }

    private mutating func escapedCharacter() throws(Problem) -> Unicode.Scalar {
        guard let scalar = next else { throw Self.invalid("invalid escape \\ sequence") }
        at += 1
        switch scalar {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "f": return "\u{c}"
        case "v": return "\u{b}"
        case "a": return "\u{7}"
        case "e": return "\u{1b}"
        case "u":
            var value: UInt32 = 0
            for _ in 0..<4 {
                guard let digit = next.flatMap({ UInt32(String($0), radix: 16) }) else { throw Self.invalid("invalid escape \\ sequence") }
                value = value * 16 + digit
                at += 1
            }
            guard let result = Unicode.Scalar(value), value > 0 else { throw Self.unsupported("the character \\u of no character") }
            return result
        case "m", "M", "y", "Y": throw Self.unsupported("a word boundary", hint: "name what may stand there, such as (^|\\W)word(\\W|$)")
        case "1"..."9": throw Self.unsupported("a back reference")
        case "0"..."9", "a"..."z", "A"..."Z":
            throw Self.unsupported("the escape \\\(scalar)", hint: "write the character, or \\u and four hexadecimal digits")
        default: return scalar
        }
    }

    /// [chars], from the opening bracket.
    private mutating func bracket() throws(Problem) -> CharacterRanges {
        at += 1
        let isNegated = next == "^"
        if isNegated { at += 1 }
        // Sorted once, at the end: a bracket may have thousands of members.
        var ranges: [Range<UInt32>] = []
        var isFirst = true
        while let scalar = next, scalar != "]" || isFirst {
            isFirst = false
            if scalar == "[", let kind = peek(1), [":", ".", "="].contains(kind) {
                ranges += try named(kind).ranges
                if next == "-", peek(1) != "]" { throw Self.invalid("invalid character range") }
                continue
            }
            if scalar == "\\", let letter = peek(1), "dwsDWS".unicodeScalars.contains(letter) {
                guard ("a"..."z").contains(letter) else { throw Self.unsupported("\\\(letter) in brackets", hint: "use [^…]") }
                at += 2
                ranges += Self.shorthand(letter).ranges
                if next == "-", peek(1) != "]" { throw Self.invalid("invalid character range") }
                continue
            }
            let low = try member()
            guard next == "-", let after = peek(1), after != "]" else {
                ranges.append(low.value..<low.value + 1)
                continue
            }
            at += 1
            if next == "[", let kind = peek(1), [":", ".", "="].contains(kind) {
                throw Self.unsupported("a range to a class or a collating element")
            }
            if next == "\\", let letter = peek(1), "dwsDWS".unicodeScalars.contains(letter) {
                throw Self.invalid("invalid character range")
            }
            let high = try member()
            guard low.value <= high.value else { throw Self.invalid("invalid character range") }
            ranges.append(low.value..<high.value + 1)
            // a-b-c is no range of ranges.
            if next == "-", let after = peek(1), after != "]" { throw Self.unsupported("a range that begins where another ends") }
        }
        guard next == "]" else { throw Self.invalid("brackets [] not balanced") }
        at += 1
        // The classes have both cases of their letters by themselves.
        let set = ignoringCase ? CharacterRanges(ranges).inBothCases : CharacterRanges(ranges)
        return isNegated ? set.complement : set
    }

    private mutating func member() throws(Problem) -> Unicode.Scalar {
        guard let scalar = next else { throw Self.invalid("brackets [] not balanced") }
        at += 1
        guard scalar == "\\" else { return scalar }
        if next == "b" { throw Self.unsupported("the escape \\b", hint: "write the character itself") }
        return try escapedCharacter()
    }

    /// [:name:]
    private mutating func named(_ kind: Unicode.Scalar) throws(Problem) -> CharacterRanges {
        guard kind == ":" else { throw Self.unsupported("a collating element", hint: "write the character itself") }
        at += 2
        var name = ""
        while let scalar = next, scalar != ":" {
            name.unicodeScalars.append(scalar)
            at += 1
        }
        guard next == ":", peek(1) == "]" else { throw Self.invalid("brackets [] not balanced") }
        at += 2
        // Without regard to case, letters of one case are letters.
        guard let set = CharacterRanges.named(ignoringCase && ["upper", "lower"].contains(name) ? "alpha" : name) else {
            throw Self.invalid("invalid character class")
        }
        return set
    }
}
