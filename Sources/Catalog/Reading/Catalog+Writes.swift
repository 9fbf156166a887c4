import ParallaxCore
import Postgres

/// What of a source's log is in the answers of one snapshot.
///
///     record at offset o of partition p is in the answers  ⟺  o < processed(p), and no hole of p holds o
///
/// An event that the speed layer left to the batch layer as late counts as processed: the frontier tells of it (`late_waiting`).
public struct AnsweredPositions: Sendable, Hashable {
    public struct Part: Sendable, Hashable {
        /// In the source's offsets.
        public var processed: Offset = .zero
        /// Offsets that a run took over from a speed layer that was down: they come with the next publication.
        public var holes: [Range<Offset>] = []
        /// A living speed worker reads it.
        public var isRead = false
        public init() {}

        mutating func note(_ processed: Offset, _ isRead: Bool, _ hole: Range<Offset>?) {
            (self.processed, self.isRead) = (processed, isRead)
            if let hole { holes.append(hole) }
        }
    }

    public var source: String
    /// Nil: no layer has opened the log yet.
    public var binding: LogBinding?
    public var parts: [Partition: Part] = [:]
    /// Why a partition stands still, as a worker said it.
    public var problemCode: String?
    public var problemMessage: String?

    public init(source: String) { self.source = source }

    public var unreadPartitions: Int { parts.values.count { !$0.isRead } }

    /// Whoever appends now hears that nobody reads on: positions are those of another log.
    public var belongsToAnotherLog: Bool { problemCode == ParallaxError.Code.anotherLog.rawValue }
}

/// How far what was written is from being in the answers of a snapshot.
public struct WriteProgress: Sendable, Hashable {
    /// Offsets below the token's ends that the speed layer has not processed.
    public var behind: Int64 = 0
    /// Those that come with the next publication alone.
    public var waiting: Int64 = 0
    /// Partitions of them that no living speed worker reads.
    public var unreadPartitions = 0
    /// Why one of them stands still.
    public var problem: String?

    public init() {}
    public var isVisible: Bool { behind == 0 && waiting == 0 }

    /// `12 records behind`.
    public var words: String {
        var parts: [String] = []
        if behind > 0 { parts.append("\(counted(behind, "record")) behind") }
        if waiting > 0 { parts.append("\(counted(waiting, "record")) \(waiting == 1 ? "waits" : "wait") for a publication") }
        return parts.isEmpty ? "visible" : parts.joined(separator: ", ")
    }

    /// What keeps it, where that is known.
    public var detail: String? {
        var sentences: [String] = []
        if unreadPartitions > 0 {
            sentences.append(
                "No living speed worker reads \(counted(unreadPartitions, "partition")) of them: parallax up, or parallax speed, does.")
        }
        if let problem { sentences.append("The speed layer says: \(problem)") }
        return sentences.isEmpty ? nil : sentences.joined(separator: " ")
    }

    public var json: [(String, JSONText)] {
        [
            ("behind_records", .int(behind)), ("waiting_records", .int(waiting)), ("unread_partitions", .int(Int64(unreadPartitions))),
            ("problem", .optional(problem)),
        ]
    }
}

extension AnsweredPositions {
    /// Throws `.anotherLog` where the token's offsets are those of another log than the source's, or of a part of it that is not read.
    public func progress(of token: WriteToken) throws(ParallaxError) -> WriteProgress {
        if let binding, token.log.contradicts(binding.identity) {
            throw notThisLog(token, "The token: \(token.log). The source: \(binding.identity).")
        }
        var progress = WriteProgress()
        for (partition, ownEnd) in token.ends {
            if let start = binding?.starts.last(where: { $0.partition == partition }), ownEnd <= start.own {
                throw notThisLog(
                    token, "The log was adopted from offset \(start.own) of partition \(partition) on, behind what was written.")
            }
            let part = parts[partition] ?? Part()
            // A token may say any number: nothing overflows.
            let end = Offset(Self.sum(ownEnd.rawValue, binding?.shift(partition) ?? 0))
            let behind = max(0, end.rawValue - part.processed.rawValue)
            progress.behind = Self.sum(progress.behind, behind)
            for hole in part.holes where hole.lowerBound < end {
                progress.waiting += min(hole.upperBound, end).rawValue - hole.lowerBound.rawValue
            }
            if behind > 0, !part.isRead { progress.unreadPartitions += 1 }
        }
        if progress.behind > 0 { progress.problem = problemMessage }
        return progress
    }

    /// At most the largest number, and at least 0.
    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max : max(0, sum)
    }

    private func notThisLog(_ token: WriteToken, _ detail: String) -> ParallaxError {
        ParallaxError(
            .anotherLog, "what was written is in another log than source \"\(source)\" reads", detail: detail,
            hint: "Send it again: what is counted already is counted once. parallax status says which log is read.")
    }
}

extension Catalog {
    /// Of the named sources; those that there are. In a snapshot with rows it is the rows' own.
    public func answeredPositions(
        ofSources names: [String], until deadline: ContinuousClock.Instant? = nil
    ) throws(ParallaxError) -> [String: AnsweredPositions] {
        let rows = try connection.queryPrepared(
            """
            SELECT s.name, l.binding, p.partition, p.next_offset, \(Self.ownerLives), p.problem->>'code', p.problem->>'message',
                   h.processed_until, h.first_offset
            FROM parallax.source s
            JOIN parallax.published u USING (source_id)
            LEFT JOIN parallax.source_log l USING (source_id)
            LEFT JOIN parallax.partition_position p USING (source_id)
            LEFT JOIN parallax.boundary h ON h.source_id = s.source_id AND h.partition = p.partition AND h.slice > u.slice
                AND h.processed_until < h.first_offset
            WHERE s.name = ANY ($1::text[]) ORDER BY s.name, p.partition, h.slice
            """, [.texts(names)], until: deadline
        ).rows
        var found: [String: AnsweredPositions] = [:]
        // The one whose rows come, and no other reference to it.
        var positions: AnsweredPositions?
        for row in rows {
            let name = try row.text(0)
            if positions?.source != name {
                if let positions { found[positions.source] = positions }
                positions = AnsweredPositions(source: name)
                if let binding = row[1] { positions?.binding = try decodeStored(LogBinding.self, binding) }
            }
            guard row[2] != nil else { continue }
            let partition = try row.partition(2)
            let (processed, isRead) = (try row.offset(3), try row.bool(4))
            let hole = row[7] == nil ? nil : try row.offset(7)..<(try row.offset(8))
            positions?.parts[partition, default: AnsweredPositions.Part()].note(processed, isRead, hole)
            if positions?.problemCode == nil {
                positions?.problemCode = row[5]
                positions?.problemMessage = row[6]
            }
        }
        if let positions { found[positions.source] = positions }
        return found
    }

    /// Where the source's flushes and publications are announced.
    public func channel(ofSource name: String) throws(ParallaxError) -> String {
        try connection.query("SELECT parallax.channel('parallax', $1)", [.text(name)]).rows[0].text(0)
    }
}
