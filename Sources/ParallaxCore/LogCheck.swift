/// What is known of a partition of the log that a source is bound to: what each layer compares the log with before it reads on at an offset.
public struct LogKnowledge: Sendable, Hashable {
    public var partition: Partition
    /// The log had at least so many: everything below it was read, or is known to have been there.
    public var position: Offset
    public var witness: LogWitness?

    public init(partition: Partition, position: Offset, witness: LogWitness?) {
        self.partition = partition
        self.position = position
        self.witness = witness
    }
}

/// Comparing a log with what is known of it.
public enum LogCheck {
    /// Throws `.anotherLog` where the partition cannot be the one that the knowledge is of:
    ///
    ///     the log ends below the position                                 it is an older state, or another log
    ///     it holds another record at the witness's offset                 it is another log
    ///     it does not hold that offset, or its record is damaged          nothing is proven
    ///
    /// Reads one record, where there is a witness that the log still holds.
    public static func check(
        _ log: any EventLog, source: String, _ known: LogKnowledge, bounds: Range<Offset>
    ) throws(ParallaxError) {
        try checkEnd(source: source, known, bounds: bounds)
        guard let witness = known.witness, witness.offset >= bounds.lowerBound, witness.offset < bounds.upperBound else { return }
        let found: RecordBatch
        do throws(ParallaxError) { found = try log.read(known.partition, from: witness.offset, maxRecords: 1, maxBytes: 1) } catch {
            // Damage is for whoever needs the records: this one was read.
            guard error.code == .corrupt else { throw error }
            return
        }
        if let other = found.contradiction(of: witness) { throw otherRecord(source: source, known.partition, witness, other) }
    }

    public static func checkEnd(source: String, _ known: LogKnowledge, bounds: Range<Offset>) throws(ParallaxError) {
        guard bounds.upperBound < known.position else { return }
        throw anotherLog(
            source,
            "partition \(known.partition) of source \"\(source)\" was processed or archived up to offset \(known.position), and its log ends at "
                + "\(bounds.upperBound)")
    }

    public static func checkIdentity(source: String, expected: LogIdentity, found: LogIdentity) throws(ParallaxError) {
        guard found.contradicts(expected) else { return }
        throw anotherLog(
            source, "the positions of source \"\(source)\" belong to another log", detail: "Expected: \(expected). Found: \(found).")
    }

    public static func otherRecord(source: String, _ partition: Partition, _ expected: LogWitness, _ found: LogWitness) -> ParallaxError {
        anotherLog(
            source,
            "the log of source \"\(source)\" holds another record at offset \(expected.offset) of partition \(partition) than was read there",
            detail: "Read was one appended at \(expected.appendedAt.inUTC) (digest \(hex(expected.digest))); there is one appended at "
                + "\(found.appendedAt.inUTC) (digest \(hex(found.digest))).")
    }

    private static func hex(_ digest: Int64) -> String { String(UInt64(bitPattern: digest), radix: 16) }

    private static func anotherLog(_ source: String, _ message: String, detail: String? = nil) -> ParallaxError {
        ParallaxError(
            .anotherLog, message,
            detail: (detail.map { $0 + " " } ?? "") + "The log was replaced, put back to an older state, or made anew; nothing is read on.",
            hint:
                "Put the log back that was read (from a backup, or the former topic): everything goes on by itself. Or go on with this one, "
                + "keeping what is archived: parallax adopt-log \(source)")
    }
}

extension Instant {
    /// `2024-01-01 12:00:00 UTC`, for messages.
    fileprivate var inUTC: String {
        let (seconds, micros) = floorDivide(rawValue, Instant.microsecondsPerSecond)
        let (days, second) = floorDivide(seconds, 86_400)
        let date = CivilDate(daysSince1970: days)
        func digits(_ value: Int64, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        let fraction = micros == 0 ? "" : ".\(digits(micros, 6))"
        return "\(digits(date.year, 4))-\(digits(date.month, 2))-\(digits(date.day, 2)) "
            + "\(digits(second / 3_600, 2)):\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2))\(fraction) UTC"
    }
}
