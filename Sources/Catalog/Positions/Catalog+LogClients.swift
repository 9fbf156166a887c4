import Foundation
import ParallaxCore
import Postgres

/// A worker's connection to a source's log, as it last said.
public struct LogClientStatus: Sendable {
    public var worker: WorkerID
    public var host: String
    public var pid: Int32
    public var report: LogClientReport
    public var reportedAt: Instant
}

extension Catalog {
    /// Writes down what a registered worker's log client reports.
    public func recordLogClient(_ report: LogClientReport, worker: WorkerID, source id: SourceID) throws(ParallaxError) {
        try connection.query(
            """
            INSERT INTO parallax.log_client (worker_id, source_id, report) VALUES ($1::uuid, $2, $3::jsonb)
            ON CONFLICT (worker_id, source_id) DO UPDATE SET report = excluded.report, reported_at = clock_timestamp()
            """, [.text(worker.text), .source(id), .text(try encodeStored(report))])
    }

    /// What the log clients reported of workers that live, or died within the last quarter of an hour.
    public func logClients(source id: SourceID) throws(ParallaxError) -> [LogClientStatus] {
        let rows = try connection.query(
            """
            SELECT c.worker_id, w.host, w.pid, c.report, \(Self.micros("c.reported_at"))
            FROM parallax.log_client c JOIN parallax.worker w USING (worker_id)
            WHERE c.source_id = $1 AND c.reported_at > clock_timestamp() - interval '15 minutes' ORDER BY w.host, w.pid
            """, [.source(id)]
        ).rows
        var clients: [LogClientStatus] = []
        for row in rows {
            // A worker of another version may say other things: then it is left out.
            let said = Data(try row.text(3).utf8)
            guard let report = try? JSONDecoder().decode(LogClientReport.self, from: said) else { continue }
            clients.append(
                try LogClientStatus(
                    worker: WorkerID(row.text(0)), host: row.text(1), pid: Int32(clamping: row.int(2)), report: report,
                    reportedAt: row.instant(4)))
        }
        return clients
    }
}
