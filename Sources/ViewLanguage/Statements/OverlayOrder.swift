/// Overlays in an order in which each stands after those that it reads; in the order of the text where that leaves a choice.
struct OverlayOrder {
    /// Sorted, as far as no cycle forbids it.
    private(set) var sorted: [OverlayDefinition] = []
    /// Names that read one another in a circle, or read one of those.
    private(set) var inCycle: [String] = []

    init(_ overlays: [OverlayDefinition]) {
        let names = Set(overlays.map(\.name))
        var placed: Set<String> = []
        var rest = overlays
        while !rest.isEmpty {
            guard let next = rest.firstIndex(where: { $0.reads.allSatisfy { !names.contains($0) || placed.contains($0) } }) else { break }
            placed.insert(rest[next].name)
            sorted.append(rest.remove(at: next))
        }
        inCycle = rest.map(\.name)
    }
}
