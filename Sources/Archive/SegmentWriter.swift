import Checksums
import Disk
import Glibc
import Operators
import ParallaxCore
import Parquet
import ViewLanguage

/// One segment in the making: a temporary file that either becomes the segment whole or goes away.
///
///     created ─append…─► complete() ─► publish()      the segment is in the folder, and durable
///        └──────────────────┴─► deinit                the temporary file is removed
final class SegmentWriter {
    private let schema: ArchiveSchema
    private let partition: Partition
    private let first: Offset
    private let folder: String
    private let temporaryPath: String
    private let output: Output
    private let writer: ParquetWriter
    private(set) var records = 0
    private var rejected: [String: Int] = [:]
    private var minEventTime: Int64?
    private var maxEventTime: Int64?
    private var minAppendedAt: Int64?
    private var maxAppendedAt: Int64?
    private var lastRecord: LogWitness?

    /// The file and the digest of what went into it.
    private final class Output {
        let file: File
        // Nil once it is finished.
        var digest: SHA256? = SHA256()

        init(path: String) throws(ParallaxError) {
            guard let file = try File.createNew(path, mode: Openness.mode(ofFile: path)) else { throw Disk.error("make", path, EEXIST) }
            self.file = file
        }

        func write(_ bytes: UnsafeRawBufferPointer) throws(ParallaxError) {
            try file.append(bytes)
            digest?.update(bytes)
        }
    }

    /// `.tmp` at the end: wildcards for Parquet files do not find it.
    static let temporaryEnding = ".tmp"

    init(_ schema: ArchiveSchema, partition: Partition, first: Offset, folder: String) throws(ParallaxError) {
        self.schema = schema
        self.partition = partition
        self.first = first
        self.folder = folder
        temporaryPath = "\(folder)/\(ArchiveSegment.padded(first)).\(getpid())\(Self.temporaryEnding)"
        let output = try Output(path: temporaryPath)
        self.output = output
        writer = ParquetWriter(
            schema: schema.fields,
            keyValues: [
                ("parallax.format", "\(ArchiveSegment.currentFormatVersion)"), ("parallax.source", schema.source.name),
                ("parallax.partition", "\(partition)"), ("parallax.first", "\(first)"), ("parallax.schema", schema.fingerprint),
            ]
        ) { (bytes) throws(ParallaxError) in try output.write(bytes) }
    }

    // Also on the way out of an error. After `publish` there is nothing of that name any more.
    deinit { unlink(temporaryPath) }

    /// Bytes of the file so far.
    var bytes: Int { writer.position }

    func append(_ records: RecordBatch, _ events: EventBatch) throws(ParallaxError) {
        try writer.append(schema.columns(records, events))
        self.records += records.count
        lastRecord = records.lastWitness ?? lastRecord
        for rejection in events.rejections { rejected[rejection.reason.rawValue, default: 0] += 1 }
        for appendedAt in records.appendedAt {
            minAppendedAt = min(minAppendedAt ?? appendedAt, appendedAt)
            maxAppendedAt = max(maxAppendedAt ?? appendedAt, appendedAt)
        }
        guard let column = events.columns[schema.source.eventTimeColumn], case .int64(let times) = column.storage else { return }
        for row in times.indices where events.isRejected[row] == 0 && !column.isNull(row) {
            minEventTime = min(minEventTime ?? times[row], times[row])
            maxEventTime = max(maxEventTime ?? times[row], times[row])
        }
    }

    /// Finishes the file, makes it durable and gives it its name: the steps of which a crash leaves the whole segment or none.
    /// It counts only when the manifest lists it.
    ///
    /// - Parameter archivedAt: now.
    func publish(next: Offset, archivedAt: Instant) throws(ParallaxError) -> ArchiveSegment {
        try writer.finish()
        try output.file.sync()
        guard let digest = output.digest.take() else { preconditionFailure("a segment published twice") }
        FaultPoint.pass("archive.afterWrite")
        let segment = ArchiveSegment(
            formatVersion: ArchiveSegment.currentFormatVersion, partition: partition, first: first, next: next, records: records,
            rejected: rejected, bytes: writer.position, sha256: digest.finish(),
            minEventTime: minEventTime.map { Instant(microseconds: $0) }, maxEventTime: maxEventTime.map { Instant(microseconds: $0) },
            minAppendedAt: minAppendedAt.map { Instant(microseconds: $0) }, maxAppendedAt: maxAppendedAt.map { Instant(microseconds: $0) },
            archivedAt: records > 0 ? archivedAt : nil, file: ArchiveSegment.fileName(first: first, next: next), lastRecord: lastRecord,
            schema: schema.fingerprint)
        try Disk.rename(temporaryPath, to: "\(folder)/\(segment.file)")
        FaultPoint.pass("archive.afterRename")
        try Disk.syncFolder(folder)
        return segment
    }
}
