/// `window_start`, `window_end` and `<alias>_end`: the bounds of a view's window by name. A column of what is read goes before them.
extension ViewCompiler {
    enum WindowBound { case start, end }

    /// By its looks: only with the window known does it turn out.
    static func mayHoldWindowBound(_ node: SyntaxNode, _ scope: Scope) -> Bool {
        node.contains { part in
            guard part.key == "ColumnRef", let name = boundName(part, scope) else { return false }
            return name == "window_start" || name.hasSuffix("_end")
        }
    }

    static func windowBound(_ body: SyntaxNode, _ window: Plan.Window, _ scope: Scope) -> WindowBound? {
        switch boundName(body, scope) {
        case "window_start": .start
        case "window_end", "\(window.name)_end": .end
        default: nil
        }
    }

    private static func boundName(_ body: SyntaxNode?, _ scope: Scope) -> String? {
        guard let names = body?["fields"]?.names, names.count == 1, !scope.hasColumn(named: names[0]) else {
            return nil
        }
        return names[0]
    }
}
