import ArgumentParser

/// What every command that works on a pipeline takes.
struct PipelineOptions: ParsableArguments {
    @Option(name: .customLong("pipeline"), help: ArgumentHelp("The pipeline's folder.", valueName: "dir"), completion: .directory)
    var folder = "."

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override a setting of parallax.yaml. May be given several times.", valueName: "key=value"))
    var settings: [String] = []

    func pipeline() throws -> Pipeline { try Pipeline(folder: folder, flags: settings) }
}

/// The first lines of every command's help: what it does, then an example that works.
func discussion(_ text: String, example: String...) -> String {
    text + (text.isEmpty ? "" : "\n\n") + "Example:\n" + example.map { "  \($0)" }.joined(separator: "\n")
}
