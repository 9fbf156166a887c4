import Disk
import ParallaxCore

/// One immutable Parquet file of the archive, as its partition's manifest lists it: the offsets from `first` up to, not
/// including, `next`. One JSON line each in `manifest.ndjson`.
public struct ArchiveSegment: Codable, Hashable, Sendable {
    public var formatVersion: Int
    public var partition: Partition
    public var first: Offset
    public var next: Offset
    /// Fewer than `next - first` where the log had holes.
    public var records: Int
    /// Records that are no events, by `RejectionReason`'s raw value.
    public var rejected: [String: Int]
    public var bytes: Int
    /// The digest of the whole file: 64 lower-case hexadecimal digits.
    public var sha256: String
    /// The least and the greatest event time; nil where there are no events. Only comparable under the same schema: see `ArchiveReader.mayHold`.
    public var minEventTime: Instant?
    public var maxEventTime: Instant?
    /// The least and the greatest append time of all records; nil where there are none.
    public var minAppendedAt: Instant?
    public var maxAppendedAt: Instant?
    /// When the archiver closed the segment, by its own clock: no record in it was appended later, whatever the record says. Nil for a segment that an older
    /// version of Parallax wrote, and for one without records.
    public var archivedAt: Instant?
    public var file: String
    /// Set where a person gave up these offsets, which the log no longer had: the segment holds no records.
    public var gapAcceptedAt: Instant?
    /// Between which event times the records of a gap can have been, where that is known; half-open.
    public var gapEventsFrom: Instant?
    public var gapEventsUntil: Instant?
    /// Set where the segment took the place of one that was damaged: that one's digest.
    public var replacedSHA256: String?
    /// The last record, which the log is known by; nil in manifests from before, and where the segment holds none.
    public var lastRecord: LogWitness?
    /// Which columns the records were decoded to: see `ArchiveSchema.fingerprint`.
    public var schema: String

    /// The layout of files and manifest lines that this code writes, and the newest that it reads beside it.
    public static let currentFormatVersion = 1
    /// The format of a manifest line whose segment took the place of others.
    public static let replacingFormatVersion = 2

    /// Nil for a segment of records.
    public var acceptedGap: AcceptedGap? {
        gapAcceptedAt.map { acceptedAt in
            AcceptedGap(
                partition: partition, offsets: first..<next, acceptedAt: acceptedAt, eventsFrom: gapEventsFrom, eventsUntil: gapEventsUntil)
        }
    }

    /// `<first>-<next>.parquet`, in twenty digits each, so that names sort as offsets do.
    public static func fileName(first: Offset, next: Offset) -> String { "\(padded(first))-\(padded(next)).parquet" }

    static func padded(_ offset: Offset) -> String {
        let digits = String(offset.rawValue)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    /// The range in a file's name; nil for names of another form.
    static func range(ofFileName name: String) -> Range<Offset>? {
        guard name.hasSuffix(".parquet") else { return nil }
        let parts = name.dropLast(".parquet".count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 20 && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let first = Int64(parts[0]), let next = Int64(parts[1]), first < next
        else { return nil }
        return Offset(first)..<Offset(next)
    }
}

/// Where things are: `<directory>/<source>/p=<partition>/`.
struct ArchiveFolder: Sendable {
    let path: String
    let source: String

    static let manifestName = "manifest.ndjson"
    var adoptedLog: String { "\(path)/log.json" }

    init(directory: String, source: String) {
        self.source = source
        // A quoted SQL name may hold anything, also a slash: what is not plainly safe in a path is written as %XX.
        var name = ""
        for byte in source.utf8 {
            let isPlain = (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95 || byte == 45
            let digits = String(byte, radix: 16, uppercase: true)
            name += isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.count == 1 ? "0" : "") + digits
        }
        path = directory + "/" + name
    }

    func partition(_ partition: Partition) -> String { "\(path)/p=\(partition)" }
    func manifest(_ partition: Partition) -> String { self.partition(partition) + "/" + Self.manifestName }
    func segment(_ segment: ArchiveSegment) -> String { partition(segment.partition) + "/" + segment.file }

    /// The partitions that have a folder, in order.
    func partitions() throws(ParallaxError) -> [Partition] {
        try Disk.names(in: path).compactMap { name in
            guard name.hasPrefix("p="), let number = Int32(name.dropFirst(2)), number >= 0 else { return nil }
            return Partition(rawValue: number)
        }.sorted()
    }
}

extension ArchiveFolder {
    /// How often a waiting archiver looks again, in microseconds: a segment takes seconds to write.
    private static let pause: UInt32 = 20_000

    /// One archiver a source. The lock goes with the object, or with the process, however it dies.
    func lock(within wait: Duration) throws(ParallaxError) -> FileLock {
        let lock = FileLock(try File.folder(path))
        guard try lock.lock(until: .now + wait, lookingEvery: Self.pause) else {
            throw ParallaxError(
                .busy, "another archiver is at work in \"\(path)\"", detail: "Waited for \(wait).",
                hint: "Try again when it has finished; a dead process holds no lock.")
        }
        return lock
    }
}
