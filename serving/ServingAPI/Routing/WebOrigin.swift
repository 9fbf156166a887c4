import ParallaxCore

/// Where a page comes from, as browsers write it in `Origin`: scheme, host and port, and nothing behind them.
public struct WebOrigin: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// Only what a browser really sends: another spelling would never be met.
    ///
    /// `*` is none. Where no token is needed, it would give the views to every page that anybody on this machine opens; where one is, whoever has a token for a
    /// page knows where the page is. `null` is what browsers say of files and of frames without an origin, whoever made them.
    public init(_ text: String) throws(ParallaxError) {
        func refused(_ message: String, _ hint: String) -> ParallaxError {
            ParallaxError(.configuration, "\"\(text)\" \(message)", hint: hint)
        }
        let example = "scheme, host and port as browsers say them, such as https://app.example.com or http://localhost:3000"
        guard !text.contains("*") else {
            throw refused("would let in pages of sites that nobody has named", "name each origin: \(example)")
        }
        guard text != "null" else {
            throw refused(
                "is what browsers say of any file and of any frame without an origin", "serve the page from a web server, and name that")
        }
        guard let written = Self.asBrowsersWrite(text) else { throw refused("is no origin", example) }
        guard written == text else { throw refused("is not as browsers say it", "write \(written)") }
        description = text
    }

    /// Lower case, without a path and without the port that its scheme has anyway. Nil: no browser has such an origin.
    private static func asBrowsersWrite(_ text: String) -> String? {
        guard let colons = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<colons.lowerBound].lowercased()
        let authority = text[colons.upperBound...].prefix { !"/?#".contains($0) }.lowercased()
        guard let first = scheme.utf8.first, UInt8(ascii: "a")...UInt8(ascii: "z") ~= first,
            scheme.utf8.allSatisfy({ isOfNames($0) || $0 == UInt8(ascii: "+") })
        else { return nil }
        var host = authority[...]
        var port = ""
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else { return nil }
            host = authority[..<colon]
            port = ["http": 80, "https": 443][scheme] == number ? "" : ":\(number)"
        }
        let isAddress =
            host.hasPrefix("[") && host.hasSuffix("]")
            && host.utf8.dropFirst().dropLast().allSatisfy { isOfNames($0) || $0 == UInt8(ascii: ":") }
        // Other letters stand in a browser's origin as xn--….
        guard !host.isEmpty, isAddress || host.utf8.allSatisfy({ isOfNames($0) || $0 == UInt8(ascii: "_") }) else { return nil }
        return "\(scheme)://\(host)\(port)"
    }

    private static func isOfNames(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }
}
