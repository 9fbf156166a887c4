/// Why a part of a statement does not compile, before it is known how it will be shown.
/// `offset` counts bytes in the file.
struct Refusal: Error, Hashable {
    var offset: Int
    var message: String
    var hint: String?
    /// True where the cause is an error that is reported already: nothing more is said.
    var isConsequence = false

    init(_ offset: Int, _ message: String, hint: String? = nil) {
        self.offset = offset
        self.message = message
        self.hint = hint
    }

    static func consequence(at offset: Int) -> Refusal {
        var refusal = Refusal(offset, "not compiled because of an earlier error")
        refusal.isConsequence = true
        return refusal
    }
}

/// The errors of a compilation, up to the limit.
final class DiagnosticCollector {
    private(set) var diagnostics: [Diagnostic] = []
    /// Also true where the only error was the consequence of another.
    private(set) var hasErrors = false
    var isFull: Bool { diagnostics.count >= LanguageLimits.diagnostics }

    func report(_ refusal: Refusal, in source: SourceText) {
        hasErrors = true
        guard !refusal.isConsequence, !isFull else { return }
        let place = source.place(of: refusal.offset)
        let diagnostic = Diagnostic(
            severity: .error, file: source.path, line: place.line, column: place.column, message: Self.oneLine(refusal.message),
            sourceLine: place.text, hint: refusal.hint.map(Self.oneLine))
        // A clause may be compiled twice (BETWEEN, a repeated item): one mistake is one error.
        if !diagnostics.contains(diagnostic) { diagnostics.append(diagnostic) }
        if isFull {
            diagnostics[diagnostics.count - 1].hint = "that makes \(LanguageLimits.diagnostics) errors; the rest is not shown"
        }
    }
}

extension DiagnosticCollector {
    /// Messages quote constants and names, which may hold line ends and be as long as a statement.
    private static func oneLine(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(500) {
            line.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
        }
        if text.unicodeScalars.count > 500 { line.append("…") }
        return String(line)
    }
}

/// One statement's errors. A class, so that the parts of a statement can be compiled one by one and none hides the others' errors.
final class StatementReporter {
    private let source: SourceText
    private let collector: DiagnosticCollector
    /// False once a part of the statement was in error.
    private(set) var isSound = true

    init(_ source: SourceText, _ collector: DiagnosticCollector) {
        self.source = source
        self.collector = collector
    }

    func report(_ refusal: Refusal) {
        isSound = false
        collector.report(refusal, in: source)
    }

    /// Nil, with the error reported, where the part does not compile.
    func attempt<Answer>(_ part: () throws(Refusal) -> Answer) -> Answer? {
        do { return try part() } catch {
            report(error)
            return nil
        }
    }

    func check(_ part: () throws(Refusal) -> Void) { _ = attempt(part) }
}
