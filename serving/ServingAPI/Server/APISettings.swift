import ParallaxCore
import Postgres

/// Everything that a client can make grow has a limit here.
public struct APILimits: Sendable {
    /// Connections at a time; beyond them new ones wait in the kernel's queue.
    public var connections = 4_096
    /// A request's head: line and fields.
    public var headBytes = 32 << 10
    public var headFields = 100
    /// From the first byte of a request to the end of its head. Whoever drips bytes holds a connection no longer.
    public var headTime = Duration.seconds(10)
    /// For the whole body.
    public var bodyTime = Duration.seconds(60)
    /// Between two requests on a connection.
    public var idleTime = Duration.seconds(75)
    /// A client that takes nothing for so long is let go.
    public var writeTime = Duration.seconds(30)
    /// A request's body, where its route does not say less. 413 beyond.
    public var bodyBytes = 16 << 20
    /// From the request to the end of its statement.
    public var requestTime = Duration.seconds(30)
    /// Time that one question may be about (`RangeLimit`); nil: any.
    public var range: Duration?
    /// What a statement may write to the server's disk for sorting and grouping; PostgreSQL ends it beyond (`temp_file_limit`).
    public var temporaryBytes = 1 << 30
    /// Rows of one answer that is put together in memory (JSON, and any format with a `limit`).
    public var rowsAtOnce = 10_000
    /// Rows of one answer that streams. One that would be longer is broken off, so that nobody takes it for whole.
    public var rowsPerAnswer = 10_000_000
    /// Values of one `filter.<column>`.
    public var filterValues = 1_000
    /// Bytes of an answer that wait for a client.
    public var bytesInFlight = 1 << 20
    /// Of a body of events, as it came and decompressed. 413 beyond.
    public var eventBytes = 32 << 20
    /// Of all such bodies at a time. 429 beyond.
    public var eventMemory = 128 << 20
    /// Appends to one source at a time, each on a thread.
    public var appends = 32
    /// Requests that wait for their turn to append to one source. 429 beyond.
    public var waitingAppends = 1_000
    /// Requests that read the events behind a row at a time, each on a thread, with up to 16 bytes of memory a record that it reads and the payloads of a
    /// page. 503 beyond.
    public var explanations = 2
    /// How long a request may wait until its write is visible.
    public var writeWait = Duration.seconds(60)
    /// Clients that follow a view, over events or waiting for changes. Below `connections`: other requests have room.
    public var streams = 3_500
    /// Of them, of one address. A proxy in front is one address.
    public var streamsPerAddress = 3_000
    /// A stream says so often that it lives: proxies close what is silent, most after 60 seconds.
    public var heartbeat = Duration.seconds(15)
    /// A cache may answer with the same changes for so long. What it holds stays true, and says where to go on.
    public var changesCacheTime = Duration.seconds(2)
    var feed = ViewFeed.Limits()
    public init() {}

    /// Open files of the process beside its clients: connections to PostgreSQL and to brokers, the log, the archive.
    static let otherFiles = 512

    /// With as many clients as the process may have open files. One that has none left for the next client ends: the event loop takes that for a mistake of its
    /// own (measured: an illegal instruction). So that client waits in the kernel's queue instead, and others than streams get in as ever.
    func fitting(openFiles: Int) -> APILimits {
        let room = openFiles - min(Self.otherFiles, openFiles / 2)
        guard room < connections else { return self }
        var limits = self
        limits.connections = max(1, room)
        limits.streams = min(streams, limits.connections * 7 / 8)
        return limits
    }
}

public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    public var host: String
    /// 0: any that is free.
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `127.0.0.1:8321`, `[::1]:8321`, `localhost:8321`. Nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: port)
    }

    /// Only programs of this machine reach it.
    public var isLoopback: Bool {
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return host == "localhost" || host == "::1" || (numbers.count == 4 && numbers[0] == 127 && !numbers.contains(nil))
    }

    /// What a request's Host says, with or without a port.
    init(authority: String) {
        let whole = authority.contains(":") && !authority.hasSuffix("]") ? authority : authority + ":80"
        self = ListenAddress(whole) ?? ListenAddress(host: authority, port: 80)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

public struct APISettings: Sendable {
    public var listen = ListenAddress(host: "127.0.0.1", port: 8321)
    public var limits = APILimits()
    public var pool = ConnectionPool.Limits()
    public var auth = AuthPolicy.auto
    /// Streams that one token may have open at a time.
    public var streamsPerToken = 64
    /// Whose pages may ask in a browser.
    public var corsOrigins: [WebOrigin] = []
    public var audit = AuditSettings()
    public init() {}
}
