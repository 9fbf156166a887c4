import Foundation

/// Base 64 for URLs (RFC 4648, section 5), without padding.
enum Base64URL {
    static func text(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Nil for what is none.
    static func data(_ text: String) -> Data? {
        var base = text.replacing("-", with: "+").replacing("_", with: "/")
        while base.utf8.count % 4 != 0 { base += "=" }
        return Data(base64Encoded: base)
    }
}
