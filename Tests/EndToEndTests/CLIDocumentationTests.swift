import Foundation
import ParallaxCore
import TestSupport
import Testing

@testable import parallax

/// The reference says what the program does: the same commands, options, keys, defaults and numbers, no more and no less.
@Suite struct CLIDocumentationTests {
    private static func document(_ path: String) throws -> String {
        let root = (0..<3).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent }
        return try String(contentsOfFile: "\(root)/docs/\(path)", encoding: .utf8)
    }

    @Test func everyKeyIsDocumentedWithItsDefaultAndViceVersa() throws {
        let text = try Self.document("reference/configuration.md")
        var documented: [String: String] = [:]
        for match in text.matches(of: /\n\| `([a-z]+\.[a-z_.]+)` \| (?:`([^`]*)`|not set) \|/) {
            documented[String(match.1)] = String(match.2 ?? "")
        }
        let keys = Dictionary(uniqueKeysWithValues: ConfigurationKey.all.map { ($0.path, $0.defaultText) })
        #expect(documented == keys)
    }

    @Test func everyCommandIsDocumentedWithItsOptionsAndViceVersa() throws {
        struct Help: Decodable { var command: Command }
        struct Command: Decodable {
            var commandName: String
            var subcommands: [Command]?
            var arguments: [Argument]?
        }
        struct Argument: Decodable {
            var names: [Name]?
        }
        struct Name: Decodable {
            var kind: String
            var name: String
        }
        let dumped = try CLIProgram.run("--experimental-dump-help")
        let help = try JSONDecoder().decode(Help.self, from: Data(dumped.output.utf8))
        var commands: [String: Set<String>] = [:]
        func walk(_ command: Command, _ path: String) {
            let inner = (command.subcommands ?? []).filter { $0.commandName != "help" }
            if inner.isEmpty {
                let names = (command.arguments ?? []).flatMap { $0.names ?? [] }.filter { $0.kind == "long" }.map(\.name)
                commands[path] = Set(names).subtracting(["help", "version", "pipeline", "set"])
            }
            for next in inner { walk(next, "\(path) \(next.commandName)") }
        }
        walk(help.command, "parallax")
        #expect(commands.count >= 17)

        var documented: [String: Set<String>] = [:]
        for section in try Self.document("reference/commands.md").components(separatedBy: "\n## `").dropFirst() {
            let heading = section.prefix { $0 != "`" }
            let words = heading.split(separator: " ").prefix { $0.first?.isLowercase == true }
            documented[words.joined(separator: " ")] = Set(section.matches(of: /\n\| .*`--([a-z-]+)/).map { String($0.1) })
        }
        #expect(documented == commands)
    }

    @Test func everyCommandHasHelpWithAnExample() throws {
        struct Help: Decodable { var command: Command }
        struct Command: Decodable {
            var commandName: String
            var discussion: String?
            var subcommands: [Command]?
        }
        let dumped = try CLIProgram.run("--experimental-dump-help")
        var count = 0
        func walk(_ command: Command, _ path: String) {
            count += 1
            let example = (command.discussion ?? "").components(separatedBy: "Example:\n").dropFirst().first
            #expect(example?.contains("parallax ") == true, "\(path)")
            for next in command.subcommands ?? [] where next.commandName != "help" { walk(next, "\(path) \(next.commandName)") }
        }
        walk(try JSONDecoder().decode(Help.self, from: Data(dumped.output.utf8)).command, "parallax")
        #expect(count > 30)
        #expect(try CLIProgram.run("help", "ingest").output.contains("Example:\n"))
    }

    @Test func everyExitCodeIsDocumented() throws {
        let text = try Self.document("reference/exit-codes.md")
        var documented: [String: Int32] = [:]
        for match in text.matches(of: /\n\| (\d+) \| `(\w+)` \|/) { documented[String(match.2)] = Int32(match.1) }
        #expect(documented == Dictionary(uniqueKeysWithValues: ParallaxError.Code.allCases.map { ($0.rawValue, ExitStatus.of($0)) }))
    }
}
