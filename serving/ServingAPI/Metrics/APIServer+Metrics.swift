import ParallaxCore

extension APIServer {
    /// Of its requests, its streams and its pool of connections, since it was made.
    public var figures: [Metric] {
        let http = metrics.current
        let pool = pool.statistics
        let requests = http.requests.sorted { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }.map { key, count in
            Metric.Sample(Double(count), [("operation", key.route), ("status", "\(key.status)")])
        }
        return [
            Metric("parallax_http_requests_total", .counter, "Requests that were answered, by operation and status.", requests),
            Metric(
                "parallax_http_request_duration_seconds", .histogram, "From a request's head to its answer's head.",
                http.durations.sorted { $0.key < $1.key }.flatMap { route, buckets in
                    Self.histogram(route, buckets, seconds: http.seconds[route] ?? 0)
                }),
            Metric("parallax_http_streams", .gauge, "Streams that are open, and polls that wait.", Double(streams.count)),
            Metric(
                "parallax_http_clients_stalled_total", .counter, "Clients that were let go because they took nothing of their answer.",
                Double(hangUps.stalled)),
        ] + following + audited + [
            Metric(
                "parallax_pool_connections_max", .gauge, "Connections to PostgreSQL that requests share.",
                Double(self.pool.limits.connections)),
            Metric("parallax_pool_connections_busy", .gauge, "Those at work.", Double(pool.busy)),
            Metric("parallax_pool_requests_waiting", .gauge, "Requests that wait for one.", Double(pool.waiting)),
            Metric("parallax_pool_jobs_total", .counter, "Jobs that connections have done.", Double(pool.jobs)),
            Metric("parallax_pool_refused_total", .counter, "Jobs that were refused because too many waited.", Double(pool.refused)),
            Metric("parallax_pool_timed_out_total", .counter, "Jobs that waited too long for a connection.", Double(pool.timedOut)),
            Metric("parallax_pool_cancelled_total", .counter, "Jobs that their clients gave up.", Double(pool.cancelled)),
            Metric("parallax_pool_connects_total", .counter, "Connections that were made.", Double(pool.connects)),
        ] + written.metrics
    }

    /// The sample of answers; nothing where none is kept.
    private var audited: [Metric] {
        guard let figures = audit?.figures else { return [] }
        let outcomes = [("kept", figures.kept), ("dropped", figures.dropped), ("failed", figures.failed)]
        return [
            Metric(
                "parallax_audit_answers_total", .counter,
                "Answers of the sample: kept, dropped because too many waited, or failed because they could not be written.",
                outcomes.map { .init(Double($0.1), [("outcome", $0.0)]) }),
            Metric("parallax_audit_rows_total", .counter, "Rows of those that were kept.", Double(figures.rows)),
        ]
    }

    /// Push: those who follow views, and what they get.
    private var following: [Metric] {
        let figures = live.figures.current
        func samples<Label: Hashable & CaseIterable & RawRepresentable>(_ label: String, _ counts: [Label: Int]) -> [Metric.Sample]
        where Label.RawValue == String {
            Label.allCases.map { Metric.Sample(Double(counts[$0] ?? 0), [(label, $0.rawValue)]) }
        }
        var metrics = [
            Metric(
                "parallax_live_followers", .gauge, "Clients that follow a view: streams, and polls that wait.",
                live.followers.map { .init(Double($0.count), [("view", $0.view)]) }),
            Metric(
                "parallax_live_looks_total", .counter, "Looks at what has changed in a view; one serves all who follow it.",
                Double(figures.looks)),
            Metric(
                "parallax_live_failed_looks_total", .counter, "Looks that did not come off, and were tried again.",
                Double(figures.failedLooks)),
            Metric("parallax_live_events_total", .counter, "Events that streams were sent.", samples("event", figures.events)),
            Metric("parallax_live_rows_total", .counter, "Rows in them.", Double(figures.rows)),
            Metric(
                "parallax_live_beginnings_total", .counter,
                "How streams and polls got their first rows: from the feed without a statement, as the changes since, or all.",
                samples("from", figures.beginnings)),
            Metric("parallax_live_ended_total", .counter, "Streams that the server ended, and why.", samples("reason", figures.ends)),
        ]
        if let isListening = live.isListening {
            metrics.append(
                Metric("parallax_live_listening", .gauge, "1 while the server hears of changes, 0 while it does not.", isListening ? 1 : 0))
        }
        return metrics
    }

    private static func histogram(_ route: String, _ buckets: [Int], seconds: Double) -> [Metric.Sample] {
        var samples: [Metric.Sample] = []
        var sum = 0
        for (index, count) in buckets.enumerated() {
            sum += count
            let bound = index < APIMetrics.bounds.count ? "\(APIMetrics.bounds[index])" : "+Inf"
            samples.append(.init(Double(sum), [("operation", route), ("le", bound)], suffix: "_bucket"))
        }
        samples.append(.init(seconds, [("operation", route)], suffix: "_sum"))
        samples.append(.init(Double(sum), [("operation", route)], suffix: "_count"))
        return samples
    }
}
