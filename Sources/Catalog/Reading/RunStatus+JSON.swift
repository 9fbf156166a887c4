import ParallaxCore

/// As `parallax batch show --json` and the HTTP API say it. Names are stable: programs read them.
extension RunStatus {
    public var json: JSONText {
        .object([
            ("run", .int(number.rawValue)), ("source", .string(source)), ("state", .string(state)), ("interrupted", .bool(isInterrupted)),
            ("current", .bool(isPublished)),
            ("kept", .bool(isKept)), ("full", .bool(isFull)), ("slice", .int(slice.rawValue)), ("base_run", .int(base.run.rawValue)),
            ("base_slice", .int(base.slice.rawValue)), ("cut", cutJSON.map { .number($0) } ?? .null),
            ("started_at", .string(startedAt.text)),
            ("finished_at", .optional(finishedAt?.text)), ("statistics", .number(statisticsJSON)), ("error", .optional(error)),
            ("held_reason", .optional(heldReason)),
        ])
    }

    /// Its state will not change by the run's own doing.
    public var hasEnded: Bool {
        switch RunState(rawValue: state) {
        case .requested, .archiving, .computing, .staged: isInterrupted
        case .held, .published, .failed, .reverted, .discarded, nil: true
        }
    }
}

extension DriftStatus {
    public var json: JSONText {
        .object([
            ("view", .string(view)), ("output", .string(drift.output)), ("groups", .int(drift.groups)),
            ("differing", .int(drift.differing)), ("only_merged", .int(drift.onlyMerged)), ("only_batch", .int(drift.onlyBatch)),
            ("merged_total", .optional(drift.mergedTotal)),
            ("batch_total", .optional(drift.batchTotal)), ("max_difference", .optional(drift.maxDifference)),
            ("share", .optional(drift.share)), ("has_live_rows", hasLiveRows.map { .bool($0) } ?? .null),
        ])
    }
}
