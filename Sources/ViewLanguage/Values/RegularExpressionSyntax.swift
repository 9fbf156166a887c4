/// A regular expression, parsed: PostgreSQL's advanced ones (documentation, "POSIX Regular Expressions"), as far as they are regular.
///
/// Taken: literals, `.`, `[…]` with ranges and classes, `\d \w \s \D \W \S`, `\n \r \t \f \v \a \e`, `\uXXXX`, `^ $ \A \Z`, `|`, groups of both kinds,
/// `* + ? {m} {m,} {m,n}`, each greedy or not. Refused, with words of their own: back references, look-around, word boundaries, embedded options,
/// collating elements. Classes are those of collation "C": of the letters, digits and so on only those of ASCII.
public indirect enum RegularExpressionSyntax: Hashable, Sendable {
    /// One character of the set.
    case characters(CharacterRanges)
    case sequence([RegularExpressionSyntax])
    case choice([RegularExpressionSyntax])
    /// At least so often, and at most; nil for any number.
    case repeated(RegularExpressionSyntax, from: Int, to: Int?)
    case start, end

    /// What is wrong with a pattern; the first line is PostgreSQL's where it refuses it, too.
    public struct Problem: Error, Hashable {
        public var message: String
        public var hint: String?
    }

    /// What a pattern may cost.
    public struct Limits: Sendable {
        /// The length of the pattern in UTF-8: parsing takes time and memory in proportion to it.
        let bytes: Int
        /// The size of the automaton. Counted repetitions are copies of what is repeated: (a{255}){255} would have 65,025 nodes.
        public let nodes: Int
        /// The size of the table that says which sets have which characters.
        let memberships: Int

        /// For a pattern in a definition: its author waits for it once.
        public static let constant = Limits(bytes: 1 << 20, nodes: 20_000, memberships: 4_000_000)
        /// For a pattern in a record: each record may bring another one.
        public static let record = Limits(bytes: 16_384, nodes: 1_000, memberships: 100_000)
    }

    public init(_ pattern: String, ignoringCase: Bool, limits: Limits = .constant) throws(Problem) {
        guard pattern.utf8.count <= limits.bytes else {
            throw Problem(message: "this regular expression is too large", hint: "it may have \(limits.bytes) bytes")
        }
        var parser = RegularExpressionParser(pattern, ignoringCase: ignoringCase)
        self = try parser.whole()
        guard nodeCount <= limits.nodes else {
            throw Problem(
                message: "this regular expression is too large", hint: "repeat less often: a{1000} counts as a thousand characters")
        }
        var sets: Set<CharacterRanges> = []
        collect(&sets)
        let boundaries = Set(sets.flatMap { $0.ranges.flatMap { [$0.lowerBound, $0.upperBound] } })
        guard sets.count * boundaries.count <= limits.memberships else {
            throw Problem(message: "this regular expression has too many different characters", hint: "write ranges, such as [a-z]")
        }
    }

    private func collect(_ sets: inout Set<CharacterRanges>) {
        switch self {
        case .characters(let set): sets.insert(set)
        case .start, .end: break
        case .sequence(let parts), .choice(let parts): for part in parts { part.collect(&sets) }
        case .repeated(let part, _, _): part.collect(&sets)
        }
    }

    /// How many nodes an automaton would have at most. The count stops one above the largest limit.
    private var nodeCount: Int {
        func limited(_ count: Int) -> Int { min(count, Limits.constant.nodes + 1) }
        switch self {
        case .characters, .start, .end: return 1
        case .sequence(let parts), .choice(let parts): return limited(parts.reduce(2) { limited($0 + $1.nodeCount) })
        case .repeated(let part, let from, let to):
            let own = part.nodeCount + 1
            return limited(own * from + own * (to.map { $0 - from } ?? 1) + 1)
        }
    }
}

/// Code points, as ascending ranges that do not touch.
public struct CharacterRanges: Hashable, Sendable {
    public private(set) var ranges: [Range<UInt32>]
    private static let all: Range<UInt32> = 0..<0x11_0000

    public init(_ ranges: [Range<UInt32>]) {
        var merged: [Range<UInt32>] = []
        for range in ranges.filter({ !$0.isEmpty }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, last.upperBound >= range.lowerBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    public static let any = CharacterRanges([all])

    var complement: CharacterRanges {
        var gaps: [Range<UInt32>] = []
        var next = Self.all.lowerBound
        for range in ranges {
            gaps.append(next..<range.lowerBound)
            next = range.upperBound
        }
        gaps.append(next..<Self.all.upperBound)
        return CharacterRanges(gaps)
    }

    /// With the other case of the letters a to z.
    var inBothCases: CharacterRanges {
        var more = ranges
        let (upper, lower): (Range<UInt32>, Range<UInt32>) = (0x41..<0x5b, 0x61..<0x7b)
        for range in ranges {
            let capitals = range.clamped(to: upper)
            if !capitals.isEmpty { more.append(capitals.lowerBound + 32..<capitals.upperBound + 32) }
            let small = range.clamped(to: lower)
            if !small.isEmpty { more.append(small.lowerBound - 32..<small.upperBound - 32) }
        }
        return CharacterRanges(more)
    }

    /// A named class in collation "C". Nil for a name that there is not.
    static func named(_ name: String) -> CharacterRanges? {
        switch name {
        case "digit": CharacterRanges([0x30..<0x3a])
        case "upper": CharacterRanges([0x41..<0x5b])
        case "lower": CharacterRanges([0x61..<0x7b])
        case "alpha": CharacterRanges([0x41..<0x5b, 0x61..<0x7b])
        case "alnum": CharacterRanges([0x30..<0x3a, 0x41..<0x5b, 0x61..<0x7b])
        case "word": CharacterRanges([0x30..<0x3a, 0x41..<0x5b, 0x5f..<0x60, 0x61..<0x7b])
        case "space": CharacterRanges([0x09..<0x0e, 0x20..<0x21])
        case "blank": CharacterRanges([0x09..<0x0a, 0x20..<0x21])
        case "punct": CharacterRanges([0x21..<0x30, 0x3a..<0x41, 0x5b..<0x61, 0x7b..<0x7f])
        case "graph": CharacterRanges([0x21..<0x7f])
        case "print": CharacterRanges([0x20..<0x7f])
        case "cntrl": CharacterRanges([0..<0x20, 0x7f..<0xa0])
        case "xdigit": CharacterRanges([0x30..<0x3a, 0x41..<0x47, 0x61..<0x67])
        case "ascii": CharacterRanges([0..<0x80])
        default: nil
        }
    }
}
