/// Makes a failing case as small as it fails still: one view, few records, few parts. Greedy, with a limit on trials: each takes a second.
struct GeneratedShrinker {
    /// Trials of one shrinking.
    static let mostTrials = 120

    private var trials = 0
    private let fails: (GeneratedCase) -> Bool

    init(_ fails: @escaping (GeneratedCase) -> Bool) { self.fails = fails }

    mutating func shrunk(_ failing: GeneratedCase, view name: String) -> GeneratedCase {
        // A failure of a whole layer ("*") is some view's.
        let candidates = failing.views.filter { name == "*" || $0.name == name }.map { view in
            var candidate = failing
            candidate.views = [view]
            return candidate
        }
        guard var best = candidates.first(where: { attempt($0) }) else { return failing }
        dropRecords(&best)
        dropParts(&best)
        dropRecords(&best)
        return best
    }

    private mutating func attempt(_ candidate: GeneratedCase) -> Bool {
        guard trials < Self.mostTrials else { return false }
        trials += 1
        return fails(candidate)
    }

    /// Halves, quarters, and so on, down to single records.
    private mutating func dropRecords(_ best: inout GeneratedCase) {
        var length = max(1, best.records.count / 2)
        while true {
            var start = 0
            while start < best.records.count {
                let range = start..<min(best.records.count, start + length)
                var candidate = best
                candidate.records.removeSubrange(range)
                candidate.cut -= range.clamped(to: 0..<best.cut).count
                if attempt(candidate) { best = candidate } else { start += length }
            }
            if length == 1 || trials >= Self.mostTrials { return }
            length /= 2
        }
    }

    private mutating func dropParts(_ best: inout GeneratedCase) {
        func simpler(_ view: GeneratedView) -> [GeneratedView] {
            var candidates: [GeneratedView] = []
            func add(_ change: (inout GeneratedView) -> Void) {
                var candidate = view
                change(&candidate)
                if candidate != view { candidates.append(candidate) }
            }
            add { $0.filter = nil }
            add { $0.having = nil }
            add { $0.expressions = [] }
            add { $0.options = nil }
            add { $0.windowEnd = nil }
            add {
                $0.window = nil
                $0.windowEnd = nil
                $0.sessionGap = nil
            }
            for index in view.groups.indices { add { $0.groups.remove(at: index) } }
            if view.measures.count > 1 { for index in view.measures.indices { add { $0.measures.remove(at: index) } } }
            return candidates
        }
        var isSmaller = true
        while isSmaller {
            isSmaller = false
            for view in simpler(best.views[0]) {
                var candidate = best
                candidate.views = [view]
                if attempt(candidate) {
                    best = candidate
                    isSmaller = true
                    break
                }
            }
        }
    }
}
