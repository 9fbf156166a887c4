import Operators
import ParallaxCore
import ViewLanguage

/// What one segment and one row group may hold. Whichever limit comes first closes it; one record is always taken, however large.
public struct ArchiveLimits: Sendable {
    /// A segment is rewritten whole or not at all, and verified whole: seconds of work, not minutes.
    public var recordsPerSegment = 1 << 20
    /// Bytes of the file; it may be passed by one row group.
    public var bytesPerSegment = 256 << 20
    /// Readers hold a row group in memory, as one batch.
    public var recordsPerRowGroup = 1 << 17
    /// Bytes of payload.
    public var bytesPerRowGroup = 64 << 20
    /// How long to wait for another archiver: it needs no more for the segment that it is writing.
    public var lockWait = Duration.seconds(60)
    /// After so long without a look, the log is compared with the archive's newest record again: no log is replaced, filled and in use sooner.
    public var logComparedAfter = Duration.seconds(60)
    public init() {}
}

/// When a partition's newest records are archived although they do not fill a segment.
/// (Small segments stay as they are: nothing merges them yet.)
public enum TailPolicy: Sendable, Hashable {
    /// Now, up to the cut: what a run needs.
    case everything
    /// When there are so many, or when the oldest was appended so long ago: what a service does between runs, so that it
    /// does not write thousands of tiny files.
    case when(records: Int, age: Duration)

    /// A segment every ten minutes at least, while anything comes in at all.
    public static let service = TailPolicy.when(records: 1 << 17, age: .seconds(600))
}

/// How payloads become events. The standard one is the decoder that both layers use; tests bring their own.
public struct ArchiveDecoding: Sendable {
    /// A decoder for one thread.
    public var makeDecoder: @Sendable (SourceDefinition) -> (RecordBatch) -> EventBatch
    public init(makeDecoder: @escaping @Sendable (SourceDefinition) -> (RecordBatch) -> EventBatch) { self.makeDecoder = makeDecoder }

    public static let standard = ArchiveDecoding { source in
        let decoder = EventDecoder(source)
        return { decoder.decode($0) }
    }
}
