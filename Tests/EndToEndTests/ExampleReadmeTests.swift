import Foundation
import TestSupport
import Testing

/// What the examples' README files say to type is typed, with fewer events.
@Suite(.serialized) struct ExampleReadmeTests {
    private static let examples = (0..<3).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent } + "/examples"

    /// The first block of shell commands.
    private static func commands(_ example: String) throws -> String {
        let text = try String(contentsOfFile: "\(examples)/\(example)/README.md", encoding: .utf8)
        let block = try #require(text.components(separatedBy: "```sh\n").dropFirst().first?.components(separatedBy: "```").first)
        return block.replacing(/--count (\d+)/) { "--count \((Int($0.1) ?? 0) / 20)" }
    }

    static func type(_ commands: String, in folder: String) throws -> (status: Int32, text: String) {
        let file = folder + "/typed"
        _ = FileManager.default.createFile(atPath: file, contents: nil)
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-ec", commands]
        shell.currentDirectoryURL = URL(fileURLWithPath: folder)
        let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PARALLAX_") }
        let binaries = (CLIProgram.path as NSString).deletingLastPathComponent
        shell.environment = inherited.merging(["PATH": "\(binaries):\(inherited["PATH"] ?? "/usr/bin:/bin")"]) { $1 }
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        shell.standardInput = FileHandle.nullDevice
        shell.standardOutput = output
        shell.standardError = output
        try shell.run()
        shell.waitUntilExit()
        return (shell.terminationStatus, try String(contentsOfFile: file, encoding: .utf8))
    }

    @Test func nexmarkEndsWithRows() throws {
        let folder = try TemporaryFolder("nexmark")
        try FileManager.default.createSymbolicLink(atPath: folder.path("examples"), withDestinationPath: Self.examples)
        defer { _ = try? CLIProgram.run("down", "--force", "--pipeline", folder.path("my-nexmark")) }
        let typed = try Self.type(try Self.commands("nexmark"), in: folder.path)
        #expect(typed.status == 0, "\(typed.text)")
        #expect(typed.text.contains("rank_number") && typed.text.hasSuffix("(5 rows)\n"), "\(typed.text)")
    }

    @Test func yahooCampaignsShowsRows() throws {
        let folder = try TemporaryFolder("yahoo")
        let copy = folder.path("yahoo-campaigns")
        try FileManager.default.copyItem(atPath: "\(Self.examples)/yahoo-campaigns", toPath: copy)
        defer { _ = try? CLIProgram.run("down", "--force", "--pipeline", copy) }
        let typed = try Self.type(try Self.commands("yahoo-campaigns"), in: copy)
        #expect(typed.status == 0, "\(typed.text)")
        #expect(typed.text.contains(/\n\([1-9][\d,]* rows\)\n/), "\(typed.text)")
    }
}
