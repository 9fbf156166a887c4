extension Instant {
    /// `2024-01-01T12:00:00Z`, with a fraction where there is one.
    public var text: String {
        var bytes: [UInt8] = []
        bytes.appendInstant(microseconds: rawValue)
        return String(decoding: bytes, as: UTF8.self)
    }
}
