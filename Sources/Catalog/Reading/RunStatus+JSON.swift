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
            ("held_reason", .optional(heldReason)), ("reverted", reversal?.json ?? .null),
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
        .object([("view", .string(view))] + drift.members + [("has_live_rows", hasLiveRows.map { .bool($0) } ?? .null)])
    }
}

extension OutputDrift {
    public var json: JSONText { .object(members) }

    fileprivate var members: [(String, JSONText)] {
        [
            ("output", .string(output)), ("groups", .int(groups)), ("differing", .int(differing)), ("only_merged", .int(onlyMerged)),
            ("only_batch", .int(onlyBatch)), ("merged_total", .optional(mergedTotal)), ("batch_total", .optional(batchTotal)),
            ("max_difference", .optional(maxDifference)), ("mean_difference", .optional(meanDifference)),
            ("p99_difference", .optional(p99Difference)), ("max_relative", .optional(maxRelative)),
            ("mean_relative", .optional(meanRelative)), ("p99_relative", .optional(p99Relative)), ("windows", .optional(windows)),
            ("differing_windows", .optional(differingWindows)), ("share", .optional(share)),
        ]
    }
}
