import Foundation
import ParallaxCore

/// Where a page of a row's events ends. Pages stay within one publication, and within the offsets that the first one looked at.
public struct EventCursor: Sendable, Hashable, Codable {
    /// Names the row, its version and its bounds.
    public var row: String
    public var run: Int64
    public var slice: Int64
    /// By partition: the first offset that no page looks at.
    public var ends: [String: Int64]
    /// As `EventQuestion.late` at the first page.
    public var late: [String: Int64]
    /// The last event before the next page.
    public var partition: Int32
    public var offset: Int64

    public init(
        row: String, run: Int64, slice: Int64, ends: [String: Int64], late: [String: Int64], partition: Int32, offset: Int64
    ) {
        self.row = row
        self.run = run
        self.slice = slice
        self.ends = ends
        self.late = late
        self.partition = partition
        self.offset = offset
    }

    /// A longer text is none, and is not looked at.
    static let maxTextBytes = 64 << 10

    public var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(self) else { return "" }
        return Base64URL.text(data)
    }

    /// Nil for what is no cursor of ours.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maxTextBytes, let bytes = Base64URL.bytes(text),
            let cursor = try? JSONDecoder().decode(EventCursor.self, from: Data(bytes)),
            cursor.partition >= 0, cursor.offset >= 0, cursor.ends.values.allSatisfy({ $0 >= 0 }),
            cursor.late.values.allSatisfy({ $0 >= 0 })
        else { return nil }
        self = cursor
    }
}
