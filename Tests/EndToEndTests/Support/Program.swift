import Foundation
import Glibc
import Synchronization

/// The built `parallax` binary, run as a user runs it.
enum Program {
    struct Result: Sendable {
        var status: Int32
        var output: String
        var errors: String
        /// The signal that ended it, where one did.
        var signal: Int32?
    }

    /// Beside the test bundle: the package's own build of the executable that the tests were built with.
    static let path: String = {
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        var folder = bundle.deletingLastPathComponent()
        for _ in 0..<5 {
            let candidate = folder.appendingPathComponent("parallax").path
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        return ".build/debug/parallax"
    }()

    /// Runs to the end.
    @discardableResult
    static func run(_ arguments: [String], environment: [String: String] = [:], input: Data? = nil) throws -> Result {
        try start(arguments, environment: environment, input: input).wait()
    }

    /// - Parameter openFiles: so many may it open at a time.
    static func start(_ arguments: [String], environment: [String: String] = [:], input: Data? = nil, openFiles: Int? = nil) throws
        -> Running
    {
        try Running(arguments, environment: environment, input: input, openFiles: openFiles)
    }

    /// A process of the binary that is under way. Its output goes to files, so that nobody has to read it for it to go on.
    final class Running {
        let process = Process()
        private let folder: URL
        private let output: URL
        private let errors: URL

        init(_ arguments: [String], environment: [String: String], input: Data?, openFiles: Int? = nil) throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("parallax-run-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            output = folder.appendingPathComponent("out")
            errors = folder.appendingPathComponent("err")
            for file in [output, errors] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
            process.executableURL = URL(fileURLWithPath: Program.path)
            process.arguments = arguments
            if let openFiles {
                process.executableURL = URL(fileURLWithPath: "/bin/sh")
                process.arguments = ["-c", "ulimit -n \(openFiles) && exec \"$0\" \"$@\"", Program.path] + arguments
            }
            var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PARALLAX_") }
            variables["NO_COLOR"] = "1"
            // One port for all, and tests run beside one another: who tests the API says where it listens.
            if arguments.first == "up" { variables["PARALLAX_SERVE_LISTEN"] = "off" }
            if ["up", "serve"].contains(arguments.first) { variables["PARALLAX_SERVE_METRICS_LISTEN"] = "off" }
            variables.merge(environment) { $1 }
            process.environment = variables
            process.standardOutput = try FileHandle(forWritingTo: output)
            process.standardError = try FileHandle(forWritingTo: errors)
            if let input {
                let file = folder.appendingPathComponent("in")
                try input.write(to: file)
                process.standardInput = try FileHandle(forReadingFrom: file)
            } else {
                process.standardInput = FileHandle.nullDevice
            }
            try process.run()
        }

        deinit {
            if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) }
            try? FileManager.default.removeItem(at: folder)
        }

        func kill(_ signal: Int32) { Glibc.kill(process.processIdentifier, signal) }

        func wait() -> Result {
            process.waitUntilExit()
            let ended = process.terminationReason == .uncaughtSignal
            return Result(
                status: ended ? 128 + process.terminationStatus : process.terminationStatus,
                output: (try? String(contentsOf: output, encoding: .utf8)) ?? "",
                errors: (try? String(contentsOf: errors, encoding: .utf8)) ?? "", signal: ended ? process.terminationStatus : nil)
        }
    }
}
