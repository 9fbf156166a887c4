import Catalog
import ParallaxCore

/// What `parallax status` prints: the catalog's words, and the log's own ends.
struct StatusReport {
    struct Source {
        var status: SourceStatus
        /// What the log holds; empty where it could not be asked.
        var bounds: [Partition: Range<Offset>]
        /// Why not: then lags and log ends are what a speed worker saw last.
        var logError: ParallaxError?
        /// What layers cannot do for the source now.
        var troubles: [LayerTrouble]
        var runs: [RunStatus]
        var drift: [DriftStatus]
        /// Why the source stands still, or would: what its workers said, and what its log shows now.
        var problems: [SourceStatus.Problem]
    }

    var isUp: Bool
    var sources: [Source] = []
    /// The tables that views join.
    var tables: [CatalogDimension]
    /// Those that cannot be read as views need them, as far as it shows from outside.
    var troubles: [DimensionTrouble]
    /// Versions whose rows PostgreSQL refuses.
    var refused: [ViewTrouble]

    init(_ catalog: Catalog, _ pipeline: Pipeline) throws(ParallaxError) {
        isUp = UpLock.holder(pipeline.upLock) != nil
        tables = try catalog.dimensions()
        troubles = try catalog.dimensionTroubles()
        refused = try catalog.viewTroubles()
        let layerTroubles = try catalog.troubles()
        var away: ParallaxError?
        for status in try catalog.status() {
            let (bounds, found, logError) = Self.ask(pipeline, catalog, status, away)
            // Brokers that are away are asked once, not once a source.
            if logError?.code == .unavailable { away = logError }
            var problems = status.problems
            if let found, !problems.contains(where: { $0.error.code == .anotherLog }) {
                problems.append(SourceStatus.Problem(partitions: [], error: found))
            }
            let runs = try catalog.runs(source: status.source.name, limit: 5)
            let published = status.source.published.run
            sources.append(
                Source(
                    status: status, bounds: bounds, logError: logError, troubles: layerTroubles.filter { $0.source == status.source.name },
                    runs: runs, drift: published == .none ? [] : try catalog.drift(run: published), problems: problems))
        }
    }
}

extension StatusReport {
    /// What the log holds, and why it is not the one that the source's positions belong to, where that shows.
    private static func ask(
        _ pipeline: Pipeline, _ catalog: Catalog, _ status: SourceStatus, _ away: ParallaxError?
    ) -> (bounds: [Partition: Range<Offset>], anotherLog: ParallaxError?, error: ParallaxError?) {
        if let away { return ([:], nil, away) }
        do throws(ParallaxError) {
            let look = try pipeline.look(at: status.source, catalog, try pipeline.openLogForLooking(status.source.definition))
            return (look.bounds, look.anotherLog, nil)
        } catch {
            return ([:], nil, error)
        }
    }

    /// Everything that somebody should mend, the worst first: what `--check` is asked for.
    var problems: [ParallaxError] {
        sources.flatMap { $0.problems.map(\.error) } + sources.compactMap(\.logError) + sources.flatMap { $0.troubles.map(\.error) }
            + sources.compactMap(\.missingRecords) + sources.compactMap(\.notRead)
            + refused.map {
                ParallaxError(.database, "PostgreSQL refuses the rows of view \"\($0.view)\": \($0.problem)", hint: ViewTrouble.hint)
            }
            + troubles.map(\.error)
            + tables.filter { table in !troubles.contains { $0.table == table.name } }.compactMap { table in
                if let problem = table.problem { return ParallaxError(.database, "table \"\(table.name)\": \(problem)") }
                return table.isWatched
                    ? nil : ParallaxError(.database, "table \"\(table.name)\" is not watched", hint: "run parallax apply")
            }
    }
}

extension StatusReport.Source {
    fileprivate var missingRecords: ParallaxError? {
        guard missing > 0 else { return nil }
        return ParallaxError(
            .offsetGone,
            "\(counted(missing, "offset")) of source \"\(status.source.name)\" \(missing == 1 ? "is" : "are") in no answer",
            hint: "run parallax batch run")
    }

