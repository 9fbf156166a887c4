import BatchLayer
import Catalog
import Operators
import ParallaxCore
import ViewLanguage

/// What the computing phases leave: the engine with every view's states, and how it came to them.
struct Computed {
    var views: [RunView]
    var scope: RunScope
    var engine: BatchEngine
    /// Records below the cut that are no event: in the whole pass where it read everything, else only those at or above the base's cut.
    var rejected: [RejectionReason: Int]
    /// What the speed layer put into no view of the records between the base and the cut; nil where that was not written down, or the speed layer never
    /// read all of them.
    var leftOut: [Partition: LeftOutRecords]?
}

extension RunExecution {
    func compute(_ wanted: [RunView], base: Cut, cut: Cut) throws(ParallaxError) -> Computed {
        var views = wanted
        try begin(.verifying)
        let all = try worker.archive.segments(below: cut)
        try Coverage(of: all, below: cut).check(source: source.name)
        var verified: Set<Segment> = []

        let plans = views.map(\.version.plan)
        let tables = try Dimensions(dimensions.tables, for: plans)
        var touched = TouchedWindows(
            plans: plans, reasons: views.map(\.reason), source: source.definition, base: base, cut: cut, dimensions: tables)
        var newest = newestEventTime(plans, base: base, cut: cut, segments: all)
        if !views.allSatisfy(\.reason.isEverything) || views.isEmpty || newest != nil {
            // What is new to the look for touched windows, or to the newest event time, which begins with history where nobody has looked.
            let new = RunScope.newSegments(of: all, base: newest?.base ?? base, cut: cut)
            try verify(new, &verified)
            try begin(.looking)
            try read(new, columns: touched.columns) { (batch) throws(ParallaxError) in
                touched.add(batch)
                newest?.add(batch)
            }
            if let newest { try keep(newest) }
        }
        report.skippedRecords = try catalog.skippedRecords(of: run)
        let leftOut = report.skippedRecords == 0 ? try catalog.leftOut(of: run) : nil
        var sessions: [Int: EventTimeRanges] = [:]
        for (index, view) in views.enumerated() where view.reason == .sessions {
            if let rows = touched.takeSessions(ofPlan: index) { sessions[index] = try reach(view, rows) }
        }

        while true {
            let scope = RunScope(
                plans: plans, reasons: views.map(\.reason), touched: touched, sessions: sessions, base: base, cut: cut,
                cutWatermark: cutWatermark)
            let segments = scope.segments(of: all)
            try begin(.verifying)
            try verify(segments, &verified)

            try begin(.computing)
            let events = segments.reduce(0) { $0 + $1.events }
            let engine = try BatchEngine(
                source: source.definition, scope: scope, limits: settings.limits, dimensions: tables, leftOut: leftOut,
                expectedEvents: scope.readsEverything ? events : 0)
            try read(segments, columns: scope.sourceColumns) { (batch) throws(ParallaxError) in try engine.add(batch) }

            report.recordsRead += engine.statistics.records
            report.eventsRead += engine.statistics.events
            report.duplicates = engine.statistics.duplicates
            report.segmentsRead += segments.count
            report.bytesRead += segments.reduce(0) { $0 + $1.bytes }
            guard engine.statistics.movedCopies > 0 else {
                return Computed(
                    views: views, scope: scope, engine: engine,
                    rejected: scope.readsEverything ? engine.statistics.rejected : touched.statistics.rejected,
                    leftOut: leftOut)
            }
            // Once: then no view's scope needs it any more.
            for index in views.indices where scope.views[index].extent.needsSameCopies { views[index].reason = .copyMoved }
        }
    }

