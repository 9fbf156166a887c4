import ParallaxCore

extension EventBatch {
    /// 1971, in microseconds. A record that says it was appended before has no append time: a topic without timestamps (0), or a producer that wrote seconds
    /// where Kafka has milliseconds (January 1970).
    public static let earliestAppendTime: Int64 = 31_536_000 * Instant.microsecondsPerSecond

    /// Stands for the append time of a record that has none, or whose source does not believe it.
    public static let noAppendTime: Int64 = 0

    /// The clock that vouches for a record's event time: its append time, but at most the time at which it arrived; that alone where there is no append time.
    @inlinable @inline(__always)
    public static func vouchingClock(appendedAt: Int64, arrivedAt: Int64) -> Int64 {
        appendedAt < earliestAppendTime ? arrivedAt : min(appendedAt, arrivedAt)
    }
}
