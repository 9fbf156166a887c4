import Foundation
import ParallaxCore

/// Where a page begins. Clients hand it back as it is; whatever they change in it is refused or only finds other rows that they may see anyway.
///
/// It stays within one publication: the next page is of the same run, or the answer is an error.
struct PageCursor: Sendable, Hashable, Codable {
    /// Of the query: columns, filters, order, layer.
    var query: String
    /// The relation and its text.
    var view: String
    /// By source.
    var runs: [String: Int64]
    /// The values of the order's columns in the last row; nil for null.
    var key: [String?]
    /// Rows before it, where no key is known.
    var offset: Int64

    var text: String {
        guard let data = try? JSONEncoder().encode(self) else { return "" }
        return Base64URL.text(data)
    }

    /// Nil for what is no cursor of ours.
    init?(_ text: String) {
        guard text.utf8.count <= 16_384 else { return nil }
        guard let bytes = Base64URL.bytes(text), let cursor = try? JSONDecoder().decode(PageCursor.self, from: Data(bytes)) else {
            return nil
        }
        guard cursor.offset >= 0, !cursor.key.contains(where: { $0?.utf8.contains(0) ?? false }) else { return nil }
        self = cursor
    }

    init(query: String, view: String, runs: [String: Int64], key: [String?], offset: Int64) {
        self.query = query
        self.view = view
        self.runs = runs
        self.key = key
        self.offset = offset
    }
}

/// The same in every process, and short: for tags that clients hand back.
enum StableHash {
    static func text(of parts: [String]) -> String {
        var hash = FNV1a()
        for part in parts {
            hash.add(part)
            // No byte of UTF-8.
            hash.add(0xFF)
        }
        return String(hash.value, radix: 36)
    }
}
