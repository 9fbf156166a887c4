/// A rejected record as people look at it: the speed layer takes some, and `parallax.rejected_record` keeps the newest.
public struct RejectedSample: Hashable, Sendable {
    public var partition: Partition
    public var offset: Offset
    /// The view that cannot take the event. Empty: the record is no event.
    public var view: String
    public var reason: RejectionReason
    public var message: String
    /// The source's column, where one is to blame.
    public var column: String?
    /// Byte of the payload where the trouble begins, from 0.
    public var position: Int?
    /// Nil for a record without payload.
    public var payloadStart: [UInt8]?

    public init(
        partition: Partition, offset: Offset, view: String, reason: RejectionReason, message: String, column: String?, position: Int?,
        payloadStart: [UInt8]?
    ) {
        self.partition = partition
        self.offset = offset
        self.view = view
        self.reason = reason
        self.message = message
        self.column = column
        self.position = position
        self.payloadStart = payloadStart
    }
}
