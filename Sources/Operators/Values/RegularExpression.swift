import ViewLanguage

/// Whether a text has a match of a regular expression anywhere: in time linear in the text, whatever the pattern.
///
/// The pattern becomes a nondeterministic automaton (Thompson, "Regular Expression Search Algorithm", 1968), whose sets of states become the
/// states of a deterministic one as texts ask for them. Characters that no set of the pattern tells apart share a column of its table.
/// Not safe to share between threads: matching fills the table.
final class RegularExpression {
    private enum Node {
        case characters(Int, next: Int)
        case split([Int])
        case start(next: Int)
        case end(next: Int)
        case accept
    }

    private var nodes: [Node] = []
    private var sets: [CharacterRanges] = []
    private var entry = 0

    /// Where the column of characters changes, ascending; `columnsOfASCII` for most of them.
    private var boundaries: [UInt32] = []
    private var columnsOfASCII: [Int] = []
    /// For each set and column whether the set has its characters.
    private var isMember: [[Bool]] = []

    /// Sets of nodes, each with its row in the table; -1 where a step was not taken yet.
    private var states: [[Int]] = []
    private var numbers: [[Int]: Int] = [:]
    private var table: [Int] = []
    private var accepts: [Bool] = []

    /// Room that the states, their numbers and the table take. Above the limit all of that begins anew, also in the middle of a text: memory stays
    /// within some megabytes, and time within that of building it.
    private(set) var bytes = 0
    static let mostBytes = 4 << 20
    var nodeCount: Int { nodes.count }
    /// About what the automaton itself takes.
    var fixedBytes: Int { nodes.count * MemoryLayout<Node>.stride + sets.count * (boundaries.count + 100) }

    init(_ syntax: RegularExpressionSyntax) {
        entry = build(syntax) { self.add(.accept) }
        partition()
        restart()
    }

    /// Sets that are alike share a number: a{1000} has one.
    private var numbersOfSets: [CharacterRanges: Int] = [:]

    private func number(of set: CharacterRanges) -> Int {
        if let known = numbersOfSets[set] { return known }
        sets.append(set)
        numbersOfSets[set] = sets.count - 1
        return sets.count - 1
    }

    private func add(_ node: Node) -> Int {
        nodes.append(node)
        return nodes.count - 1
    }

    /// The first node of what matches the syntax and goes on with what `then` makes.
    private func build(_ syntax: RegularExpressionSyntax, then: () -> Int) -> Int {
        switch syntax {
        case .start: return add(.start(next: then()))
        case .end: return add(.end(next: then()))
        case .characters(let set):
            let next = then()
            return add(.characters(number(of: set), next: next))
        case .sequence(let parts):
            var next = then()
            for part in parts.reversed() {
                let after = next
                next = build(part) { after }
            }
            return next
        case .choice(let parts):
            let after = then()
            return add(.split(parts.map { build($0) { after } }))
        case .repeated(let part, let from, let to):
            let end = then()
            var next = end
            if let to {
                // x{0,2} is (x(x)?)?: each way out leads to the end.
                for _ in from..<max(from, to) {
                    let after = next
                    next = add(.split([build(part) { after }, end]))
                }
            } else {
                let loop = add(.split([]))
                let first = build(part) { loop }
                nodes[loop] = .split([first, end])
                next = loop
            }
            for _ in 0..<from {
                let after = next
                next = build(part) { after }
            }
            return next
        }
    }

    private func partition() {
        boundaries = Set(sets.flatMap { $0.ranges.flatMap { [$0.lowerBound, $0.upperBound] } } + [0]).sorted()
        columnsOfASCII = (0..<128).map { column(of: UInt32($0)) }
        isMember = sets.map { set in
            // Both ascend.
            var rest = set.ranges[...]
            return boundaries.map { low in
                while let range = rest.first, range.upperBound <= low { rest.removeFirst() }
                return rest.first.map { $0.contains(low) } ?? false
            }
        }
    }

    /// The last boundary at or below the character.
    private func column(of scalar: UInt32) -> Int {
        var (low, high) = (0, boundaries.count)
        while low < high {
            let middle = (low + high) / 2
            if boundaries[middle] <= scalar { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    private func restart() {
        (states, numbers, table, accepts, bytes) = ([], [:], [], [], 0)
        // State 0 stands at the start of a text.
        _ = number(of: closure([entry], atStart: true, atEnd: false), isStart: true)
    }

    /// What is reached without a character. Ends stay in the set: the text may end here.
    private func closure(_ from: [Int], atStart: Bool, atEnd: Bool) -> [Int] {
        var reached: Set<Int> = []
        var pending = from
        while let index = pending.popLast() {
            guard reached.insert(index).inserted else { continue }
            switch nodes[index] {
            case .split(let nexts): pending += nexts
            case .start(let next): if atStart { pending.append(next) }
            case .end(let next): if atEnd { pending.append(next) }
            case .characters, .accept: break
            }
        }
        return reached.sorted()
    }

    private func number(of set: [Int], isStart: Bool = false) -> Int {
        if !isStart, let known = numbers[set] { return known }
        // The set and its hash table's copy share their elements.
        bytes += (set.count + boundaries.count) * MemoryLayout<Int>.stride + 100
        states.append(set)
        if !isStart { numbers[set] = states.count - 1 }
        table += [Int](repeating: -1, count: boundaries.count)
        accepts.append(set.contains { if case .accept = nodes[$0] { true } else { false } })
        return states.count - 1
    }

    private func step(_ state: Int, _ column: Int) -> Int {
        var nexts: [Int] = []
        for index in states[state] {
            if case .characters(let set, let next) = nodes[index], isMember[set][column] { nexts.append(next) }
        }
        // A match may begin at any character.
        let next = closure(nexts + [entry], atStart: false, atEnd: false)
        guard bytes <= Self.mostBytes else {
            // The state that was left has no number any more; the one that is reached gets the first.
            restart()
            return number(of: next)
        }
        let target = number(of: next)
        table[state * boundaries.count + column] = target
        return target
    }

    func matches(_ text: UTF8Text.Bytes) -> Bool {
        var state = 0
        var at = 0
        if accepts[state] { return true }
        while at < text.count {
            let lead = text[at]
            let column: Int
            if lead < 0x80 {
                column = columnsOfASCII[Int(lead)]
                at += 1
            } else {
                let width = UTF8Text.width(lead)
                var scalar = UInt32(lead) & (width == 2 ? 0x1f : width == 3 ? 0x0f : 0x07)
                for index in 1..<width where at + index < text.count { scalar = scalar << 6 | UInt32(text[at + index] & 0x3f) }
                column = self.column(of: scalar)
                at += width
            }
            let known = table[state * boundaries.count + column]
            state = known >= 0 ? known : step(state, column)
            if accepts[state] { return true }
        }
        let atEnd = closure(states[state], atStart: text.isEmpty, atEnd: true)
        return atEnd.contains { if case .accept = nodes[$0] { true } else { false } }
    }
}
