/// One finding of the compiler, with its place, as people and programs see it.
public struct Diagnostic: Hashable, Sendable, Codable {
    public enum Severity: String, Hashable, Sendable, Codable { case error, warning }

    public var severity: Severity
    public var file: String
    /// From 1.
    public var line: Int
    /// From 1, in characters (Unicode scalars, as PostgreSQL counts them).
    public var column: Int
    /// In PostgreSQL's words where it has them.
    public var message: String
    /// The whole line in which the place lies, without its line end.
    public var sourceLine: String
    /// What to write instead, or which names there are.
    public var hint: String?

    public init(
        severity: Severity, file: String, line: Int, column: Int, message: String, sourceLine: String, hint: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.sourceLine = sourceLine
        self.hint = hint
    }
}
