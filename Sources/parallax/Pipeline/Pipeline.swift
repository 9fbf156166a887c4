import Disk
import Foundation
import ParallaxCore

/// A pipeline's folder: `parallax.yaml`, definitions in `*.sql`, and everything that Parallax keeps in `.parallax/`.
struct Pipeline: Sendable {
    /// As the user named it, for messages and for commands that we print.
    let shownFolder: String
    /// Absolute, without a slash at the end.
    let folder: String
    let configuration: Configuration

    static let configurationFileName = "parallax.yaml"
    static let stateFolderName = ".parallax"

    var state: String { "\(folder)/\(Self.stateFolderName)" }
    var logFolder: String { "\(state)/log" }
    var archiveFolder: String { "\(state)/archive" }
    var postgresFolder: String { "\(state)/postgres" }
    var upLog: String { "\(state)/up.log" }
    var upLock: String { "\(state)/up.lock" }
    /// Where the API of this pipeline listens, while it does: `127.0.0.1:8321`.
    var apiAddress: String { "\(state)/api.address" }
    /// Where its metrics are, while they are.
    var metricsAddressFile: String { "\(state)/metrics.address" }

    /// How the user called us, for commands that we print: `./parallax` stays that.
    static var program: String {
        let name = CommandLine.arguments.first ?? "parallax"
        return name.contains("/") ? shellQuoted(name) : "parallax"
    }

    /// What to add to a command that we print, so that it works where the user stands.
    var pipelineFlag: String { Self.pipelineFlag(shownFolder) }
    static func pipelineFlag(_ folder: String) -> String { folder == "." ? "" : " --pipeline \(shellQuoted(folder))" }

    /// Reads the configuration. Throws `ReportedProblems` with everything that is wrong with it, `.missing` where the folder is no pipeline.
    init(folder: String, flags: [String] = [], environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        var isFolder = ObjCBool(false)
        let absolute = Self.absolutePath(folder)
        guard FileManager.default.fileExists(atPath: absolute, isDirectory: &isFolder) else {
            throw ParallaxError(
                .missing, "there is no folder \"\(folder)\"", hint: "make a pipeline there: parallax init \(shellQuoted(folder))")
        }
        guard isFolder.boolValue else {
            throw ParallaxError(.missing, "\"\(folder)\" is not a folder", hint: "--pipeline takes the folder that parallax.yaml is in")
        }
        let path = "\(absolute)/\(Self.configurationFileName)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: absolute)) ?? []
        guard names.contains(Self.configurationFileName) || names.contains(where: { $0.hasSuffix(".sql") }) else {
            throw ParallaxError(
                .missing, "\"\(folder)\" is not a pipeline: it has neither parallax.yaml nor *.sql",
                hint: "make one with parallax init DIR, or name one with --pipeline DIR")
        }
        let shownFile = folder == "." ? Self.configurationFileName : "\(folder)/\(Self.configurationFileName)"
        var file: ConfigurationFile?
        if names.contains(Self.configurationFileName) { file = ConfigurationFile(yaml: try readText(path), name: shownFile) }
        let (configuration, problems) = Configuration.resolve(
            file: file, fileName: shownFile, environment: environment, flags: flags
        ) { name throws(ParallaxError) in
            try readText(name.hasPrefix("/") ? name : "\(absolute)/\(name)")
        }
        guard problems.isEmpty else {
            throw ReportedProblems(code: .configuration, texts: problems.map(\.description))
        }
        self.shownFolder = folder
        self.folder = absolute
        self.configuration = configuration
    }

    static func absolutePath(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }

    /// Makes `.parallax`, which others may enter (the private server runs as an unprivileged user where we are root) but not list.
    func makeStateFolder() throws(ParallaxError) {
        try Disk.makeFolder(state, mode: 0o711)
    }
}

/// A whole file as text. Throws `.missing` or `.disk`.
func readText(_ path: String) throws(ParallaxError) -> String { String(decoding: try Disk.read(path), as: UTF8.self) }

/// For a POSIX shell: as it is where that is safe, else in single quotes.
func shellQuoted(_ text: String) -> String {
    let isSafe = !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:=,@%+".contains($0)) }
    return isSafe ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}
