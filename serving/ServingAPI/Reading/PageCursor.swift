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
        return data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Nil for what is no cursor of ours.
    init?(_ text: String) {
        guard text.utf8.count <= 16_384 else { return nil }
        var base = text.replacing("-", with: "+").replacing("_", with: "/")
        while base.utf8.count % 4 != 0 { base += "=" }
        guard let data = Data(base64Encoded: base), let cursor = try? JSONDecoder().decode(PageCursor.self, from: data) else { return nil }
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

/// FNV-1a over texts: the same in every process, unlike Swift's own.
enum StableHash {
    static func of(_ parts: [String]) -> UInt64 {
        var hash: UInt64 = 14_695_981_039_346_656_037
        for part in parts {
            for byte in part.utf8 { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
            hash = (hash ^ 0xFF) &* 1_099_511_628_211
        }
        return hash
    }
}
