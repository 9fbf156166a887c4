/// What the embedded log takes and how much it holds at once; each limit has a test that reaches it.
public struct EmbeddedLogLimits: Sendable {
    /// Key and payload of one record together. Above the largest event anyone should send (a 10 MB one is taken), and far below
    /// what a frame's 32-bit length can say.
    public var bytesPerRecord = 64 << 20
    /// A frame is closed when its records reach this. It is what a reader must checksum to get at one record in it, so it
    /// is no larger than a disk's appetite asks for; a larger record has a frame of its own.
    public var bytesPerBatchFrame = 1 << 20
    /// Also closes a frame: bounds what a reader keeps of a frame of tiny records.
    public var recordsPerBatchFrame = 65_536
    /// The next frame goes to a new segment when it would take the segment above this. Retention works in whole segments.
    public var bytesPerSegment = 128 << 20
    /// Partitions of one source: each costs a folder and a few open files.
    public var partitions = 1_024
    /// How long an append waits for another process's append before it throws `.busy`.
    public var lockDeadline = Duration.seconds(30)

    public init() {}
}
