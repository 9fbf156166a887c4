import Catalog
import Explanation
import ParallaxCore

extension ExplainedRow {
    /// Changes whenever the row is another one: a page of its events goes on only where it is not.
    private var fingerprint: String {
        var hash = FNV1a()
        var parts = [version.hash, "\(version.id)", "\(key.window ?? 0)", "\(key.sessionLast ?? 0)"]
        parts += key.groups.map { $0.map { "=" + $0 } ?? "-" }
        for part in parts {
            hash.add(part)
            // No byte of UTF-8.
            hash.add(0xFF)
        }
        return String(hash.value, radix: 36)
    }

    /// What to ask for the row's events.
    ///
    /// - Parameter cursor: of the page before. It was another program's to keep: what it says is checked against the row, and narrows at most what is read.
    /// Throws `.conflict` where it is of another row, or of another publication.
    public func question(limit: Int, after cursor: EventCursor? = nil) throws(ParallaxError) -> EventQuestion {
        var (cut, ends) = (Cut(), Cut())
        for part in frontier.parts {
            cut[part.partition] = part.cut ?? .zero
            ends[part.partition] = part.nextOffset
        }
        var unread: [Partition: [Range<Offset>]] = [:]
        for slice in slices where !slice.unread.isEmpty { unread[slice.partition, default: []].append(slice.unread) }
        var question = EventQuestion(
            plan: version.plan, key: key, partitions: frontier.parts.map(\.partition), cut: cut, ends: ends, unread: unread, late: late,
            limit: limit)
        guard let cursor else { return question }
        guard cursor.row == fingerprint, cursor.run == frontier.run.rawValue, cursor.slice == frontier.slice.rawValue else {
            throw ParallaxError(
                .conflict, "the row is not the one of the first page: events have come to it, or another run was published",
                hint: "ask for the first page again")
        }
        for (partition, end) in cursor.ends {
            guard let partition = Int32(partition).map(Partition.init(rawValue:)), question.ends.boundaries[partition] != nil else {
                continue
            }
            question.ends[partition] = min(question.ends[partition], max(Offset(end), question.cut[partition]))
        }
        question.late = Dictionary(cursor.late.compactMap { name, count in Int64(name).map { ($0, count) } }) { first, _ in first }
        question.after = LogPlace(Partition(rawValue: cursor.partition), Offset(cursor.offset))
        return question
    }

    /// Where the next page begins; nil: there is none.
    public func cursor(behind events: ExplainedEvents, of question: EventQuestion) -> EventCursor? {
        guard events.hasMore, let last = events.page.last else { return nil }
        return EventCursor(
            row: fingerprint, run: frontier.run.rawValue, slice: frontier.slice.rawValue,
            ends: Dictionary(uniqueKeysWithValues: question.ends.boundaries.map { ("\($0.key)", $0.value.rawValue) }),
            late: Dictionary(uniqueKeysWithValues: question.late.map { ("\($0.key)", $0.value) }),
            partition: last.place.partition.rawValue, offset: last.place.offset.rawValue)
    }
}