    /// Nothing new comes into the live rows from partitions that no living speed worker has, whichever process it would be.
    fileprivate var notRead: ParallaxError? {
        let unread = status.positions.filter { !$0.isOwned }.map(\.partition)
        guard !unread.isEmpty || status.positions.isEmpty else { return nil }
        let which =
            unread.count == status.positions.count
            ? "source \"\(status.source.name)\"" : "\(Self.named(unread)) of source \"\(status.source.name)\""
        return ParallaxError(
            .unavailable, "no speed worker reads \(which)",
            hint: "start one: parallax up; or parallax speed, where the layers run one by one")
    }

    /// `partition 3`, `partitions 1, 3`.
    private static func named(_ partitions: [Partition]) -> String {
        (partitions.count == 1 ? "partition " : "partitions ") + partitions.map(\.description).joined(separator: ", ")
    }

    /// A partition that the log has, by its own word: nothing else knows where it ends.
    func isKnown(_ position: SourceStatus.Position) -> Bool { bounds[position.partition] != nil }

    /// The log's own word comes first: what the worker saw last is older, and may lie behind the last stable offset.
    func logEnd(_ position: SourceStatus.Position) -> Offset {
        max(bounds[position.partition]?.upperBound ?? position.logEnd, position.nextOffset)
    }
    func lag(_ position: SourceStatus.Position) -> Int64 { max(0, logEnd(position) - position.nextOffset) }
    var lag: Int64 { status.positions.reduce(0) { $0 + lag($1) } }

    /// Microseconds: now minus the append time of the newest record in the merged view; nil before the first.
    var freshness: Int64? {
        status.positions.compactMap(\.newestAppendedAt).max().map { max(0, status.now.rawValue - $0.rawValue) }
    }

    /// Offsets that are in no answer.
    var missing: Int64 { status.holes.reduce(0) { $0 + ($1.offsets.upperBound - $1.offsets.lowerBound) } }
}

extension StatusReport {
    var text: String {
        if sources.isEmpty { return "no sources are applied\n" }
        return headline + sources.map { "\n" + $0.text }.joined() + refusedText + tablesText
    }

    /// Layers may well run one by one, without `parallax up`.
    private var headline: String {
        if isUp { return "up\n" }
        return sources.allSatisfy({ $0.notRead == nil }) ? "not up; speed workers of other processes read the logs\n" : "not up\n"
    }

    private var refusedText: String {
        guard !refused.isEmpty else { return "" }
        let lines = refused.map { trouble in
            let what =
                trouble.layer == .speed ? "live rows, nothing is read from source \(trouble.source) meanwhile" : "rows, no run is published"
            return "PROBLEM     view \(trouble.view): PostgreSQL refuses its \(what). \(trouble.problem.replacing("\n", with: "; "))\n"
        }
        return "\n" + lines.joined() + "            HINT:  \(ViewTrouble.hint)\n"
    }

    private var tablesText: String {
        guard !tables.isEmpty else { return "" }
        var table = Table(("table", .left), ("generation", .right), ("rows in memory", .right), ("read", .left))
        for dimension in tables {
            table.rows.append([
                dimension.name, "\(dimension.version.generation)", dimension.loaded.map { grouped(Int($0.rows)) } ?? "",
                dimension.loaded.map { "generation \($0.generation), \($0.at.text)" } ?? "not yet",
            ])
        }
        var text = "\n" + table.text()
        for trouble in troubles {
            text += "PROBLEM     \(trouble.error.message): nothing is read meanwhile\n"
            if let hint = trouble.error.hint { text += "            HINT:  \(hint)\n" }
        }
        for dimension in tables where !troubles.contains(where: { $0.table == dimension.name }) {
            if let problem = dimension.problem { text += "PROBLEM     table \(dimension.name): nothing is read meanwhile. \(problem)\n" }
            if !dimension.isWatched {
                text += "PROBLEM     table \(dimension.name) was dropped, made anew, or lost its trigger: run parallax apply\n"
            }
        }
        for dimension in tables where dimension.isLeaving {
            text += "LEAVING     table \(dimension.name) is dropped with the next publication\n"
        }
        return text
    }
}

