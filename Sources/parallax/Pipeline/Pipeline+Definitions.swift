import Disk
import Foundation
import ParallaxCore
import ViewLanguage

extension Pipeline {
    /// The pipeline's `*.sql` files, by name.
    func definitionFiles() throws(ParallaxError) -> [SQLFile] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasSuffix(".sql") && !$0.hasPrefix(".") }.sorted()
        guard !names.isEmpty else {
            throw ParallaxError(
                .missing, "the pipeline \"\(shownFolder)\" has no definitions: no *.sql file",
                hint: "write one; parallax init DIR makes an example")
        }
        var files: [SQLFile] = []
        for name in names {
            let shown = shownFolder == "." ? name : "\(shownFolder)/\(name)"
            files.append(SQLFile(path: shown, bytes: try Disk.read("\(folder)/\(name)")))
        }
        return files
    }

    /// Compiles all definitions. Throws `ReportedProblems` with every error in them; warnings go to standard error.
    func definitions() throws -> Definitions {
        let compilation = compile(try definitionFiles())
        let errors = compilation.diagnostics.filter { $0.severity == .error }
        for warning in compilation.diagnostics where warning.severity == .warning { Terminal.note(warning.rendered) }
        guard errors.isEmpty, let definitions = compilation.definitions else {
            throw ReportedProblems(code: .definition, texts: errors.map(\.rendered))
        }
        return definitions
    }
}

extension Definitions {
    /// Throws `.usage` with the nearest name where there is no such source.
    func source(named name: String) throws(ParallaxError) -> SourceDefinition {
        if let source = sources.first(where: { $0.name == name }) { return source }
        throw ParallaxError(
            .usage, "there is no source \"\(name)\"",
            detail: sources.isEmpty
                ? "The definitions have no source at all."
                : "Sources: \(sources.map(\.name).joined(separator: ", ")).",
            hint: nearestName(to: name, among: sources.map(\.name)).map(didYouMean))
    }
}
