/// What the definitions of a pipeline compile to, or everything that is wrong with them.
public struct Compilation: Hashable, Sendable {
    /// Nil where there is an error.
    public var definitions: Definitions?
    /// What was found in all files, sorted by file and then by place.
    public var diagnostics: [Diagnostic]

    public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    public init(definitions: Definitions?, diagnostics: [Diagnostic]) {
        self.definitions = definitions
        self.diagnostics = diagnostics
    }
}

/// Compiles the definitions of a pipeline. All files are one text in many parts: any may use what any other defines.
///
/// Reports all errors of all statements, not only the first; pure, and safe on any text (see `LanguageLimits`).
/// Blocks while it works, on a thread of its own.
public func compile(_ files: [SQLFile]) -> Compilation {
    ParserThread.run {
        var compiler = PipelineCompiler()
        return compiler.compile(files)
    }
}
