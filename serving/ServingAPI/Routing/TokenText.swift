import Checksums
import ParallaxCore

/// What a token is made of, and what is kept of it.
public enum TokenText {
    /// Tells programs that look for secrets what it is.
    static let prefix = "plx_"
    static let bytes = 32
    /// A token of ours is shorter; a longer text is none, and not worth a hash.
    static let maxBytes = 200

    /// 256 bits of the system's own generator.
    public static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<Self.bytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return prefix + Base64URL.text(bytes)
    }

    /// SHA-256, in hex: what the catalog keeps. So many random bits need no salt and no slow hash.
    public static func hash(of token: String) -> String { Array(token.utf8).withUnsafeBytes { sha256($0) } }
}
