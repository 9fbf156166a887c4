/// The candidate that a misspelt name most likely means: the one with the smallest edit distance, where that is at most a third of its length
/// (and at least one slip is always forgiven). Nil where nothing is near.
func nearestName(to name: String, among candidates: [String]) -> String? {
    let wanted = Array(name.lowercased())
    var best: (distance: Int, name: String)?
    for candidate in candidates {
        let distance = editDistance(wanted, Array(candidate.lowercased()))
        guard distance <= max(1, max(wanted.count, candidate.count) / 3) else { continue }
        if best == nil || distance < (best?.distance ?? .max) { best = (distance, candidate) }
    }
    return best?.name
}

/// Insertions, deletions, substitutions and swaps of neighbours ("optimal string alignment").
func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var before: [Int] = []
    var previous = Array(0...b.count)
    for i in 0..<a.count {
        var current = [i + 1]
        for j in 0..<b.count {
            var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
            current.append(cost)
        }
        before = previous
        previous = current
    }
    return previous[b.count]
}
