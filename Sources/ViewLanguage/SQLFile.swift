/// One definitions file, as it was read.
public struct SQLFile: Hashable, Sendable {
    /// For messages, as the user knows it (usually relative to the pipeline's folder).
    public var path: String
    public var text: String
    /// Byte at which the file stops being UTF-8. The compiler refuses such a file there.
    var firstInvalidByte: Int?

    public init(path: String, text: String) {
        self.path = path
        self.text = text
    }

    /// Takes the bytes of a file, whatever they are: what is not UTF-8 becomes an error with its place, not a crash.
    public init(path: String, bytes: [UInt8]) {
        self.path = path
        text = String(decoding: bytes, as: UTF8.self)
        firstInvalidByte = zip(text.utf8, bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        if firstInvalidByte == nil, text.utf8.count != bytes.count { firstInvalidByte = min(text.utf8.count, bytes.count) }
    }
}
