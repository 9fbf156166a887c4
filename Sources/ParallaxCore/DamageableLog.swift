/// Records that a log holds and that cannot be read any more: their bytes are not what was written, or are not there.
public struct LogDamage: Hashable, Sendable {
    public var partition: Partition
    /// Exactly those: the records before and behind them can be read.
    public var offsets: Range<Offset>
    public var file: String
    /// Where they lay in the file; nil where the file, or its end, is missing.
    public var bytes: Range<Int>?
    /// What is wrong.
    public var flaw: String

    public init(partition: Partition, offsets: Range<Offset>, file: String, bytes: Range<Int>?, flaw: String) {
        self.partition = partition
        self.offsets = offsets
        self.file = file
        self.bytes = bytes
        self.flaw = flaw
    }

    /// For people.
    public var words: String {
        let place = bytes.map { "bytes \($0.lowerBound) up to \($0.upperBound) of \(file)" } ?? file
        return "partition \(partition): offsets \(offsets.lowerBound) up to, not including, \(offsets.upperBound) (\(place)): \(flaw)"
    }
}

/// A log whose bytes lie on our own disk, so that it can be damaged, and read on behind the damage once a person gave it up.
public protocol DamageableLog: EventLog {
    /// What cannot be read from the offset on, ascending, without what was given up already. Reads and checks everything.
    func damages(of partition: Partition, from offset: Offset) throws(ParallaxError) -> [LogDamage]

    /// The damage that holds the offset, given up or not; nil where it can be read.
    func damage(of partition: Partition, at offset: Offset) throws(ParallaxError) -> LogDamage?

    /// Reads pass over it from now on, in every process, as over a hole; a copy of the damaged bytes is kept. Where the records can be read again, they
    /// are: nothing is passed over then.
    func giveUp(_ damage: LogDamage) throws(ParallaxError)
}
