import Logging
import ParallaxCore
import ViewLanguage

/// Demo traffic in real time. A log that cannot be opened is tried again, and so is an append that failed: then what was due meanwhile follows.
///
/// Blocking; one thread at a time, a thread of your own.
public struct TrafficLoop: Sendable {
    private let source: SourceDefinition
    private let rate: Int
    private let seed: UInt64
    private let logger: Logger
    private let clock: @Sendable () -> Instant
    private let openLog: @Sendable () throws(ParallaxError) -> any EventLog

    /// - Parameter rate: events a second.
    public init(
        _ source: SourceDefinition, rate: Int, seed: UInt64, logger: Logger, clock: @escaping @Sendable () -> Instant,
        openLog: @escaping @Sendable () throws(ParallaxError) -> any EventLog
    ) {
        self.source = source
        self.rate = rate
        self.seed = seed
        self.logger = logger
        self.clock = clock
        self.openLog = openLog
    }

    public func run(_ stop: StopSignal) {
        var backoff = Backoff()
        var last: ParallaxError?
        /// Says a failure once, not at every attempt.
        func failed(_ error: ParallaxError) {
            if last != error { logger.error("the demo traffic cannot be appended, trying again", metadata: ["error": "\(error)"]) }
            last = error
            stop.wait(atMost: backoff.failed())
        }
        var opened: (any EventLog)?
        while opened == nil && !stop.isSet {
            do throws(ParallaxError) { opened = try openLog() } catch { failed(error) }
        }
        guard let log = opened else { return }
        let start = clock().rawValue
        var generator = TrafficGenerator(maker: EventMaker(source), seed: seed, startMicroseconds: start, rate: rate)
        while !stop.isSet {
            let due = Int(Double(clock().rawValue - start) / 1e6 * Double(rate))
            if due <= generator.count {
                stop.wait(atMost: .milliseconds(20))
                continue
            }
            let records = generator.records(upTo: min(due, generator.count + TrafficGenerator.recordsPerAppend))
            while !stop.isSet {
                do throws(ParallaxError) {
                    try log.append(records, to: nil)
                    backoff.succeeded()
                    last = nil
                    break
                } catch { failed(error) }
            }
        }
    }
}
