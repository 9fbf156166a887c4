/// One source's log: ordered, partitioned, appendable, replayable from any offset that it still holds.
/// The embedded log and Kafka stand behind this; one contract suite tests every conformer.
///
/// Calls block (they read files or wait for a disk): call them on a thread of your own.
public protocol EventLog: AnyObject, Sendable {
    var source: String { get }

    /// Which log this is, as it is now. Throws `.anotherLog` where another was put in its place since it was opened: then it is to be opened anew.
    func identity() throws(ParallaxError) -> LogIdentity

    /// In ascending order.
    func partitions() throws(ParallaxError) -> [Partition]

    /// What can be read now: from the earliest retained offset up to, not including, the first that is not durable yet.
    func bounds(of partition: Partition) throws(ParallaxError) -> Range<Offset>

    /// About where the partition ends, for people, without waiting for anybody; nil where that is not known.
    func knownEnd(of partition: Partition) -> Offset?

    /// At most `maxRecords` records from `offset` on, fewer where `maxBytes` of payload are reached first (but at least one
    /// where there is one, however large). Empty, with `nextOffset == offset`, at the end of the log: it never waits.
    /// Throws `.offsetGone` where `offset` is below the earliest retained or above the end.
    func read(_ partition: Partition, from offset: Offset, maxRecords: Int, maxBytes: Int) throws(ParallaxError) -> RecordBatch

    /// The bounds of several partitions in one question.
    func bounds(of partitions: [Partition]) throws(ParallaxError) -> [Partition: Range<Offset>]

    /// Says what will be read next, once each, so that a log behind a network can fetch all of it together. Returns the partitions in the order in
    /// which reading costs least. Waits for nobody; a place that cannot be read is for `read` to refuse.
    func readAhead(_ places: [LogPlace]) -> [Partition]

    /// Says that no other partitions will be read for now: what was fetched of them may go.
    func readOnly(_ partitions: Set<Partition>)

    /// Appends in order and returns when all of it is durable. `partition` nil: by hash of the key, or round robin without one.
    /// Either all records of the call are in the log or the call threw; a call that threw may have left a part of them there
    /// (as an unacknowledged Kafka produce may).
    @discardableResult
    func append(_ records: [NewRecord], to partition: Partition?) throws(ParallaxError) -> [Partition: Range<Offset>]

    /// Gives up records below the cut, in whole segments. The caller knows that they are archived and processed.
    func trim(below cut: Cut) throws(ParallaxError)
}

extension EventLog {
    public func knownEnd(of partition: Partition) -> Offset? { try? bounds(of: partition).upperBound }
    public func readAhead(_ places: [LogPlace]) -> [Partition] { places.map(\.partition) }
    public func readOnly(_ partitions: Set<Partition>) {}

    public func bounds(of partitions: [Partition]) throws(ParallaxError) -> [Partition: Range<Offset>] {
        var bounds: [Partition: Range<Offset>] = [:]
        for partition in partitions { bounds[partition] = try self.bounds(of: partition) }
        return bounds
    }
}

/// Where a reader stands.
public struct LogPlace: Hashable, Sendable {
    public var partition: Partition
    /// The first that it wants.
    public var offset: Offset
    public init(_ partition: Partition, _ offset: Offset) {
        self.partition = partition
        self.offset = offset
    }
}

/// What a producer hands over.
public struct NewRecord: Sendable {
    public var key: [UInt8]?
    public var payload: [UInt8]?
    /// In order; names may repeat. None is the same as an empty list.
    public var headers: [RecordHeader]
    public init(key: [UInt8]?, payload: [UInt8]?, headers: [RecordHeader] = []) {
        self.key = key
        self.payload = payload
        self.headers = headers
    }

    /// The size of key, payload and headers.
    public var byteCount: Int { (key?.count ?? 0) + (payload?.count ?? 0) + (headers.isEmpty ? 0 : RecordHeaders.encode(headers).count) }
}
