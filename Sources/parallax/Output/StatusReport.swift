import Catalog
import ParallaxCore

/// What `parallax status` prints: the catalog's words, and the log's own ends.
struct StatusReport {
    struct Source {
        var status: SourceStatus
        /// What the log holds; nil for partitions that could not be read.
        var bounds: [Partition: Range<Offset>]
        var runs: [RunStatus]
        var drift: [DriftStatus]
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
        for status in try catalog.status() {
            var bounds: [Partition: Range<Offset>] = [:]
            if let log = try? pipeline.openLogForLooking(status.source.definition) {
                for position in status.positions {
                    // Brokers that are away are asked once, not once a partition.
                    guard let found = try? log.bounds(of: position.partition) else { break }
                    bounds[position.partition] = found
                }
            }
            let runs = try catalog.runs(source: status.source.name, limit: 5)
            let published = status.source.published.run
            sources.append(
                Source(status: status, bounds: bounds, runs: runs, drift: published == .none ? [] : try catalog.drift(run: published)))
        }
    }
}

extension StatusReport.Source {
    func logEnd(_ position: SourceStatus.Position) -> Offset { max(bounds[position.partition]?.upperBound ?? .zero, position.logEnd) }
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
        return (isUp ? "up\n" : "not up\n") + sources.map { "\n" + $0.text }.joined() + refusedText + tablesText
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
        for dimension in tables where dimension.isLeaving { text += "LEAVING     table \(dimension.name) goes with the next publication\n" }
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
        lines.append("  freshness   \(freshness.map { Duration.microseconds($0).rough } ?? "no record yet")")
        lines.append("  lag         \(grouped(Int(lag))) records")
        lines.append(
            "  late        \(grouped(Int(late))) left to the batch layer, \(grouped(Int(status.lateWaiting))) of them not in it yet")
        lines.append("  duplicates  \(grouped(Int(duplicates))) dropped by the speed layer")
        for hole in status.holes {
            lines.append(
                "  MISSING     partition \(hole.partition), offsets \(hole.offsets.lowerBound) up to \(hole.offsets.upperBound): in no answer "
                    + "until a batch run is published")
        }
        for gap in status.givenUp {
            lines.append(
                "  GIVEN UP    partition \(gap.partition), offsets \(gap.offsets.lowerBound) up to \(gap.offsets.upperBound): in no answer, by a "
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
                    + (view.isComputed ? ": parallax diff, then parallax promote or abandon" : "; the next batch run computes it"))
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
        let differing = drift.filter { $0.differing + $0.onlyMerged + $0.onlyBatch > 0 }
        if published.run != .none {
            output += "\n  drift of run \(published.run): "
            output += DriftStatus.summary(drift) + "\n"
            if !differing.isEmpty { output += indented(DriftStatus.table(differing).text()) }
        }
        return output
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
                "\(position.partition)", "\(position.nextOffset)", "\(logEnd(position))", "\(lag(position))", "\(position.archivedOffset)",
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
            let took = run.finishedAt.map { Duration.microseconds($0.rawValue - run.startedAt.rawValue).rough } ?? ""
            table.rows.append(["\(run.number)", run.stateText, "\(ago(run.startedAt)) ago", took])
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
