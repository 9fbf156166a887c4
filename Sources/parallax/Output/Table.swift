/// Rows for people: aligned columns with a head, as psql draws them without borders.
struct Table {
    enum Alignment { case left, right }

    var head: [String]
    var alignments: [Alignment]
    var rows: [[String]] = []

    init(_ columns: (String, Alignment)...) {
        head = columns.map(\.0)
        alignments = columns.map(\.1)
    }

    init(head: [String], alignments: [Alignment], rows: [[String]] = []) {
        precondition(head.count == alignments.count, "\(head.count) columns, \(alignments.count) alignments")
        self.head = head
        self.alignments = alignments
        self.rows = rows
    }

    /// No line ends in spaces; a cell's line breaks show as `\n`.
    func text() -> String {
        let cells = rows.map { $0.map { $0.replacing("\n", with: "\\n").replacing("\t", with: "\\t") } }
        var widths = head.map(\.displayWidth)
        for row in cells {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.displayWidth) }
        }
        func line(_ row: [String]) -> String {
            let parts = row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.displayWidth)
                return alignments[column] == .right ? space + cell : cell + space
            }
            var text = parts.joined(separator: "  ")
            while text.hasSuffix(" ") { text.removeLast() }
            return text + "\n"
        }
        let rule = line(widths.map { String(repeating: "-", count: $0) })
        return line(head) + rule + cells.map(line).joined()
    }
}

extension String {
    /// Columns on a terminal: East Asian wide characters and emoji take two. An approximation by blocks of Unicode.
    var displayWidth: Int {
        var width = 0
        for character in self {
            guard let scalar = character.unicodeScalars.first else { continue }
            switch scalar.value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
                0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
                width += 2
            default: width += 1
            }
        }
        return width
    }
}
