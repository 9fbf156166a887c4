import BatchWorker
import Catalog
import Dispatch
import Logging
import ParallaxCore
import Postgres
import ServingAPI
import ServingViews
import Synchronization

/// How far this process's runs are: what their observers said last.
final class RunBoard: Sendable {
    /// Newer runs push older ones out: nobody watches them any more, and the catalog knows their end.
    static let maxRuns = 32
    private let runs = Mutex<[Int64: RunReportedProgress]>([:])

    subscript(run: Int64) -> RunReportedProgress? { runs.withLock { $0[run] } }

    func note(_ step: RunProgress) {
        runs.withLock { runs in
            var report = runs[step.run.rawValue] ?? RunReportedProgress()
            let phase = RunReportedProgress.Phase(name: step.phase.rawValue, records: step.records, totalRecords: step.totalRecords)
            if report.phases.last?.name == phase.name {
                report.phases[report.phases.count - 1] = phase
            } else {
                report.phases.append(phase)
            }
            runs[step.run.rawValue] = report
            if runs.count > Self.maxRuns, let oldest = runs.keys.min() { runs[oldest] = nil }
        }
    }

    /// The same observer, with our ears in it.
    func observing(_ observe: @escaping BatchWorker.Observer) -> BatchWorker.Observer {
        { step throws(ParallaxError) in
            self.note(step)
            try observe(step)
        }
    }
}

/// Runs that somebody asks for over HTTP: each on a thread of its own, until it ends or the program does.
final class RunDesk: Sendable {
    let board = RunBoard()
    private let stop = StopSignal()
    private let underWay = DispatchGroup()

    /// Until the program stops; then runs under way end unpublished, unless they are publishing, and are waited for.
    func service() -> ThreadService {
        ThreadService(name: "runs") { signal in
            while !signal.isSet { signal.wait(atMost: .seconds(3_600)) }
            self.stop.give()
            self.underWay.wait()
        }
    }

    /// Returns the run's number as soon as it has begun. Blocks until then.
    func start(_ pipeline: Pipeline, dsn: String, source: String, full: Bool, logger: Logger) throws -> Int64 {
        let answer = Answer()
        underWay.enter()
        do {
            try startThread(name: "run") { [self] in
                defer { underWay.leave() }
                do {
                    let connection = try Connection(dsn, applicationName: "parallax batch")
                    let definition = try Catalog(connection).source(named: source).definition
                    connection.close()
                    let worker = try pipeline.batchWorker(
                        definition, dsn: dsn, logger: logger,
                        observe: board.observing { [stop] step throws(ParallaxError) in
                            answer.give(.success(step.run.rawValue))
                            if stop.isSet { throw ParallaxError(.cancelled, "stopped: run \(step.run) was not published") }
                        })
                    answer.give(.success(try worker.run(source: source, full: full).run))
                } catch {
                    answer.give(.failure(error))
                }
            }
        } catch {
            underWay.leave()
            throw error
        }
        return try answer.wait()
    }

    /// The first that is given is the one.
    private final class Answer: Sendable {
        private let result = Mutex<Result<Int64, any Error>?>(nil)
        private let bell = DispatchSemaphore(value: 0)

        func give(_ value: Result<Int64, any Error>) {
            let isFirst = result.withLock { result in
                guard result == nil else { return false }
                result = value
                return true
            }
            if isFirst { bell.signal() }
        }

        func wait() throws -> Int64 {
            bell.wait()
            guard let result = result.withLock({ $0 }) else {
                throw ParallaxError(.internalInconsistency, "a run's answer was signalled and not given")
            }
            return try result.get()
        }
    }
}

extension RunDesk {
    func services(_ pipeline: Pipeline, dsn: String, logger: Logger) -> RunServices {
        @Sendable func deciding(
            _ caller: Caller, _ body: (Catalog) throws(ParallaxError) -> PersonsDecision
        ) throws -> RunServices.Decided {
            let connection = try Connection(dsn, applicationName: "parallax serve")
            defer { connection.close() }
            var catalog = Catalog(connection)
            catalog.caller = caller
            let decision = try body(catalog)
            return RunServices.Decided(source: decision.source, notes: decision.notes)
        }
        return RunServices(
            start: { source, full in try self.start(pipeline, dsn: dsn, source: source, full: full, logger: logger) },
            publish: { run, caller in
                try deciding(caller) { catalog throws(ParallaxError) in try pipeline.publish(RunNumber(run), catalog) }
            },
            discard: { run, caller in
                try deciding(caller) { catalog throws(ParallaxError) in try pipeline.discard(RunNumber(run), catalog) }
            },
            revert: { run, caller in
                try deciding(caller) { catalog throws(ParallaxError) in try pipeline.revert(to: RunNumber(run), catalog) }
            }, progress: { self.board[$0] })
    }
}
