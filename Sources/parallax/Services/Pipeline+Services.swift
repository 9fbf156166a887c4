import Archive
import BatchWorker
import DemoTraffic
import Logging
import ParallaxCore
import ViewLanguage

/// The layers' loops, as services of one group.
extension Pipeline {
    func archiver(dsn: String, tail: TailPolicy, logger: Logger) -> Archiver {
        Archiver(dsn: dsn, tail: tail, logger: logger) { source, catalog throws(ParallaxError) in
            try archiveWriter(source.definition, log: try openBoundLog(source, catalog, logger: logger))
        }
    }

    func archiveService(dsn: String, logger: Logger) -> ThreadService {
        let tail = TailPolicy.when(
            records: configuration.integer(.archiveRecordsPerSegment), age: configuration.duration(.archiveMinimumAge))
        return ThreadService(name: "archive") { stop in try archiver(dsn: dsn, tail: tail, logger: logger).run(stop) }
    }

    /// - Parameter board: hears how far each run is.
    func batchService(dsn: String, every interval: Duration, board: RunBoard, logger: Logger) -> ThreadService {
        let schedule = BatchSchedule(dsn: dsn, every: interval, logger: logger) { source, observe throws(ParallaxError) in
            try batchWorker(source, dsn: dsn, logger: logger, observe: board.observing(observe))
        }
        return ThreadService(name: "batch") { stop in try schedule.run(stop) }
    }

    func trafficService(_ source: SourceDefinition, logger: Logger) -> ThreadService {
        let traffic = TrafficLoop(
            source, rate: configuration.integer(.generatorRate), seed: UInt64(configuration.integer(.generatorSeed)), logger: logger,
            clock: systemClock, openLog: { () throws(ParallaxError) in try openLog(source, logger: logger) })
        return ThreadService(name: "generate") { stop in traffic.run(stop) }
    }
}
