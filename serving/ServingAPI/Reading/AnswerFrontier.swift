import Catalog
import ParallaxCore

/// What an answer contains, in the words of `/v1`.
struct AnswerFrontier: Sendable {
    var sources: [SourceFrontier]
    /// Columns that may hold estimates.
    var approximate: JSONText
    /// The publication whose rows were asked for, where it is not that of now.
    var asOfRun: RunNumber?

    /// How old the answer may be; nil: nobody knows.
    var staleness: Duration? {
        var all = Duration.zero
        for source in sources {
            guard let staleness = source.staleness else { return nil }
            all = max(all, staleness)
        }
        return all
    }

    var json: JSONText {
        .object([
            ("sources", .array(sources.map(source))), ("as_of_run", .optional(asOfRun?.rawValue)), ("approximate", approximate),
            ("staleness_seconds", .optional(staleness.map(\.inSeconds))),
        ])
    }

    private func source(_ source: SourceFrontier) -> JSONText {
        let waiting: Int64 = source.parts.reduce(0) { $0 + $1.waitingRecords }
        let late: Int64 = source.parts.reduce(0) { $0 + $1.lateWaiting }
        let members: [(String, JSONText)] = [
            ("source", .string(source.name)), ("run", .int(source.run.rawValue)), ("slice", .int(source.slice.rawValue)),
            ("published_at", .optional(source.publishedAt?.text)), ("watermark", .optional(source.watermark?.text)),
            ("newest_appended_at", .optional(source.newestAppendedAt?.text)),
            ("freshness_seconds", .optional(source.freshness.map(\.inSeconds))), ("partitions", .array(source.parts.map(Self.part))),
            ("waiting_records", .int(waiting)), ("late_waiting", .int(late)), ("gaps", .array(source.gaps.map(Self.gap))),
        ]
        return .object(members)
    }

    private static func part(_ part: SourceFrontier.Part) -> JSONText {
        .object([
            ("partition", .int(Int64(part.partition.rawValue))), ("cut", .optional(part.cut?.rawValue)),
            ("next_offset", .int(part.nextOffset.rawValue)),
        ])
    }

    private static func gap(_ gap: AcceptedGap) -> JSONText {
        .object([
            ("partition", .int(Int64(gap.partition.rawValue))), ("from", .int(gap.offsets.lowerBound.rawValue)),
            ("until", .int(gap.offsets.upperBound.rawValue)), ("events_from", .optional(gap.eventsFrom?.text)),
            ("events_until", .optional(gap.eventsUntil?.text)),
        ])
    }

    /// Without times that pass by themselves: two answers with the same one hold the same rows.
    var tag: String {
        var parts: [String] = []
        for source in sources {
            parts += ["\(source.id)", "\(source.run)", "\(source.slice)", "\(source.watermark?.rawValue ?? 0)", "\(source.gaps.count)"]
            for part in source.parts { parts.append("\(part.nextOffset),\(part.waitingRecords),\(part.lateWaiting)") }
        }
        return parts.joined(separator: ";")
    }

    private static let partSchema: Schema = .object([("partition", .integer), ("cut", .nullable(.integer)), ("next_offset", .integer)])
    private static let gapSchema: Schema = .object([
        ("partition", .integer), ("from", .integer), ("until", .integer), ("events_from", .nullable(.dateTime)),
        ("events_until", .nullable(.dateTime)),
    ])
    private static let sourceSchema: Schema = .object([
        ("source", .string), ("run", .integer), ("slice", .integer), ("published_at", .nullable(.dateTime)),
        ("watermark", .nullable(.dateTime)), ("newest_appended_at", .nullable(.dateTime)), ("freshness_seconds", .nullable(.number)),
        ("partitions", .array(partSchema)), ("waiting_records", .integer), ("late_waiting", .integer), ("gaps", .array(gapSchema)),
    ])

    static let schema: Schema = .object([
        ("sources", .array(sourceSchema)), ("as_of_run", .nullable(.integer)),
        ("approximate", .array(.object([("column", .string), ("bound", .any)]))), ("staleness_seconds", .nullable(.number)),
    ])
}
