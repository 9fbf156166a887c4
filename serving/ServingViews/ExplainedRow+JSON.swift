import Catalog
import Explanation
import ParallaxCore
import ViewLanguage

extension ExplainedRow {
    /// Everything but the events, as `parallax explain --json` and the HTTP API say it.
    ///
    /// - Parameter value: PostgreSQL's text of a value of a type, as JSON.
    public func members(value: (UInt32, String?) -> JSONText) -> [(String, JSONText)] {
        func object(_ row: Values) -> JSONText {
            .object(
                zip(version.plan.outputs, zip(types, row.values)).map { ($0.name, value($1.0, $1.1)) }
                    + [("is_exact", .bool(row.isExact)), ("is_closed", .bool(row.isClosed))])
        }
        func number(_ offset: Offset) -> JSONText { .int(offset.rawValue) }
        return [
            ("view", .string(version.viewName)), ("version", .string(version.hash)), ("definition", .string(version.selectText)),
            ("row", object(merged)), ("batch_rows", .array(batch.map(object))), ("live_rows", .array(live.map(object))),
            ("source", .string(frontier.name)), ("run", .int(frontier.run.rawValue)), ("slice", .int(frontier.slice.rawValue)),
            ("published_at", .optional(frontier.publishedAt?.text)),
            (
                "cut",
                .object(frontier.parts.map { ("\($0.partition)", .optional($0.cut?.rawValue)) })
            ),
            (
                "slices",
                .array(
                    slices.map { slice in
                        .object([
                            ("slice", .int(slice.slice.rawValue)), ("partition", .int(Int64(slice.partition.rawValue))),
                            ("from", number(slice.offsets.lowerBound)), ("until", number(slice.offsets.upperBound)),
                            ("unread_until", number(slice.unread.upperBound)), ("in_row", .bool(slicesOfRow.contains(slice.slice))),
                        ])
                    })
            ),
            ("late_waiting", .int(late.values.reduce(0, +))), ("waiting_records", .int(waitingRecords)),
            (
                "gaps",
                .array(
                    gaps.map { gap in
                        .object([
                            ("partition", .int(Int64(gap.partition.rawValue))), ("from", number(gap.offsets.lowerBound)),
                            ("until", number(gap.offsets.upperBound)), ("events_from", .optional(gap.eventsFrom?.text)),
                            ("events_until", .optional(gap.eventsUntil?.text)),
                        ])
                    })
            ), ("drift", .array(drift.map(Self.json))),
            ("compared_row", compared.map { .number($0.json) } ?? .null),
        ]
    }

    private static func json(_ drift: OutputDrift) -> JSONText {
        .object([
            ("column", .string(drift.output)), ("groups", .int(drift.groups)), ("differing", .int(drift.differing)),
            ("only_merged", .int(drift.onlyMerged)), ("only_batch", .int(drift.onlyBatch)),
            ("max_difference", .optional(drift.maxDifference)), ("share", .optional(drift.share)),
        ])
    }
}
