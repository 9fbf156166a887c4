import Catalog
import ParallaxCore

extension StatusReport {
    /// Its names are stable: programs read them. docs/reference/status.md says what each means.
    var json: JSONText {
        .object([
            ("up", .bool(isUp)), ("sources", .array(sources.map(\.json))), ("tables", .array(tables.map(\.json))),
            ("problems", .array(troubles.map(\.json))),
            (
                "refused_views",
                .array(
                    refused.map {
                        .object([
                            ("source", .string($0.source)), ("view", .string($0.view)), ("layer", .string($0.layer.rawValue)),
                            ("problem", .string($0.problem)),
                        ])
                    })
            ),
        ])
    }
}

extension StatusReport.Source {
    fileprivate var json: JSONText {
        let published = status.source.published
        let head: [(String, JSONText)] = [
            ("source", .string(status.source.name)), ("topic", .string(status.source.definition.topic)),
            (
                "published",
                .object([
                    ("run", .int(published.run.rawValue)), ("slice", .int(published.slice.rawValue)), ("cut", cut),
                    ("at", .optional(status.publishedAt?.text)),
                ])
            ),
            ("requested_slice", .int(status.source.requestedSlice.rawValue)), ("watermark", .optional(status.watermark?.text)),
            ("watermark_ahead_seconds", .optional(status.watermarkAhead.map { Double($0.by.microseconds) / 1e6 })),
            ("freshness_seconds", .optional(freshness.map { Double($0) / 1e6 })), ("lag", knownLag), ("log_error", logErrorJSON),
            ("troubles", .array(troubles.map(trouble))), ("late_waiting", .int(status.lateWaiting)),
            ("held_run", heldRun), ("missing", .int(missing)),
        ]
        let tail: [(String, JSONText)] = [
            ("partitions", .array(status.positions.map(partition))), ("views", .array(status.views.map(view))),
            (
                "rejected",
                .array(
                    status.rejected.map {
                        .object([
                            ("view", $0.view.isEmpty ? .null : .string($0.view)), ("reason", .string($0.reason)), ("count", .int($0.count)),
                        ])
                    })
            ),
            (
                "holes",
                .array(
                    status.holes.map {
                        .object([
                            ("partition", .int(Int64($0.partition.rawValue))), ("from", .int($0.offsets.lowerBound.rawValue)),
                            ("until", .int($0.offsets.upperBound.rawValue)),
                        ])
                    })
            ),
            (
                "problems",
                .array(
                    problems.map { problem in
                        .object([
                            ("partitions", .array(problem.partitions.map { .int(Int64($0.rawValue)) })),
                            ("code", .string(problem.error.code.rawValue)), ("problem", .string(problem.error.message)),
                            ("detail", .optional(problem.error.detail)), ("hint", .optional(problem.error.hint)),
                        ])
                    })
            ),
            ("log_clients", .array(status.logClients.map(\.json))),
            ("given_up", .array(status.givenUp.map(gap))),
            ("runs", .array(runs.map(\.json))), ("drift", .array(drift.map(\.json))),
        ]
        return .object(head + tail)
    }

    private var heldRun: JSONText {
        guard let held = status.heldRun else { return .null }
        return .object([("run", .int(held.number.rawValue)), ("reason", .string(held.reason))])
    }

    /// Null where only the log would know.
    private func known(_ position: SourceStatus.Position, _ number: Int64) -> JSONText { isKnown(position) ? .int(number) : .null }

    private var knownLag: JSONText { logError == nil ? .int(lag) : .null }
    private var logErrorJSON: JSONText { logError.map(\.json) ?? .null }

    private func trouble(_ trouble: LayerTrouble) -> JSONText {
        .object([
            ("layer", .string(trouble.layer.rawValue)), ("subject", .string(trouble.subject)), ("error", trouble.error.json),
            ("since", .string(trouble.since.text)), ("seen_at", .string(trouble.seenAt.text)), ("seen", .int(trouble.seen)),
        ])
    }

    private var cut: JSONText {
        .object(status.cut.partitions.map { ("\($0)", .int(status.cut[$0].rawValue)) })
    }

    private func partition(_ position: SourceStatus.Position) -> JSONText {
        .object([
            ("partition", .int(Int64(position.partition.rawValue))), ("next_offset", .int(position.nextOffset.rawValue)),
            ("log_end", known(position, logEnd(position).rawValue)),
            ("log_start", .optional(bounds[position.partition]?.lowerBound.rawValue)),
            ("lag", known(position, lag(position))), ("archived_offset", .int(position.archivedOffset.rawValue)),
            ("slice", .int(position.slice.rawValue)),
            ("events", .int(position.events)), ("late", .int(position.late)), ("duplicates", .int(position.duplicates)),
            ("owned", .bool(position.isOwned)), ("idle", .bool(position.isIdle)), ("flushed_at", .optional(position.flushedAt?.text)),
            ("newest_appended_at", .optional(position.newestAppendedAt?.text)),
        ])
    }

    private func gap(_ gap: AcceptedGap) -> JSONText {
        .object([
            ("partition", .int(Int64(gap.partition.rawValue))), ("from", .int(gap.offsets.lowerBound.rawValue)),
            ("until", .int(gap.offsets.upperBound.rawValue)), ("accepted_at", .string(gap.acceptedAt.text)),
            ("left_out", .bool(status.leftOut.contains(gap))),
            ("events_from", .optional(gap.eventsFrom?.text)), ("events_until", .optional(gap.eventsUntil?.text)),
        ])
    }

    private func view(_ view: SourceStatus.View) -> JSONText {
        .object([
            ("view", .string(view.name)), ("version", .optional(view.activeHash)), ("waiting_version", .optional(view.waitingHash)),
            ("held", .bool(view.isHeld)),
        ])
    }
}

extension CatalogDimension {
    fileprivate var json: JSONText {
        .object([
            ("table", .string(name)), ("schema", .string(definition.schema)), ("own", .bool(!definition.isOwned)),
            ("generation", .int(version.generation)), ("watched", .bool(isWatched)), ("leaving", .bool(isLeaving)),
            ("loaded_generation", loaded.map { .int($0.generation) } ?? .null), ("rows", loaded.map { .int($0.rows) } ?? .null),
            ("bytes", loaded.map { .int($0.bytes) } ?? .null), ("loaded_at", .optional(loaded?.at.text)), ("problem", .optional(problem)),
        ])
    }
}

extension LogClientStatus {
    fileprivate var json: JSONText {
        .object([
            ("worker", .string(worker.text)), ("host", .string(host)), ("pid", .int(Int64(pid))), ("library", .string(report.library)),
            ("brokers_up", .int(Int64(report.brokersUp))), ("brokers_known", .int(Int64(report.brokersKnown))),
            ("round_trip_seconds", .optional(Double(report.roundTripMicroseconds) / 1e6)), ("records_read", .int(report.recordsRead)),
            ("bytes_read", .int(report.bytesRead)), ("errors", .int(report.errors)), ("last_error", .optional(report.lastError)),
            ("rebalances", .int(Int64(report.rebalances))), ("lost_assignments", .int(Int64(report.lostAssignments))),
            ("reported_at", .string(reportedAt.text)),
        ])
    }
}

extension DimensionTrouble {
    var json: JSONText {
        .object([
            ("table", .string(table)), ("views", .array(views.map { .string($0) })), ("problem", .string(error.message)),
            ("hint", .optional(error.hint)),
        ])
    }
}
