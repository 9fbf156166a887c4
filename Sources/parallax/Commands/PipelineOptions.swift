import ArgumentParser
import Foundation
import ViewLanguage

/// What every command that works on a pipeline takes.
struct PipelineOptions: ParsableArguments {
    @Option(
        name: .customLong("pipeline"),
        help: ArgumentHelp("The pipeline's folder. Without it: what PARALLAX_PIPELINE says, or the current one.", valueName: "dir"),
        completion: .directory)
    var named: String?

    static let environmentVariable = "PARALLAX_PIPELINE"

    var folder: String { named ?? Self.folderOfEnvironment ?? "." }

    /// Empty is the same as not set, as a shell's `PARALLAX_PIPELINE= parallax …` means it.
    static var folderOfEnvironment: String? {
        ProcessInfo.processInfo.environment[environmentVariable].flatMap { $0.isEmpty ? nil : $0 }
    }

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override a setting of parallax.yaml. May be given several times.", valueName: "key=value"))
    var settings: [String] = []

    func pipeline() throws -> Pipeline {
        // First: what is wrong with the pipeline names commands, too.
        NamedCommands.use(pipelineFlag: Pipeline.pipelineFlag(folder))
        return try Pipeline(folder: folder, flags: settings)
    }
}

/// The first lines of every command's help: what it does, then an example that works.
func discussion(_ text: String, example: String...) -> String {
    text + (text.isEmpty ? "" : "\n\n") + "Example:\n" + example.map { "  \($0)" }.joined(separator: "\n")
}

/// What a shell offers for an argument: the names that the pipeline's definitions have.
enum PipelineNames {
    static func complete(_ words: [String], _ names: KeyPath<Names, [String]>) -> [String] {
        var folder = PipelineOptions.folderOfEnvironment ?? "."
        for (index, word) in words.enumerated() {
            if word == "--pipeline", index + 1 < words.count { folder = words[index + 1] }
            if word.hasPrefix("--pipeline=") { folder = String(word.dropFirst("--pipeline=".count)) }
        }
        // Whatever is wrong with the pipeline, a completion says nothing of it.
        guard let pipeline = try? Pipeline(folder: folder, environment: [:]), let files = try? pipeline.definitionFiles(),
            let definitions = compile(files).definitions
        else { return [] }
        return Names(definitions)[keyPath: names]
    }

    struct Names {
        let sources: [String]
        let views: [String]
        /// Those that have versions.
        let materialized: [String]
        let tables: [String]

        init(_ definitions: Definitions) {
            sources = definitions.sources.map(\.name)
            materialized = definitions.views.map(\.name)
            views = materialized + definitions.overlays.map(\.name)
            tables = definitions.dimensions.map(\.name)
        }
    }
}

extension CompletionKind {
    static var sourceNames: CompletionKind { .custom { words, _, _ in PipelineNames.complete(words, \.sources) } }
    static var viewNames: CompletionKind { .custom { words, _, _ in PipelineNames.complete(words, \.views) } }
    /// The views that have versions: materialized ones.
    static var materializedNames: CompletionKind { .custom { words, _, _ in PipelineNames.complete(words, \.materialized) } }
    static var tableNames: CompletionKind { .custom { words, _, _ in PipelineNames.complete(words, \.tables) } }
}
