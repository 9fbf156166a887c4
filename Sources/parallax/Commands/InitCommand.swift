import ArgumentParser
import Foundation
import ParallaxCore

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a pipeline: a commented parallax.yaml and an example of a source and its views.",
        discussion: discussion(
            """
            Writes parallax.yaml, page_view.sql and .gitignore. Files that are there already are never overwritten. Where there are definitions already, \
            only a parallax.yaml is written, without demo traffic: their sources are real ones.
            """, example: "parallax init demo && parallax up --pipeline demo"))

    @Argument(help: ArgumentHelp("The folder; it is made where it is missing.", valueName: "dir"), completion: .directory)
    var folder: String

    func run() throws {
        let path = Pipeline.absolutePath(folder)
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ParallaxError(.disk, "cannot make the folder \"\(folder)\"", detail: error.localizedDescription)
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let hasDefinitions = names.contains { $0.hasSuffix(".sql") }
        let hasState = names.contains(Pipeline.stateFolderName)
        var files = [
            (Pipeline.configurationFileName, Configuration.example(hasDefinitions || hasState ? [:] : ["generator.source": "page_view"]))
        ]
        if !hasDefinitions { files.append(("page_view.sql", ExampleDefinitions.pageView)) }
        // Somebody's own, where there is one beside definitions, says what it says.
        if !hasDefinitions || !names.contains(".gitignore") { files.append((".gitignore", "\(Pipeline.stateFolderName)/\n")) }
        let existing = files.map(\.0).filter(names.contains)
        guard existing.isEmpty else {
            throw ParallaxError(
                .usage, "\"\(folder)\" has \(existing.joined(separator: " and ")) already; nothing was written",
                hint: "name another folder, or move the files away")
        }
        for (name, text) in files {
            do {
                try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
            } catch {
                throw ParallaxError(.disk, "cannot write \"\(folder)/\(name)\"", detail: error.localizedDescription)
            }
            Terminal.print("wrote \(folder)/\(name)")
        }
        Terminal.note("next: \(Pipeline.program) up --pipeline \(shellQuoted(folder))")
    }
}
