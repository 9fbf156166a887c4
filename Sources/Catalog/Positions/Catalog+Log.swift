import Foundation
import ParallaxCore
import Postgres

/// A source's log as the catalog has it.
public struct BoundSource: Sendable, Hashable {
    public var binding: LogBinding
    /// Who found it first.
    public var place: String
}

extension Catalog {
    /// The log that the source's offsets belong to. Where none is recorded yet, the one that was found is: the first of a source, or of a database
    /// from before logs had identities.
    ///
    /// Throws `.anotherLog` where another one is recorded.
    ///
    /// - Parameters:
    ///   - found: what the log says of itself.
    ///   - archived: what the archive says, whose binding goes before an empty catalog's.
    ///   - place: of whoever asks, for people.
    public func bind(
        source id: SourceID, named name: String, to found: LogIdentity, archived: LogBinding? = nil, place: String
    ) throws(ParallaxError) -> LogBinding {
        var bound = try binding(source: id)
        if bound == nil {
            let new = archived ?? LogBinding(identity: found)
            try connection.query(
                """
                INSERT INTO parallax.source_log (source_id, binding, place)
                SELECT source_id, $2::jsonb, $3 FROM parallax.source WHERE source_id = $1 ON CONFLICT DO NOTHING
                """, [.source(id), .text(try encodeStored(new)), .text(place)])
            bound = try binding(source: id)
        }
        guard var known = bound else { throw Self.sourceIsGone(id) }
        if found.contradicts(known.binding.identity) {
            throw ParallaxError(
                .anotherLog, "the positions of source \"\(name)\" belong to another log",
                detail:
                    "Expected: \(known.binding.identity), first seen by \(known.place). Found: \(found), by \(place). Nothing is read on.",
                hint: Self.waysOut(name, known.binding.identity, found))
        }
        if known.binding.identity.number == nil, found.number != nil {
            // A log from before there were numbers has been given one.
            known.binding.identity = found
            try connection.query(
                "UPDATE parallax.source_log SET binding = $2::jsonb WHERE source_id = $1 AND binding->'identity'->>'number' IS NULL",
                [.source(id), .text(try encodeStored(known.binding))])
        }
        return known.binding
    }

    private static func waysOut(_ source: String, _ expected: LogIdentity, _ found: LogIdentity) -> String {
        let adopt = "go on with this log, keeping what is archived: parallax adopt-log \(source)"
        if expected.topic != found.topic {
            return "Archive the former topic first (parallax archive, with the former definition), or \(adopt)"
        }
        return
            "Put the former log back; or \(adopt). Where this is a second pipeline, give it a database of its own (postgres.url), or none: "
            + "then it makes one."
    }

    public func binding(source id: SourceID) throws(ParallaxError) -> BoundSource? {
        guard
            let row = try connection.query("SELECT binding, place FROM parallax.source_log WHERE source_id = $1", [.source(id)]).rows.first
        else { return nil }
        return try BoundSource(binding: decodeStored(LogBinding.self, row.text(0)), place: row.text(1))
    }

    /// What the speed layer knows of the log.
    public func logKnowledge(source id: SourceID) throws(ParallaxError) -> [LogKnowledge] {
        try connection.query(
            """
            SELECT partition, next_offset, witness_offset, witness_appended_at, witness_digest FROM parallax.partition_position
            WHERE source_id = $1 ORDER BY partition
            """, [.source(id)]
        ).rows.map { row throws(ParallaxError) in
            try LogKnowledge(partition: row.partition(0), position: row.offset(1), witness: Self.witness(row, at: 2))
        }
    }

    /// Read from three columns, `column` and the two behind it; nil where there is none yet. All of them are written together.
    static func witness(_ row: QueryResult.Row, at column: Int) throws(ParallaxError) -> LogWitness? {
        guard let offset = try row.optionalInt(column) else { return nil }
        return try LogWitness(offset: Offset(offset), appendedAt: row.instant(column + 1), digest: row.int(column + 2))
    }

