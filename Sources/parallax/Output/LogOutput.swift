import ArgumentParser
import Foundation
import Logging
import ParallaxCore

/// What long-running commands take about their log.
struct LogOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Option(help: "How log lines look on standard error: text or json.") var logFormat = Format.text
    @Option(help: ArgumentHelp("The least important lines that are logged: debug, info, warning or error.", valueName: "level"))
    var logLevel: Logger.Level?

    func logger(_ label: String, default level: Logger.Level = .info) -> Logger {
        var logger = Logger(label: label) { [logFormat] in LineLogHandler(label: $0, format: logFormat) }
        logger.logLevel = logLevel ?? level
        return logger
    }

    /// For a child that shall log likewise.
    var asArguments: [String] {
        ["--log-format", logFormat.rawValue] + (logLevel.map { ["--log-level", $0.rawValue] } ?? [])
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// One line an entry on standard error. No payload and no secret comes here: callers log names, offsets and counts.
struct LineLogHandler: LogHandler {
    let label: String
    let format: LogOptions.Format
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    init(label: String, format: LogOptions.Format) {
        self.label = label
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let time = systemClock().text
        Terminal.note(line(time: time, level: event.level, message: event.message.description, metadata: all))
    }

    func line(time: String, level: Logger.Level, message: String, metadata: Logger.Metadata) -> String {
        let pairs = metadata.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        switch format {
        case .text:
            let words = pairs.map { " \($0.0)=\(Self.word($0.1))" }.joined()
            let name = level.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0)
            // A message of several lines (an error with its hint) stays one entry: its other lines are indented.
            return "\(time) \(name) \(label): \(message.replacing("\n", with: "\n    "))\(words)"
        case .json:
            let head: [(String, JSONText)] = [
                ("time", .string(time)), ("level", .string(level.rawValue)), ("part", .string(label)), ("message", .string(message)),
            ]
            return JSONText.object(head + pairs.map { ($0.0, .string($0.1)) }).text(indentation: nil)
        }
    }

    private static func word(_ text: String) -> String {
        guard text.isEmpty || text.contains(where: { $0.isWhitespace || $0 == "\"" || $0 == "=" }) else { return text }
        return jsonQuoted(text)
    }
}
