import Disk
import ParallaxCore

/// The log's own number, in a file that goes with it wherever it is moved, and never changes.
///
///     parallax log number 1: <32 hexadecimal digits> in file <inode>
///
/// The file says which file it was when it was written (the device is left out: its number may change with a restart of the machine). Where it
/// is another one, the folder is a copy (moved by copying, or restored from a backup): then a published end may be ahead of its segment, because the
/// two were copied one after the other (see `PartitionWriter+Recovery`).
/// A writer that has recovered the copy writes the file anew: from then on it is as good as the original.
struct LogNumberFile {
    var number: String
    /// The file is the one that was written, no copy.
    var isOriginal: Bool

    private static let prefix = "parallax log number 1: "
    private static let middle = " in file "

    /// Nil where the log has none: it is from before there were numbers, or new.
    static func read(_ paths: LogPaths) throws(ParallaxError) -> LogNumberFile? {
        guard let file = try File.read(paths.identity) else { return nil }
        let text = String(decoding: try file.contents(atMost: 200), as: UTF8.self)
        let words = text.dropFirst(prefix.count).split(separator: " ")
        guard text.hasPrefix(prefix), text.hasSuffix("\n"), words.count == 4, let number = words.first, number.utf8.count == 32,
            number.allSatisfy({ $0.isHexDigit }), let place = words.last?.dropLast()
        else {
            throw ParallaxError(
                .corrupt, "\(paths.identity) does not hold the number of the log of source \"\(paths.source)\"",
                detail: "It should read \"\(prefix)\", 32 hexadecimal digits, \"\(middle)\" and a number.",
                hint: "Restore the file from a copy of the log.")
        }
        return LogNumberFile(number: String(number), isOriginal: place == "\(try file.status().inode)"[...])
    }

    /// Durable when it returns.
    static func write(_ number: String, _ paths: LogPaths) throws(ParallaxError) {
        try Disk.write(to: paths.identity) { inode in Array("\(prefix)\(number)\(middle)\(inode)\n".utf8) }
    }

    /// 128 random bits.
    static func fresh() -> String {
        let digits = String(UInt128.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 32 - digits.utf8.count) + digits
    }
}
