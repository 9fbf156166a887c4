import ParallaxCore

extension Connection {
    /// `SQLText.quotedIdentifier`.
    public static func quoteIdentifier(_ name: String) -> String { SQLText.quotedIdentifier(name) }

    /// `SQLText.quotedLiteral`.
    public static func quoteLiteral(_ text: String) -> String { SQLText.quotedLiteral(text) }
}
