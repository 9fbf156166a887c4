import Foundation
import TestSupport

/// The built binary, run as people run it.
struct CLIProgram {
    struct Result {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Beside the test bundle.
    static let path: String = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (tests as NSString).deletingLastPathComponent + "/parallax"
    }()

    let process = Process()
    private let folder: TemporaryFolder

    /// Starts it. Nothing of our environment that could change settings reaches it.
    ///
    /// - Parameter pipe: what it reads, instead of `input`.
    init(
        _ arguments: [String], input: [UInt8] = [], pipe: Pipe? = nil, environment: [String: String] = [:], directory: String? = nil
    ) throws {
        folder = try TemporaryFolder("cli")
        process.executableURL = URL(fileURLWithPath: Self.path)
        process.arguments = arguments
        var inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PARALLAX_") }
        // One port for all, and tests run beside one another.
        if arguments.first == "up" {
            inherited["PARALLAX_SERVE_LISTEN"] = "off"
            inherited["PARALLAX_SERVE_METRICS_LISTEN"] = "off"
        }
        process.environment = inherited.merging(environment) { $1 }
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        try Data(input).write(to: URL(fileURLWithPath: folder.path("in")))
        for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: folder.path(name), contents: nil) }
        process.standardInput = try pipe ?? FileHandle(forReadingFrom: URL(fileURLWithPath: folder.path("in")))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path("out")))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path("err")))
        try process.run()
    }

    func wait() throws -> Result {
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: try text("out"), errors: try text("err"))
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: folder.path(name))), as: UTF8.self)
    }

    static func run(
        _ arguments: String..., input: String = "", environment: [String: String] = [:], directory: String? = nil
    ) throws -> Result {
        try CLIProgram(arguments, input: Array(input.utf8), environment: environment, directory: directory).wait()
    }
}

/// A pipeline in a folder of its own, made by `parallax init`. Whatever it left running ends with it.
final class CLIPipeline {
    let folder: TemporaryFolder
    var path: String { folder.path("p") }

    init(configuration: String? = nil, sql: String? = nil) throws {
        folder = try TemporaryFolder("plx")
        let made = try CLIProgram.run("init", path)
        guard made.status == 0 else { throw CLIFailure(text: made.errors) }
        if let configuration { try write("parallax.yaml", configuration) }
        if let sql { try write("page_view.sql", sql) }
    }

    deinit { _ = try? CLIProgram.run("down", "--force", "--pipeline", path) }

    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
    }

    func run(_ arguments: String..., input: String = "", environment: [String: String] = [:]) throws -> CLIProgram.Result {
        try CLIProgram(arguments + ["--pipeline", path], input: Array(input.utf8), environment: environment).wait()
    }

    /// The result's JSON.
    func json(_ arguments: String...) throws -> Any {
        let result = try CLIProgram(arguments + ["--pipeline", path]).wait()
        guard result.status == 0 else { throw CLIFailure(text: "\(arguments): \(result.errors)") }
        return try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    }
}

struct CLIFailure: Error, CustomStringConvertible {
    var text: String
    var description: String { text }
}
