import Ingestion
import ParallaxCore

/// What the API serves and other parts of the program know: the layers never import one another, so the executable hands it in. Each call may block; it gets a
/// thread of its own.
public struct APIServices: Sendable {
    /// `parallax status --json`.
    public var status: @Sendable () throws -> JSONText
    /// As `parallax --version` says it.
    public var version: String
    /// Nil: this server only reads.
    public var runs: RunServices?
    /// The logs that are written to; nil: this server takes no events.
    public var appends: LogAppends?
    /// The events behind a row; nil: this server has no archive and no log to read.
    public var events: EventsBehindRow?

    public init(version: String, status: @escaping @Sendable () throws -> JSONText) {
        self.version = version
        self.status = status
    }
}
