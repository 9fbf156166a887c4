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
            Metric("parallax_http_streams", .gauge, "Streams that are open.", Double(streams.count)),
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
