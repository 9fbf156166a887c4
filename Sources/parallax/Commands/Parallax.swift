import ArgumentParser
import Foundation
import KafkaLog
import ParallaxCore

/// The version of this source tree.
let parallaxVersion = "0.1.0"

struct Parallax: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parallax",
        abstract: "Live and exact views over a stream of events, merged in PostgreSQL.",
        discussion: discussion(
            "A pipeline is a folder: parallax.yaml and *.sql. Every command takes --pipeline DIR; the default is the current folder.",
            example: "parallax init demo", "parallax up --pipeline demo"),
        version: parallaxVersion,
        subcommands: [
            InitCommand.self, CheckCommand.self, ApplyCommand.self, DiffCommand.self, PromoteCommand.self, AbandonCommand.self,
            UpCommand.self, DownCommand.self, IngestCommand.self, WaitCommand.self, LoadCommand.self,
            GenerateCommand.self, SpeedCommand.self, ArchiveCommand.self, AdoptLogCommand.self, BatchCommand.self, CompareCommand.self,
            ServeCommand.self,
            OpenAPICommand.self, TokenCommand.self, StatusCommand.self, WatermarkCommand.self, QueryCommand.self, ExplainCommand.self,
            TailCommand.self,
            DSNCommand.self,
            RoleCommand.self, PsqlCommand.self,
            BackupCommand.self, RestoreCommand.self,
            ConfigCommand.self, DoctorCommand.self, VersionCommand.self,
        ])
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.", discussion: discussion("", example: "parallax version"))

    func run() { Terminal.print("parallax \(parallaxVersion)") }
}

@main
enum Main {
    static func main() async {
        KafkaHeap.keepFreedMemory()
        Interrupt.install()
        do {
            var command = try Parallax.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            exit(report(error))
        }
    }

    /// Prints what went wrong where it belongs and returns the number to end with.
    static func report(_ error: any Error) -> Int32 {
        switch error {
        case let problems as ReportedProblems:
            Terminal.note(NamedCommands.completed(problems.texts.joined(separator: "\n")))
            let count = problems.texts.count
            if count > 1 { Terminal.note(counted(count, "error")) }
            return ExitStatus.of(problems.code)
        case let error as ParallaxError:
            Terminal.report(error)
            return ExitStatus.of(error.code)
        case let child as ChildFailed:
            return child.status
        case let code as ExitCode:
            return code.rawValue
        default:
            break
        }
        // The argument parser's own: help and version go to standard output, wrong words to standard error.
        let code = Parallax.exitCode(for: error).rawValue
        let text = Parallax.fullMessage(for: error)
        if code == 0 { Terminal.print(text) } else { Terminal.note(text) }
        return code
    }
}
