/// The name that was probably meant: few edits away, counted with swaps of neighbours as one (optimal string alignment),
/// ignoring case. Nil where none is near.
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.lowercased().unicodeScalars)
    let allowed = max(1, wanted.count / 3)
    var best: (distance: Int, name: String)?
    for candidate in candidates {
        let scalars = Array(candidate.lowercased().unicodeScalars)
        guard abs(scalars.count - wanted.count) <= allowed else { continue }
        let distance = editDistance(wanted, scalars)
        if distance <= allowed, distance < best?.distance ?? .max { best = (distance, candidate) }
    }
    return best?.name
}

private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
        var row = [i]
        for j in 1...b.count {
            var cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { cost = min(cost, beforeLast[j - 2] + 1) }
            row.append(cost)
        }
        beforeLast = last
        last = row
    }
    return last[b.count]
}

/// The question that every message with a nearest name ends in.
public func didYouMean(_ name: String) -> String { "did you mean \"\(name)\"?" }

/// `did you mean "page"?`, or the names that there are, or nothing where there are too many to print.
public func nameHint(for name: String, among candidates: [String], listedAs what: String) -> String? {
    if let nearest = nearestName(to: name, among: candidates) { return didYouMean(nearest) }
    guard !candidates.isEmpty, candidates.count <= 20 else { return nil }
    return "\(what): \(candidates.joined(separator: ", "))"
}