    /// The sessions that the new events of a view reach, in a temporary table; returns their times.
    private func reach(_ view: RunView, _ rows: StateRows) throws(ParallaxError) -> EventTimeRanges {
        guard let gap = view.version.plan.window?.kind.sessionGap else { preconditionFailure("\(view.version.viewName) has no sessions") }
        let sql = StagingSQL(view, base: run.base.run.rawValue, run: run.number.rawValue)
        for statement in sql.createNewSessions(rows.layout) { try connection.execute(statement) }
        try copy(rows, sql.copyIntoNewSessions(rows.layout), prefix: [])
        try connection.execute("ANALYZE \(sql.newSessions)")
        try connection.execute(sql.createReached(gap: gap))
        try connection.execute("ANALYZE \(sql.reached)")
        var ranges: [Range<Int64>] = []
        for row in try connection.query(sql.reachedTimes).rows {
            let (first, last) = (try row.int(0), try row.int(1))
            ranges.append(first..<(last + 1))
        }
        return EventTimeRanges(ranges)
    }

    /// What the look for new records is to find beside touched windows: nil where no view asks for it, and the chain from publication to
    /// publication is broken already. It begins anew where the source's event times are others.
    private func newestEventTime(_ plans: [Plan], base: Cut, cut: Cut, segments: [Segment]) -> NewestEventTime? {
        let known = NewestEventTime.Found(newest: baseEventTimes.newest?.rawValue, leader: baseEventTimes.leader?.rawValue)
        let isKnown = known != NewestEventTime.Found()
        guard isKnown || plans.contains(where: { $0.retention != nil }) else { return nil }
        return NewestEventTime(
            known: known, base: isKnown ? base : Cut(), cut: cut, segments: segments, eventTimeColumn: source.definition.eventTimeColumn,
            appendTime: source.definition.appendTime, maxFutureSkew: settings.maxFutureSkew)
    }

    private func keep(_ newest: NewestEventTime) throws(ParallaxError) {
        let before = baseEventTimes.cutWatermark
        cutWatermark = before
        let (confirmed, leader) = (
            newest.found.newest.map { Instant(microseconds: $0) }, newest.found.leader.map { Instant(microseconds: $0) }
        )
        // Never back: windows that left with an earlier publication stay away, also where out_of_orderness has grown since.
        if let watermark = confirmed?.earlier(by: source.definition.outOfOrderness) { cutWatermark = max(watermark, before ?? watermark) }
        report.cutWatermark = cutWatermark
        try catalog.setEventTimes(
            run,
            .init(
                newest: confirmed, leader: leader, cutWatermark: cutWatermark,
                form: source.definition.eventTimeForm))
    }

    private func read(
        _ segments: [Segment], columns: Set<Int>, _ body: (EventBatch) throws(ParallaxError) -> Void
    ) throws(ParallaxError) {
        let total = segments.reduce(0) { $0 + $1.records }
        var records = 0
        let stream = SegmentStream(worker.archive, segments, columns: columns, depth: settings.batchesAhead)
        // Also where the body throws: nobody reads the archive when a run has ended.
        defer { stream.abandon() }
        while let batch = try stream.next() {
            try body(batch)
            records += batch.count
            try progress(records: records, of: total)
        }
    }

    /// Compares checksums, and names every segment that fails rather than the first.
    private func verify(_ segments: [Segment], _ verified: inout Set<Segment>) throws(ParallaxError) {
        var failures: [(Segment, ParallaxError)] = []
        for segment in segments where verified.insert(segment).inserted {
            do { try worker.archive.verify(segment) } catch {
                guard error.code == .corrupt || error.code == .missing else { throw error }
                failures.append((segment, error))
            }
            try progress()
        }
        guard let first = failures.first else { return }
        let named = failures.prefix(Self.mostFailuresNamed).map { segment, error in
            "partition \(segment.partition): offsets [\(segment.offsets.lowerBound), \(segment.offsets.upperBound)) in \(segment.name): "
                + error.message
        }
        let more = failures.count > named.count ? ["and \(failures.count - named.count) more"] : []
        throw ParallaxError(
            first.1.code, "\(failures.count) archived segments of source \"\(source.name)\" cannot be read: nothing was published",
            detail: (named + more).joined(separator: "\n"), hint: first.1.hint ?? "bring the segments back from a backup")
    }

    private static let mostFailuresNamed = 20
}
