import ParallaxCore

extension ExplainedEvent {
    /// - Parameter withPayload: what it says may be about people; without it, where it is and what became of it is told.
    public func json(withPayload: Bool) -> JSONText {
        var members: [(String, JSONText)] = [
            ("partition", .int(Int64(place.partition.rawValue))), ("offset", .int(place.offset.rawValue)),
            ("appended_at", .string(appendedAt.text)), ("event_time", .string(eventTime.text)), ("fate", .string(fate.rawValue)),
            ("counted", fate.isCounted.map { .bool($0) } ?? .null),
        ]
        if withPayload {
            if fate == .refused { members.append(("message", .optional(message))) }
            // An event is JSON, and so text.
            members.append(("payload", .optional(payload.map { String(decoding: $0, as: UTF8.self) })))
        }
        return .object(members)
    }
}

extension ExplainedEvents {
    /// - Parameter next: the cursor of the next page.
    public func members(withPayloads: Bool, next: String?) -> [(String, JSONText)] {
        func total(_ fate: ExplainedEvent.Fate) -> JSONText { .int(Int64(count(fate))) }
        return [
            (
                "totals",
                .object([
                    ("batch", total(.batch)), ("live", total(.live)), ("copies", total(.copy)), ("late", total(.late)),
                    ("live_or_late", total(.liveOrLate)), ("waiting", total(.waiting)), ("refused", total(.refused)),
                ])
            ),
            ("live_share", .optional(liveShare)), ("complete", .bool(stopped == nil)), ("stopped", .optional(stopped?.rawValue)),
            (
                "stopped_at",
                stoppedAt.map { .object([("partition", .int(Int64($0.partition.rawValue))), ("offset", .int($0.offset.rawValue))]) }
                    ?? .null
            ), ("changed_tables", .array(changedTables.map { .string($0) })),
            (
                "read",
                .object([
                    ("records", .int(Int64(reading.records))), ("log_records", .int(Int64(reading.logRecords))),
                    ("segments", .int(Int64(reading.segments))), ("segments_passed_over", .int(Int64(reading.segmentsPassedOver))),
                    ("row_groups", .int(Int64(reading.rowGroups))), ("row_groups_passed_over", .int(Int64(reading.rowGroupsPassedOver))),
                ])
            ), ("events", .array(page.map { $0.json(withPayload: withPayloads) })), ("next", .optional(next)),
        ]
    }
}
