import Foundation

/// Runs Python scripts: other people's readers and writers of our files. `PARALLAX_PYTHON` names the interpreter; otherwise it is `python3`.
public enum Python {
    public static let executable = ProcessInfo.processInfo.environment["PARALLAX_PYTHON"] ?? "python3"

    /// The reason for which tests that need other Parquet readers are skipped; nil where they can run.
    public static let parquetTrouble = trouble(importing: "pyarrow, pyarrow.parquet, duckdb")

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    /// The same for tests in which other people's client asks PostgreSQL.
    public static let psycopgTrouble = trouble(importing: "psycopg")

    /// Why a test that needs these modules is skipped; nil where it can run.
    public static func trouble(importing modules: String) -> String? {
        do {
            _ = try run("import \(modules)")
            return nil
        } catch { return "\(executable) cannot import \(modules): \(error)" }
    }

    /// Runs a script with arguments (`sys.argv[1]` on) and returns what it printed. Throws what it complained of.
    public static func run(_ script: String, _ arguments: [String] = []) throws -> String {
        try OtherPeoplesProgram.run([executable, "-c", script] + arguments)
    }
}

/// Runs JavaScript in Node, with Debian's `eventsource` for it.
public enum Node {
    /// Why a test that needs it is skipped; nil where it can run.
    public static let trouble: String? = {
        do {
            _ = try run("require('eventsource'); fetch")
            return nil
        } catch { return "node (18 or later) with Debian's node-eventsource is missing: \(error)" }
    }()

    /// Returns what it printed. Throws what it complained of.
    public static func run(_ script: String) throws -> String {
        try OtherPeoplesProgram.run(["node", "-e", script], environment: ["NODE_PATH": "/usr/share/nodejs"])
    }
}

private enum OtherPeoplesProgram {
    static func run(_ words: [String], environment: [String: String] = [:]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        // Files, not pipes: a full pipe that nobody reads would stop the program.
        let folder = try TemporaryFolder("program")
        let output = folder.path("output")
        let errors = folder.path("errors")
        for path in [output, errors] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Python.Failure(description: try String(contentsOfFile: errors, encoding: .utf8))
        }
        return try String(contentsOfFile: output, encoding: .utf8)
    }
}
