extension Diagnostic {
    /// As a compiler prints it: place and message, the source line, a caret under the place, and the hint. No trailing line end.
    ///
    ///     views.sql:12:8: error: column "pge" does not exist
    ///        12 | SELECT pge, count(*) FROM page_view
    ///           |        ^
    ///     hint: did you mean "page"?
    public var rendered: String {
        let (excerpt, caretIndex) = excerpt(around: column - 1)
        let number = String(line)
        let margin = String(repeating: " ", count: max(0, Self.marginWidth - number.count))
        var text = "\(file):\(line):\(column): \(severity.rawValue): \(message)\n"
        text += "\(margin)\(number) | \(String(String.UnicodeScalarView(excerpt.map(Self.printable))))\n"
        text += String(repeating: " ", count: max(Self.marginWidth, number.count)) + " | "
        for scalar in excerpt.prefix(caretIndex) {
            // A tab stays a tab, so that it reaches as far as the one above it.
            text += scalar == "\t" ? "\t" : String(repeating: " ", count: Self.cells(scalar))
        }
        text += "^"
        if let hint { text += "\nhint: \(hint)" }
        return text
    }

    private static let marginWidth = 5
    /// Longer lines are shown in part.
    private static let excerptLength = 160

    /// The part of the line that is shown, and where in it the caret stands.
    private func excerpt(around index: Int) -> ([Unicode.Scalar], caret: Int) {
        let scalars = Array(sourceLine.unicodeScalars)
        let index = min(max(0, index), scalars.count)
        guard scalars.count > Self.excerptLength else { return (scalars, index) }
        let start = max(0, min(index - Self.excerptLength / 2, scalars.count - Self.excerptLength))
        var part = Array(scalars[start..<start + Self.excerptLength])
        if start > 0 { part[0] = "…" }
        if start + Self.excerptLength < scalars.count { part[part.count - 1] = "…" }
        return (part, index - start)
    }

    /// Control characters would act on the terminal.
    private static func printable(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        scalar != "\t" && scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar
    }

    /// How many cells of a terminal a character takes: none for combining marks, two for East Asian wide ones and emoji
    /// (Unicode Standard Annex 11, its main ranges), else one.
    private static func cells(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
