/// One setting of `parallax.yaml`: its name, what it may hold, and what it is without anybody's word.
///
/// The table of all keys (`ConfigurationKey.all`) is the only list there is: it drives the parser, `parallax config show`, the commented
/// example that `parallax init` writes, and the test that compares `docs/reference/configuration.md` with it.
struct ConfigurationKey: Sendable {
    enum Kind: Sendable, Equatable {
        case integer(ClosedRange<Int>)
        /// `64MiB`, `512 KiB`, `1000000`.
        case bytes(ClosedRange<Int>)
        /// `500ms`, `5 minutes`, `1h`. With `offAllowed` also `0` and `off`, which mean: never.
        case duration(ClosedRange<Duration>, offAllowed: Bool)
        /// `1%`, `0.5%`, `0`.
        case share
        case text
        case choice([String])
    }

    /// Two levels, joined with a dot: `speed.flush_interval`.
    let path: String
    let kind: Kind
    /// As a person would write it; empty: not set.
    let defaultText: String
    /// Never printed, never logged.
    let isSecret: Bool
    /// What it does, in the words of the example and of the reference. One line an element.
    let comment: [String]

    init(_ path: String, _ kind: Kind, default defaultText: String, isSecret: Bool = false, _ comment: String...) {
        self.path = path
        self.kind = kind
        self.defaultText = defaultText
        self.isSecret = isSecret
        self.comment = comment
    }

    var section: String { String(path.prefix { $0 != "." }) }
    var name: String { String(path.drop { $0 != "." }.dropFirst()) }

    /// `speed.flush_interval` → `PARALLAX_SPEED_FLUSH_INTERVAL`. A secret `x` has a sibling `x_file`, and so a variable `…_FILE`.
    var environmentVariable: String {
        "PARALLAX_" + path.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
    }
}

/// What a key holds after parsing.
enum ConfigurationValue: Sendable, Equatable {
    case integer(Int)
    case bytes(Int)
    /// Nil: off.
    case duration(Duration?)
    /// Of one: 1% is 0.01.
    case share(Double)
    /// Nil: not set.
    case text(String?)
}