extension StatusReport.Source {
    fileprivate var text: String {
        let published = status.source.published
        let late = status.positions.reduce(0) { $0 + $1.late }
        let duplicates = status.positions.reduce(0) { $0 + $1.duplicates }
        var lines = ["source \(status.source.name)"]
        lines.append(
            "  published   "
                + (published.run == .none
                    ? "nothing yet: all rows are live"
                    : "run \(published.run), cut \(status.cut)" + (status.publishedAt.map { ", \(ago($0)) ago" } ?? "")))
        lines.append("  slices      served live from \(published.slice), newest \(status.source.requestedSlice)")
        lines.append("  watermark   \(status.watermark?.text ?? "none yet")")
        if let ahead = status.watermarkAhead {
            lines.append("  AHEAD       \(ahead.text): parallax watermark \(status.source.name) --reset")
        }
        lines.append("  freshness   \(freshness.map { Duration.microseconds($0).rough } ?? "no record yet")")
        let behind = counted(lag, "record")
        lines.append(logError == nil ? "  lag         \(behind)" : "  lag         unknown: \(behind) when a worker last looked")
        if let notRead {
            lines.append("  NOT READ    \(notRead.message)")
            if let hint = notRead.hint { lines.append("              HINT:  \(hint)") }
        }
        if let logError { lines += Self.problem("the log cannot be asked: \(logError.message)", logError) }
        for trouble in troubles {
            let times = trouble.seen > 1 ? ", \(grouped(trouble.seen)) times, last \(ago(trouble.seenAt)) ago" : ""
            lines += Self.problem(
                "\(trouble.layer.rawValue), \(trouble.subject): \(trouble.error.message) (since \(ago(trouble.since))\(times))",
                trouble.error)
        }
        lines.append(
            "  late        \(grouped(Int(late))) left to the batch layer, \(grouped(Int(status.lateWaiting))) of them not in it yet")
        lines.append("  duplicates  \(grouped(Int(duplicates))) dropped by the speed layer")
        for problem in problems {
            let of = problem.partitions.isEmpty ? "" : "\(Self.named(problem.partitions)): "
            lines += Self.problem("\(of)\(problem.error.message): nothing is read on", problem.error)
        }
        for hole in status.holes {
            lines.append(
                "  MISSING     partition \(hole.partition), offsets \(hole.offsets.lowerBound) up to \(hole.offsets.upperBound): in no answer "
                    + "until a batch run is published")
        }
        for gap in status.givenUp {
            let whose =
                status.leftOut.contains(gap) ? "in no answer" : "in no answer from the next batch run on (until then, rows may count them)"
            lines.append(
                "  GIVEN UP    partition \(gap.partition), offsets \(gap.offsets.lowerBound) up to \(gap.offsets.upperBound): \(whose), by a "
                    + "decision of \(gap.acceptedAt.text); windows \(gap.windows) are not exact")
        }
        if let held = status.heldRun {
            lines.append(
                "  HELD        run \(held.number), and with it every run after: parallax batch publish \(held.number), or parallax batch discard "
                    + "\(held.number)")
            lines += held.reason.split(separator: "\n").map { "              \($0)" }
        }
        for view in status.views where view.isHeld {
            lines.append(
                "  HELD        view \(view.name) has a new version that is held"
                    + (view.isComputed
                        ? ": parallax diff \(view.name), then parallax promote \(view.name) or parallax abandon \(view.name)"
                        : "; the next batch run computes it"))
        }
        for view in status.views where view.needsRun && !view.isHeld {
            if let obstacle = view.obstacle {
                lines.append(
                    "  WAITING     view \(view.name) has a new version, and something is in its way: the next batch run tries again")
                lines += obstacle.split(separator: "\n").map { "              \($0)" }
                continue
            }
            let version = view.activeHash == nil ? "is not served yet" : "has a new version"
            lines.append("  WAITING     view \(view.name) \(version): the next batch run publishes it")
        }
        var output = lines.joined(separator: "\n") + "\n\n"
        output += indented(positions.text())
        if !status.logClients.isEmpty { output += "\n" + indented(logClients.text()) }
        for client in status.logClients {
            guard let error = client.report.lastError else { continue }
            output += "  last trouble of process \(client.pid) on \(client.host): \(error)\n"
        }
        if !status.rejected.isEmpty { output += "\n" + indented(rejected.text()) }
        if !runs.isEmpty { output += "\n" + indented(runTable.text()) }
        let differing = drift.filter(\.drift.isDifferent)
        if published.run != .none {
            let summary = DriftStatus.summary(drift)
            output += "\n  drift of run \(published.run):" + (summary.isEmpty ? "" : " " + summary) + "\n"
            if !differing.isEmpty { output += indented(DriftStatus.table(differing).text()) }
        }
        return output
    }

