import Foundation

/// The repository's own files, as its tests see them.
struct Repository {
    /// The folder that Package.swift is in.
    let root: String

    init() { root = (0..<3).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent } }

    struct File {
        /// From the root.
        var path: String
        var text: String
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    }

    func text(_ path: String) throws -> String { try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8) }

    /// Files below the folders with this ending, sorted by path; what is built or downloaded is not ours.
    func files(_ ending: String, in folders: [String]) throws -> [File] {
        var found: [File] = []
        for folder in folders {
            guard let walk = FileManager.default.enumerator(atPath: "\(root)/\(folder)") else { continue }
            for case let name as String in walk where name.hasSuffix(ending) && !name.contains(".build") {
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                if path.hasPrefix(".") || path.hasPrefix("demo/") { continue }
                found.append(File(path: path, text: try text(path)))
            }
        }
        return found.sorted { $0.path < $1.path }
    }

    static let swiftFolders = ["Sources", "speed", "batch", "serving", "Tests"]

    func swiftFiles() throws -> [File] { try files(".swift", in: Self.swiftFolders) }

    /// What git keeps; nil where this is no checkout (a source archive, say).
    func trackedPaths() throws -> [String]? {
        guard FileManager.default.fileExists(atPath: "\(root)/.git") else { return nil }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "-C", root, "ls-files"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
