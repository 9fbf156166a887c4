import Catalog
import HTTPTypes
import Hummingbird
import NIOCore
import ParallaxCore
import ServiceLifecycle

/// `GET /v1/runs/{run}/progress`: server-sent events until the run has ended.
///
///     event: progress   when something has changed: the phase, or how many records it has passed
///     event: end        once, with the run as it is then; the stream ends
///     : comment         each `heartbeat`, so that whoever stands between knows that the stream lives
///
/// The run's own process knows how far it is; of a run of another process its state in the catalog is known, and served.
struct RunProgressStream: Sendable {
    static let heartbeat = Duration.seconds(15)
    /// How often it is looked whether something has changed.
    static let interval = Duration.milliseconds(200)
    /// The number of the last event. An `EventSource` comes back with it after the end, and is told to stay away (204).
    static let endID = "end"

    let watch: RunWatch
    let services: RunServices

    static let headers: HTTPFields = [
        .contentType: "text/event-stream", .cacheControl: "no-store", .accelBuffering: "no",
    ]

    /// Until the client is gone: its channel is closed, or its token not valid any more.
    func response(_ first: RunStatus, _ request: APIRequest) -> Response {
        Response(
            status: .ok, headers: Self.headers,
            body: ResponseBody { writer in
                do { try await write(first, request, to: &writer) } catch is CancellationError {
                    // The server shuts down: the stream ends in order, and the client comes back.
                }
                try await writer.finish(nil)
            })
    }

    private func write(_ first: RunStatus, _ request: APIRequest, to writer: inout any ResponseBodyWriter) async throws {
        let number = first.number.rawValue
        var (run, sent, count) = (first, "", 0)
        var spoken = ContinuousClock.now
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        while !Task.isShuttingDownGracefully && request.channel.isActive && request.slot?.isEnded != true {
            if run.hasEnded {
                // What it did between two looks is told, too.
                if let reported = services.progress(number) { try await send(data(number, reported), count + 1, unless: sent, &writer) }
                return try await writer.write(Self.event("end", id: Self.endID, run.json.text(indentation: nil)))
            }
            let now = services.progress(number).map { data(number, $0) } ?? data(run)
            if now != sent {
                count += 1
                try await send(now, count, unless: sent, &writer)
                (sent, spoken) = (now, ContinuousClock.now)
            } else if ContinuousClock.now - spoken >= Self.heartbeat {
                try await writer.write(ByteBuffer(string: ": still there\n\n"))
                spoken = ContinuousClock.now
            }
            try await Task.sleep(for: Self.interval)
            do throws(ParallaxError) {
                guard let status = try await watch.status(number) else { return }
                run = status
            } catch {
                // PostgreSQL is away, or busy: what is known stays, and the next look asks again.
                if error.code == .cancelled { throw CancellationError() }
            }
        }
    }

    private func send(_ data: String, _ id: Int, unless sent: String, _ writer: inout any ResponseBodyWriter) async throws {
        guard data != sent else { return }
        try await writer.write(Self.event("progress", id: "\(id)", data))
    }

    private static func event(_ name: String, id: String, _ data: String) -> ByteBuffer {
        ByteBuffer(string: "event: \(name)\nid: \(id)\ndata: \(data)\n\n")
    }

    private func data(_ run: Int64, _ reported: RunReportedProgress) -> String {
        func json(_ phase: RunReportedProgress.Phase) -> JSONText {
            .object([
                ("phase", .string(phase.name)), ("records", .int(Int64(phase.records))),
                ("total_records", .optional(phase.totalRecords.map { Int64($0) })),
            ])
        }
        return JSONText.object([
            ("run", .int(run)), ("phase", .optional(reported.phases.last?.name)), ("phases", .array(reported.phases.map(json))),
        ]).text(indentation: nil)
    }

    /// Of a run of another process.
    private func data(_ run: RunStatus) -> String {
        JSONText.object([("run", .int(run.number.rawValue)), ("phase", .string(run.state)), ("phases", .null)]).text(indentation: nil)
    }
}