    private static func problem(_ headline: String, _ error: ParallaxError) -> [String] {
        var lines = ["  PROBLEM     \(headline)"]
        if let detail = error.detail { lines += detail.split(separator: "\n").map { "              \($0)" } }
        if let hint = error.hint { lines.append("              HINT:  \(hint)") }
        return lines
    }

    private func ago(_ instant: Instant) -> String { Duration.microseconds(max(0, status.now.rawValue - instant.rawValue)).rough }

    private func indented(_ text: String) -> String {
        text.split(separator: "\n").map { "  \($0)\n" }.joined()
    }

    private var positions: Table {
        var table = Table(
            ("partition", .right), ("processed", .right), ("log end", .right), ("lag", .right), ("archived", .right), ("slice", .right),
            ("events", .right), ("late", .right), ("duplicates", .right), ("worker", .left))
        for position in status.positions {
            table.rows.append([
                "\(position.partition)", "\(position.nextOffset)", isKnown(position) ? "\(logEnd(position))" : "?",
                isKnown(position) ? "\(lag(position))" : "?", "\(position.archivedOffset)",
                "\(position.slice)", "\(position.events)", "\(position.late)", "\(position.duplicates)",
                position.isOwned ? (position.isIdle ? "idle" : "working") : "none",
            ])
        }
        return table
    }

    private var logClients: Table {
        var table = Table(
            ("client", .left), ("brokers up", .right), ("round trip", .right), ("read", .right), ("errors", .right), ("rebalances", .right),
            ("lost", .right), ("library", .left), ("said", .left))
        for client in status.logClients {
            let report = client.report
            table.rows.append([
                "\(client.host):\(client.pid)", "\(report.brokersUp) of \(report.brokersKnown)",
                Duration.microseconds(report.roundTripMicroseconds).rough, grouped(Int(report.recordsRead)), "\(report.errors)",
                "\(report.rebalances)", "\(report.lostAssignments)", report.library, "\(ago(client.reportedAt)) ago",
            ])
        }
        return table
    }

    private var rejected: Table {
        var table = Table(("rejected", .right), ("reason", .left), ("by", .left))
        for row in status.rejected {
            table.rows.append([grouped(Int(row.count)), row.reason, row.view.isEmpty ? "source" : "view \(row.view)"])
        }
        return table
    }

    private var runTable: Table {
        var table = Table(("run", .right), ("state", .left), ("began", .left), ("took", .right))
        for run in runs {
            table.rows.append(["\(run.number)", run.stateText, "\(ago(run.startedAt)) ago", run.took])
        }
        return table
    }
}

extension AcceptedGap {
    /// Which windows may lack the records, in words.
    fileprivate var windows: String {
        switch (eventsFrom, eventsUntil) {
        case (nil, nil): "of all times"
        case (let from?, nil): "from \(from.text) on"
        case (nil, let until?): "before \(until.text)"
        case (let from?, let until?): "from \(from.text) to \(until.text)"
        }
    }
}
