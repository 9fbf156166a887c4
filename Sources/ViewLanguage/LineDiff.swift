/// What must be taken from one text and added to it to make another, line by line.
public struct LineDiff: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable { case same, removed, added }
    public struct Line: Hashable, Sendable {
        public var kind: Kind
        public var text: String
        public init(_ kind: Kind, _ text: String) {
            self.kind = kind
            self.text = text
        }
        /// As diff shows it: `- `, `+ ` or two spaces before it.
        public var shown: String {
            switch kind {
            case .same: "  \(text)"
            case .removed: "- \(text)"
            case .added: "+ \(text)"
            }
        }
    }

    public private(set) var lines: [Line] = []

    public var isEmpty: Bool { lines.allSatisfy { $0.kind == .same } }

    /// Keeps the longest common subsequence; where lines change, those that go come first. Time and space grow with the product of the
    /// lengths: definitions have hundreds of lines at most (`LanguageLimits`).
    public init(from old: [String], to new: [String]) {
        // common[i][j]: the longest common subsequence of old[i...] and new[j...].
        var common = [[Int]](repeating: [Int](repeating: 0, count: new.count + 1), count: old.count + 1)
        for i in old.indices.reversed() {
            for j in new.indices.reversed() {
                common[i][j] = old[i] == new[j] ? common[i + 1][j + 1] + 1 : max(common[i + 1][j], common[i][j + 1])
            }
        }
        var (i, j) = (0, 0)
        while i < old.count || j < new.count {
            if i < old.count, j < new.count, old[i] == new[j] {
                lines.append(Line(.same, old[i]))
                (i, j) = (i + 1, j + 1)
            } else if i < old.count, j == new.count || common[i + 1][j] >= common[i][j + 1] {
                lines.append(Line(.removed, old[i]))
                i += 1
            } else {
                lines.append(Line(.added, new[j]))
                j += 1
            }
        }
    }
}