    /// A newer record that the log is known by, for a position that did not move since.
    public func setWitness(_ witness: LogWitness, source id: SourceID, partition: Partition, at position: Offset) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.partition_position SET witness_offset = $4, witness_appended_at = $5, witness_digest = $6
            WHERE source_id = $1 AND partition = $2 AND next_offset = $3
            """,
            [
                .source(id), .int(Int64(partition.rawValue)), .int(position.rawValue), .int(witness.offset.rawValue),
                .int(witness.appendedAt.rawValue), .int(witness.digest),
            ])
    }

    /// Why partitions stand still, for people; nil: they do not. Changes nothing else, and fences nobody.
    public func recordProblem(_ problem: ParallaxError?, source id: SourceID, partitions: [Partition]) throws(ParallaxError) {
        try connection.query(
            """
            UPDATE parallax.partition_position SET problem = $3::jsonb
            WHERE source_id = $1 AND partition = ANY ($2::bigint[]) AND problem IS DISTINCT FROM $3::jsonb
            """,
            [
                .source(id), .ints(partitions.map { Int64($0.rawValue) }),
                try problem.map { error throws(ParallaxError) in .text(try encodeStored(SourceProblem(error))) } ?? .null,
            ])
    }

    /// The first of what workers said.
    public func problem(ofSource id: SourceID) throws(ParallaxError) -> ParallaxError? { try problems(ofSource: id).first?.error }

    /// What keeps the speed layer from reading on: each problem once, with its partitions.
    func problems(ofSource id: SourceID) throws(ParallaxError) -> [SourceStatus.Problem] {
        var problems: [SourceStatus.Problem] = []
        for row in try connection.query(
            "SELECT partition, problem FROM parallax.partition_position WHERE source_id = $1 AND problem IS NOT NULL ORDER BY partition",
            [.source(id)]
        ).rows {
            let error = try decodeStored(SourceProblem.self, row.text(1)).error
            let partition = try row.partition(0)
            if let index = problems.firstIndex(where: { $0.error == error }) {
                problems[index].partitions.append(partition)
            } else {
                problems.append(SourceStatus.Problem(partitions: [partition], error: error))
            }
        }
        return problems
    }

    /// A partition that stands before records that the log gave up after they were archived goes on behind them: they are in no answer until a run
    /// has taken them from the archive. Returns false where the archive does not hold all of them. A transaction of its own.
    public func skipArchived(source id: SourceID, partition: Partition, to earliest: Offset) throws(ParallaxError) -> Bool {
        try connection.transaction { () throws(ParallaxError) in
            let isArchived = try connection.query(
                """
                SELECT 1 FROM parallax.partition_position
                WHERE source_id = $1 AND partition = $2 AND next_offset < $3 AND archived_offset >= $3
                """, [.source(id), .int(Int64(partition.rawValue)), .int(earliest.rawValue)])
            guard !isArchived.rows.isEmpty else { return false }
            // The source's row before the position's: see LockPatience.
            let slice = try requestSlice(source: id)
            let row = try connection.query(
                """
                SELECT next_offset, slice FROM parallax.partition_position
                WHERE source_id = $1 AND partition = $2 AND next_offset < $3 AND archived_offset >= $3 FOR UPDATE
                """, [.source(id), .int(Int64(partition.rawValue)), .int(earliest.rawValue)]
            ).rows.first
            guard let row else { return false }
            try closeSlices(
                source: id, partition: partition, from: row.slice(1), through: slice, at: earliest, processedUntil: row.offset(0))
            try connection.query(
                """
                UPDATE parallax.partition_position
                SET epoch = epoch + 1, \(Self.unowned),
                    next_offset = $3, slice = $4, log_end = greatest(log_end, $3), problem = NULL
                WHERE source_id = $1 AND partition = $2
                """, [.source(id), .int(Int64(partition.rawValue)), .int(earliest.rawValue), .int(slice.rawValue)])
            return true
        }
    }
}

/// An error as the catalog keeps it.
private struct SourceProblem: Codable {
    var code: ParallaxError.Code
    var message: String
    var detail: String?
    var hint: String?

    init(_ error: ParallaxError) {
        code = error.code
        message = error.message
        detail = error.detail
        hint = error.hint
    }

    var error: ParallaxError { ParallaxError(code, message, detail: detail, hint: hint) }
}
