/// What went wrong with the world, in the form in which people and programs see it.
///
/// `message` is one sentence that names the thing and what was tried; `detail` adds facts (offsets, paths, the other
/// program's words), `hint` says what to do. Retry looks at `isRetriable`, never at text.
public struct ParallaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A closed set: also the metric label and the base of the exit code.
    public enum Code: String, Sendable, CaseIterable, Codable {
        /// Wrong words on the command line.
        case usage
        /// parallax.yaml, an environment variable or a flag holds something that cannot be used.
        case configuration
        /// A definition does not compile or cannot be applied.
        case definition
        /// Input that a person handed over cannot be read.
        case input
        /// A file or folder that should be there is not.
        case missing
        /// A program, extension or package that should be installed is not.
        case notInstalled
        /// The log, a segment or a manifest is damaged: the bytes are not what was written.
        case corrupt
        /// Records that are needed are no longer (or not yet) in the log or archive.
        case offsetGone
        /// The log is not the one that positions and archive belong to: replaced, put back to an older state, made anew.
        case anotherLog
        /// The disk refuses: full, read-only, input/output error.
        case disk
        /// Someone else holds the lock or the run; try again later.
        case busy
        /// What a transaction stood on was changed by another one: all of it can be done again, at once.
        case conflict
        /// This worker or run lost its ownership; what it was about to write was not written.
        case fenced
        /// PostgreSQL or a broker cannot be reached.
        case unavailable
        /// PostgreSQL refused a statement; `sqlState` says why.
        case database
        /// A named limit was reached; the message names it.
        case limit
        /// The process was asked to stop.
        case cancelled
        /// Our own mistake, seen in time.
        case internalInconsistency
    }

    public var code: Code
    public var isRetriable: Bool
    public var message: String
    public var detail: String?
    public var hint: String?
    /// PostgreSQL's five-character code, where the error came from there.
    public var sqlState: String?
    /// The place in the statement that PostgreSQL means, in characters from 1.
    public var position: Int?

    public init(
        _ code: Code, _ message: String, detail: String? = nil, hint: String? = nil,
        isRetriable: Bool? = nil, sqlState: String? = nil
    ) {
        self.code = code
        self.message = message
        self.detail = detail
        self.hint = hint
        self.isRetriable = isRetriable ?? (code == .busy || code == .conflict || code == .unavailable)
        self.sqlState = sqlState
    }

    /// The primary line, then `DETAIL:` and `HINT:` lines where there are any, as PostgreSQL prints them.
    public var description: String {
        var text = message
        if let detail { text += "\nDETAIL:  \(detail)" }
        if let hint { text += "\nHINT:  \(hint)" }
        return text
    }
}

extension ParallaxError {
    /// As programs get it.
    public var json: JSONText {
        .object([
            ("code", .string(code.rawValue)), ("message", .string(message)), ("detail", .optional(detail)), ("hint", .optional(hint)),
        ])
    }
}
