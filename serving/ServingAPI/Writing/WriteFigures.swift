import Ingestion
import ParallaxCore
import Synchronization

/// Figures of writes, for `/metrics`. Sources are those of the definitions, reasons a closed set: a client makes no new labels.
final class WriteFigures: Sendable {
    struct Source: Sendable {
        var events = 0
        var malformed: [RejectionReason: Int] = [:]
        var bytes = 0
        var refused: [String: Int] = [:]

        mutating func add(_ totals: IngestionTotals, bytes: Int) {
            events += totals.events
            self.bytes += bytes
            for (reason, rejected) in totals.malformed { malformed[reason, default: 0] += rejected.count }
        }
    }

    private let sources = Mutex<[String: Source]>([:])

    func count(_ totals: IngestionTotals, bytes: Int, of source: String) {
        sources.withLock { sources in
            sources[source, default: Source()].add(totals, bytes: bytes)
        }
    }

    /// - Parameter code: of the problem that the request was answered with.
    func countRefused(_ code: String, of source: String) {
        sources.withLock { $0[source, default: Source()].refused[code, default: 0] += 1 }
    }

    var metrics: [Metric] {
        let sources = sources.withLock { $0 }.sorted { $0.key < $1.key }
        func each(_ value: (Source) -> Int) -> [Metric.Sample] { sources.map { .init(Double(value($0.value)), [("source", $0.key)]) } }
        return [
            Metric("parallax_ingest_events_total", .counter, "Events that were appended over HTTP.", each(\.events)),
            Metric(
                "parallax_ingest_malformed_total", .counter, "Records that were appended over HTTP and are no events, by reason.",
                sources.flatMap { name, source in
                    source.malformed.sorted { $0.key.rawValue < $1.key.rawValue }.map {
                        .init(Double($0.value), [("source", name), ("reason", $0.key.rawValue)])
                    }
                }),
            Metric("parallax_ingest_bytes_total", .counter, "Bytes of their bodies, as they came.", each(\.bytes)),
            Metric(
                "parallax_ingest_refused_total", .counter, "Bodies that were not appended as a whole, by the code of the answer.",
                sources.flatMap { name, source in
                    source.refused.sorted { $0.key < $1.key }.map { .init(Double($0.value), [("source", name), ("code", $0.key)]) }
                }),
        ]
    }
}
