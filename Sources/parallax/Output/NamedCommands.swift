import ArgumentParser
import ParallaxCore
import Synchronization

/// Commands that messages name, so that they work where they are pasted. Whoever raises an error knows neither the pipeline's folder nor how the user
/// called us.
enum NamedCommands {
    private static let flag = Mutex("")

    /// What the user said about the pipeline, as `Pipeline.pipelineFlag` has it.
    static func use(pipelineFlag: String) { flag.withLock { $0 = pipelineFlag } }

    /// `run parallax batch run` becomes `run parallax batch run --pipeline demo`; a command that names its pipeline stays as it is.
    static func completed(_ text: String) -> String { completed(text, flag: flag.withLock { $0 }, program: Pipeline.program) }

    static func completed(_ text: String, flag: String, program: String) -> String {
        var output = ""
        var rest = text[...]
        while let match = rest.firstMatch(of: /\bparallax ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/) {
            let before = rest[..<match.range.lowerBound]
            let first = String(match.1)
            guard let subcommands = known[first], before.last != "/" else {
                output += rest[..<match.1.startIndex]
                rest = rest[match.1.startIndex...]
                continue
            }
            let isNested = match.2.map { subcommands.contains(String($0)) } ?? false
            let end = isNested ? match.range.upperBound : match.1.endIndex
            rest = rest[end...]
            // Up to the next command, or the sentence's end.
            let own = rest.prefix(upTo: rest.firstRange(of: /parallax |[;\n]/)?.lowerBound ?? rest.endIndex)
            let words = isNested ? "\(first) \(match.2 ?? "")" : first
            output += "\(before)\(program) \(words)\(own.contains("--pipeline") ? "" : flag)"
        }
        return output + rest
    }

    /// Those that take --pipeline, with their subcommands.
    private static let known: [String: Set<String>] = {
        func name(_ command: any ParsableCommand.Type) -> String { command.configuration.commandName ?? "" }
        let others: Set = [name(InitCommand.self), name(VersionCommand.self)]
        let all = Parallax.configuration.subcommands.map { (name($0), Set($0.configuration.subcommands.map(name))) }
        return Dictionary(uniqueKeysWithValues: all).filter { !others.contains($0.key) }
    }()
}

extension ParallaxError {
    /// As people read it.
    var completed: ParallaxError {
        var error = self
        error.detail = detail.map(NamedCommands.completed)
        error.hint = hint.map(NamedCommands.completed)
        return error
    }
}
