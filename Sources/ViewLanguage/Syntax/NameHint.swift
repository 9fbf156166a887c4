import ParallaxCore

/// `did you mean "page"?`, or the names that there are, or nothing where there are too many to print.
func nameHint(for name: String, among candidates: [String], listedAs what: String) -> String? {
    if let nearest = nearestName(to: name, among: candidates) { return "did you mean \"\(nearest)\"?" }
    guard !candidates.isEmpty, candidates.count <= 20 else { return nil }
    return "\(what): \(candidates.joined(separator: ", "))"
}
